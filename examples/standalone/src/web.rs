//! The local site and its status page, on loopback.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use presswork_content_store::{FullStore, Status};
use presswork_pipeline::site;

use crate::commands::status;
use crate::compose::{self, WholeQueue};
use crate::settings::Settings;

mod status_page;

/// What the handlers read.
#[derive(Clone)]
pub(crate) struct Site {
    /// Settings of the program.
    pub(crate) settings: Arc<Settings>,
    /// Where the pages are.
    pub(crate) store: Arc<dyn FullStore>,
    /// Where the messages are.
    pub(crate) queue: Arc<dyn WholeQueue>,
}

/// Every route of the local site.
pub(crate) fn routes(site: Site) -> Router {
    Router::new()
        .route("/-/status", get(status_page))
        .route("/-/status.json", get(status_json))
        .route("/-/health", get(|| async { "ok\n" }))
        .fallback(get(public))
        .with_state(site)
}

type Answer = Result<Response, Failed>;

/// What every visitor sees; and pages in review, which say noindex.
async fn public(State(site): State<Site>, uri: Uri, headers: HeaderMap) -> Answer {
    let config = &site.settings.pipeline.site;
    if let Some(slug) = site::card_slug(uri.path())
        && let Some(png) = card(&site, slug).await?
    {
        let kept = (header::CACHE_CONTROL, "public, max-age=60");
        return Ok(([(header::CONTENT_TYPE, "image/png"), kept], png).into_response());
    }
    let seen = headers.get(header::IF_NONE_MATCH).and_then(|seen| seen.to_str().ok());
    let answer = site::answer(site.store.as_ref(), config, uri.path(), seen).await?;
    if answer.status == 404
        && let Some(html) = in_review(&site, uri.path()).await?
    {
        return Ok(([(header::CACHE_CONTROL, "no-store")], Html(html)).into_response());
    }
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(answer.body.into())?)
}

/// The picture of a page that is public or waits for a reviewer.
async fn card(site: &Site, slug: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let config = &site.settings.pipeline.site;
    let Some(cards) = compose::cards(&site.settings) else {
        return Ok(None);
    };
    let page = site.store.get_by_slug(&config.id, &config.locale, slug).await?;
    let Some(page) = page.filter(|page| matches!(page.status, Status::Published | Status::InReview)) else {
        return Ok(None);
    };
    Ok(site::card(&cards, config, &page).await?.map(|image| image.bytes))
}

/// A reviewer may look at a page before the public does.
async fn in_review(site: &Site, path: &str) -> anyhow::Result<Option<String>> {
    let config = &site.settings.pipeline.site;
    let Some(slug) = path.strip_prefix('/').and_then(|path| path.strip_suffix('/')) else {
        return Ok(None);
    };
    let page = site.store.get_by_slug(&config.id, &config.locale, slug).await?;
    let page = page.filter(|page| page.status == Status::InReview);
    Ok(page.and_then(|page| site::page(config, &page)))
}

async fn status_json(State(site): State<Site>) -> Answer {
    let report = status::read(&site.settings, site.store.as_ref(), site.queue.as_ref()).await?;
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, serde_json::to_string(&report)?).into_response())
}

/// `?every=5` reads the page again every five seconds; without it, only when the reader wants to.
async fn status_page(State(site): State<Site>, uri: Uri) -> Answer {
    let every = uri.query().and_then(|query| query.strip_prefix("every=")?.parse().ok());
    let report = status::read(&site.settings, site.store.as_ref(), site.queue.as_ref()).await?;
    let page = status_page::render(&site.settings, &report, every);
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(page)).into_response())
}

/// The log has the reason; a visitor learns that it is not their fault.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        tracing::error!(error = format!("{:#}", self.0), "a request failed");
        (
            StatusCode::SERVICE_UNAVAILABLE,
            [(header::RETRY_AFTER, "5")],
            "try again in a moment\n",
        )
            .into_response()
    }
}
