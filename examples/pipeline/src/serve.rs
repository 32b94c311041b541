//! Requests to a site: pages for everybody, and what its owner may do.

use presswork_content_store::ContentStore;

use crate::config::SiteConfig;
use crate::report::RunReport;
use crate::site::{Answer, answer};
use crate::{Result, access, import};

/// What is read of a request.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The path, as the visitor wrote it.
    pub path: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The header `If-None-Match`.
    pub seen: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Answers a request.
///
/// `GET` of a page, a list or `/healthz` is for everybody. With the bearer token `secret`, which is the owner's: `POST /run`
/// calls `run`, `POST /topics` plans the topics of the CSV file in the body.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) when the store cannot be used.
#[allow(clippy::future_not_send)] // a Worker has one thread
pub async fn serve(
    asked: &Asked,
    secret: &str,
    site: &SiteConfig,
    store: &dyn ContentStore,
    run: impl AsyncFnOnce() -> Result<RunReport, String>,
) -> Result<Answer> {
    let read = matches!(&*asked.method, "GET" | "HEAD");
    match (read, &*asked.path) {
        (true, "/healthz") => Ok(Answer::line(200, "ok")),
        (true, path) => answer(store, site, path, asked.seen.as_deref()).await,
        _ if !access::bearer(asked.authorization.as_deref(), secret) => {
            Ok(Answer::line(401, "the owner's bearer secret is needed"))
        }
        (false, "/run") => match run().await {
            Ok(report) => Answer::json(&report),
            Err(why) => Ok(Answer::line(503, why)),
        },
        (false, "/topics") => match import::import(store, site, "topics.csv", || Ok(&*asked.body), &|_| ()).await {
            Ok(report) => Answer::json(&report),
            Err(error) => Ok(Answer::line(422, error)),
        },
        _ => Ok(Answer::line(405, "no such thing")),
    }
}
