//! The local site and its status page, on loopback.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{DOCTYPE, html};
use presswork_content_store::{ContentStore, Status};
use presswork_pipeline::site::{self, Entry};

use crate::commands::status;
use crate::compose::WholeQueue;
use crate::settings::Settings;
use crate::{export, listing};

/// What the handlers read.
#[derive(Clone)]
pub(crate) struct Site {
    /// Settings of the program.
    pub(crate) settings: Arc<Settings>,
    /// Where the pages are.
    pub(crate) store: Arc<dyn ContentStore>,
    /// Where the messages are.
    pub(crate) queue: Arc<dyn WholeQueue>,
}

/// Every route of the local site.
pub(crate) fn routes(site: Site) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/sitemap.xml", get(sitemap))
        .route("/feed.xml", get(feed))
        .route("/robots.txt", get(robots))
        .route("/-/status", get(status_page))
        .route("/-/status.json", get(status_json))
        .route("/-/health", get(|| async { "ok\n" }))
        .route("/{slug}", get(to_page))
        .route("/{slug}/", get(page))
        .with_state(site)
}

type Answer = Result<Response, Failed>;

async fn home(State(site): State<Site>) -> Answer {
    let entries = entries(&site).await?;
    Ok(Html(site::home(&site.settings.pipeline.site, &export::newest(&entries))).into_response())
}

/// Only a slug is redirected: another path, such as `/%2Fexample.com`, could lead to another server.
async fn to_page(Path(slug): Path<String>) -> Response {
    let is_slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if slug.chars().all(is_slug) {
        Redirect::temporary(&format!("/{slug}/")).into_response()
    } else {
        no_such_page()
    }
}

fn no_such_page() -> Response {
    (StatusCode::NOT_FOUND, "no such page\n").into_response()
}

async fn page(State(site): State<Site>, Path(slug): Path<String>) -> Answer {
    let config = &site.settings.pipeline.site;
    let page = site.store.get_by_slug(&config.id, &config.locale, &slug).await?;
    // A reviewer may look at a page before the public does: it says noindex then.
    let html = page
        .filter(|page| matches!(page.status, Status::Published | Status::InReview))
        .and_then(|page| site::page(config, &page));
    Ok(match html {
        Some(html) => Html(html).into_response(),
        None => no_such_page(),
    })
}

async fn sitemap(State(site): State<Site>) -> Answer {
    xml(
        "application/xml",
        site::sitemap(&site.settings.pipeline.site, &entries(&site).await?)?,
    )
}

async fn feed(State(site): State<Site>) -> Answer {
    xml(
        "application/atom+xml",
        site::feed(&site.settings.pipeline.site, &entries(&site).await?)?,
    )
}

async fn robots(State(site): State<Site>) -> String {
    site::robots(&site.settings.pipeline.site)
}

async fn status_json(State(site): State<Site>) -> Answer {
    let report = status::read(&site.settings, site.store.as_ref(), site.queue.as_ref()).await?;
    Ok((
        [(header::CONTENT_TYPE, "application/json")],
        serde_json::to_string(&report)?,
    )
        .into_response())
}

async fn status_page(State(site): State<Site>) -> Answer {
    let report = status::read(&site.settings, site.store.as_ref(), site.queue.as_ref()).await?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="refresh" content="5";
                title { "presswork status" }
                style { ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}th{text-align:left;padding:.3rem 1.5rem .3rem 0;vertical-align:top}" }
            }
            body {
                h1 { (site.settings.pipeline.site.name) }
                table { @for (name, value) in status::rows(&report) { tr { th scope="row" { (name) } td { (value) } } } }
                p { a href="/" { "The site" } }
            }
        }
    };
    Ok(Html(page.into_string()).into_response())
}

async fn entries(site: &Site) -> anyhow::Result<Vec<Entry>> {
    let pages = listing::pages(&site.settings, site.store.as_ref(), Status::Published).await?;
    Ok(pages.iter().filter_map(Entry::of).collect())
}

fn xml(kind: &'static str, text: String) -> Answer {
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
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
