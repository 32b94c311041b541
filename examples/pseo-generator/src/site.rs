//! What visitors read.

use std::hash::{DefaultHasher, Hasher as _};

use presswork_content_store::{D1Store, PageQuery, Pages as _, Status};
use presswork_pipeline::Config;
use presswork_pipeline::site::{self, Entry};
use worker::{Env, Request, Response};

use crate::compose;

/// The newest pages, as many as the home page shows.
const HOME: usize = 100;

/// A page or a list, or 404; 304 when the visitor has it.
pub(crate) async fn answer(request: &Request, env: &Env, path: &str) -> Result<Response, String> {
    let (config, store) = compose::site(env)?;
    let found = find(&config, &store, path).await.map_err(|error| error.to_string())?;
    respond(request, found).map_err(|error| error.to_string())
}

type Found = Option<(&'static str, String)>;

async fn find(config: &Config, store: &D1Store, path: &str) -> presswork_pipeline::Result<Found> {
    let (site, xml) = (&config.site, |error| {
        presswork_pipeline::Error::Json(serde_json::Error::io(error))
    });
    Ok(match path {
        "/robots.txt" => Some(("text/plain", site::robots(site))),
        "/sitemap.xml" => Some((
            "application/xml",
            site::sitemap(site, &entries(config, store).await?).map_err(xml)?,
        )),
        "/feed.xml" => Some((
            "application/atom+xml",
            site::feed(site, &entries(config, store).await?).map_err(xml)?,
        )),
        "/" => {
            let mut newest = entries(config, store).await?;
            newest.sort_by_key(|entry| std::cmp::Reverse(entry.published_at_ms));
            newest.truncate(HOME);
            Some(("text/html", site::home(site, &newest)))
        }
        _ => match path.strip_prefix('/').and_then(|path| path.strip_suffix('/')) {
            Some(slug) if !slug.contains('/') => {
                let page = store.get_by_slug(&site.id, &site.locale, slug).await?;
                let page = page.filter(|page| page.status == Status::Published);
                page.and_then(|page| site::page(site, &page))
                    .map(|html| ("text/html", html))
            }
            _ => None,
        },
    })
}

async fn entries(config: &Config, store: &D1Store) -> presswork_pipeline::Result<Vec<Entry>> {
    let query = PageQuery {
        site: config.site.id.clone(),
        status: Some(Status::Published),
    };
    let (mut entries, mut after) = (Vec::new(), None);
    loop {
        let list = store.list(&query, after.as_ref(), 500).await?;
        entries.extend(list.items.iter().filter_map(Entry::of));
        match list.next {
            None => return Ok(entries),
            next => after = next,
        }
    }
}

fn respond(request: &Request, found: Found) -> worker::Result<Response> {
    let Some((kind, text)) = found else {
        return Response::error("no such page\n", 404);
    };
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    let tag = format!("\"{:016x}\"", hasher.finish());
    let seen = request.headers().get("if-none-match")?;
    let answer = Response::builder()
        .with_header("etag", &tag)?
        .with_header("cache-control", "public, max-age=60")?;
    match seen {
        // A proxy that compresses makes the tag a weak one.
        Some(seen) if seen.trim_start_matches("W/") == tag => Ok(answer.with_status(304).empty()),
        _ => Ok(answer
            .with_header("content-type", &format!("{kind}; charset=utf-8"))?
            .fixed(text.into_bytes())),
    }
}

/// Whether the request carries the secret, compared in a time that does not tell how much of it is right.
pub(crate) fn authorised(request: &Request, env: &Env) -> bool {
    let given = request
        .headers()
        .get("authorization")
        .ok()
        .flatten()
        .unwrap_or_default();
    let Ok(secret) = env.secret("RUN_SECRET") else {
        return false;
    };
    let wanted = format!("Bearer {secret}");
    let differ = given
        .bytes()
        .zip(wanted.bytes())
        .fold(0, |differ, (a, b)| differ | std::hint::black_box(a ^ b));
    secret.to_string().len() >= 16 && given.len() == wanted.len() && differ == 0
}
