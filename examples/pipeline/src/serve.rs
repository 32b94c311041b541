//! Requests to a site: pages for everybody, and what its owner may do.

use presswork_content_store::ContentStore;
use presswork_queue::Queue;
use serde_json::json;

use crate::config::SiteConfig;
use crate::import::Deleted;
use crate::report::RunReport;
use crate::site::{Answer, answer};
use crate::{Result, access, dead_letters, import};

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

impl Asked {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.body);
        text.split_whitespace().map(str::to_owned).collect()
    }
}

/// Answers a request.
///
/// `GET` of a page, a list or `/healthz` is for everybody. With the bearer token `secret`, which is the owner's: `POST /run`
/// calls `run`; `POST /topics` plans the topics of the CSV file in the body; `GET /dead-letters` lists messages that were given
/// up on the queue `name`; `POST /redrive` sends the letters whose ids are the lines of the body to `queue` again, or the first
/// 100; `POST /discard` removes those of the body for good.
///
/// # Errors
/// [`Error::Store`](crate::Error::Store) when the store cannot be used.
#[allow(clippy::future_not_send)] // a Worker has one thread
pub async fn serve(
    asked: &Asked,
    secret: &str,
    site: &SiteConfig,
    store: &dyn ContentStore,
    (queue, name): (&dyn Queue, &str),
    run: impl AsyncFnOnce() -> Result<RunReport, String>,
) -> Result<Answer> {
    let read = matches!(&*asked.method, "GET" | "HEAD");
    match (read, &*asked.path) {
        (true, "/healthz") => Ok(Answer::line(200, "ok")),
        (true, path) if path != "/dead-letters" => answer(store, site, path, asked.seen.as_deref()).await,
        _ if !access::bearer(asked.authorization.as_deref(), secret) => {
            Ok(Answer::line(401, "the owner's bearer secret is needed"))
        }
        (false, "/run") => match run().await {
            Ok(report) => Answer::json(&report),
            Err(why) => Ok(Answer::line(503, why)),
        },
        (true, _) => Answer::json(&dead_letters::list(store, name).await?),
        (false, "/redrive") => {
            let sent = dead_letters::redrive(store, queue, name, &asked.lines()).await?;
            Answer::json(&json!({ "redriven": sent }))
        }
        (false, "/discard") => {
            Answer::json(&json!({ "discarded": dead_letters::discard(store, &asked.lines()).await? }))
        }
        (false, "/topics") => {
            // Nothing here deletes a page, and an invocation may ask D1 50 times: not once for each topic.
            let (deleted, open) = (Deleted::PlanAgain, || Ok(&*asked.body));
            match import::import(store, site, "topics.csv", open, deleted, &|_| ()).await {
                Ok(report) => Answer::json(&report),
                Err(error) => Ok(Answer::line(422, error)),
            }
        }
        _ => Ok(Answer::line(405, "no such thing")),
    }
}
