//! No token in any `Debug`, error, trace or address, of any target, whatever a careless server repeats.

use std::{
    error::Error as _,
    sync::{Mutex, OnceLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use presswork_social::{Attempt, Error, Media, Post, SocialTarget, X, conformance::Harness, providers::x::XBuilder};
use serde_json::{Value, json};

use crate::{
    bluesky, buffer, linkedin, mastodon,
    server::{Reply, Request},
    site::{Site, World},
    threads, webhook, x,
};

/// What the crates underneath log, at the finest level.
struct Traces(Mutex<String>);

impl log::Log for Traces {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        let line = format!("{} {}\n", record.target(), record.args());
        self.0.lock().unwrap().push_str(&line);
    }
    fn flush(&self) {}
}

fn traces() -> &'static Traces {
    static TRACES: OnceLock<Traces> = OnceLock::new();
    TRACES.get_or_init(|| Traces(Mutex::default()))
}

/// Everything the request said, in words.
fn said(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body);
    format!(
        "{} {} {:?} {:?} {body}",
        request.method, request.path, request.query, request.headers
    )
}

/// An answer that repeats the request where the networks put their messages.
fn echo(request: &Request, status: u16, shape: usize) -> Reply {
    let said = said(request);
    let body = match shape {
        0 => json!({"error": said, "error_description": said, "message": said, "detail": said, "title": said,
            "errors": [{"message": said}], "errorDetails": {"inputErrors": [{"code": "C", "description": said}]}}),
        1 => json!({"error": {"message": said, "code": 100}}),
        2 => json!({"data": {"createPost": {"__typename": "InvalidInputError", "message": said}}}),
        _ => Value::Null,
    };
    let body = if body.is_null() {
        said.into_bytes()
    } else {
        body.to_string().into_bytes()
    };
    let authorization = request.header("authorization").unwrap_or_default().to_owned();
    Reply::Answer {
        status,
        headers: vec![("x-request-id", authorization)],
        body,
    }
}

/// All an error shows, its sources and its evidence included.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {:?}", error.evidence());
    shown += &serde_json::to_string(&error.evidence()).unwrap();
    let mut source = error.source();
    while let Some(cause) = source {
        shown += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    shown
}

async fn tells_nothing<W: World>(build: impl FnOnce(W::Builder, String) -> W::Builder, secrets: &[&str]) {
    let site = Site::<W>::start().await;
    let base = format!("http://{}", site.address());
    let builder = W::builder(&mut site.world.lock().unwrap(), base.clone());
    let builder = build(builder, base);
    let mut debug = format!("{builder:?}");
    let target = W::build(builder).unwrap();
    debug += &format!("{target:?} {:?}", site.world.lock().unwrap().common().store);
    let mut told = vec![debug];
    let media = Media::new(&b"\x89PNG\r\n\x1a\n"[..], "image/png").public_url("https://media.example/a.png");
    let post = Post::new("text").idempotency_key("k");
    for status in [200, 400, 401, 422, 500] {
        for shape in 0..4 {
            site.world.lock().unwrap().common().echo = Some(Box::new(move |request| echo(request, status, shape)));
            told.extend(target.check().await.err().as_ref().map(shown));
            told.extend(target.upload(&media).await.err().as_ref().map(shown));
            let error = target.publish(&post).await.err();
            told.extend(error.as_ref().map(shown));
            let mut attempt = Attempt::new(post.clone(), site.now_ms());
            attempt.evidence = error.and_then(|error| error.evidence().cloned());
            told.extend(target.reconcile(&attempt).await.err().as_ref().map(shown));
        }
    }
    assert!(told.len() > 10, "{} errors", told.len());
    told.extend(values_of_a_leaking_server(&site, &media).await);
    let addresses = site
        .seen()
        .into_iter()
        .map(|request| format!("{} {:?}", request.path, request.query));
    let logged = std::mem::take(&mut *traces().0.lock().unwrap());
    told.extend(addresses.chain([logged]));
    for text in told {
        for secret in ["5ecret", W::SECRET].iter().chain(secrets) {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

/// Where good answers have what becomes a part of a value.
const FIELDS: [&str; 20] = [
    "id",
    "url",
    "uri",
    "cid",
    "did",
    "handle",
    "username",
    "name",
    "localizedName",
    "vanityName",
    "message",
    "text",
    "content",
    "externalLink",
    "permalink",
    "image",
    "mimeType",
    "$link",
    "service",
    "x-restli-id",
];

/// What calls return of answers that are good but for the token in one of their fields.
async fn values_of_a_leaking_server<W: World>(site: &Site<W>, media: &Media) -> Vec<String> {
    site.world.lock().unwrap().common().echo = None;
    let (mut told, mut good) = (Vec::new(), 0);
    for field in FIELDS {
        site.world.lock().unwrap().common().leaks = Some(field);
        let post = Post::new(format!("text {field}")).idempotency_key(field);
        let checked = site.target.check().await;
        let uploaded = site.target.upload(media).await;
        let published = site.target.publish(&post).await;
        let mut attempt = Attempt::new(post, site.now_ms());
        attempt.evidence = published.as_ref().err().and_then(|error| error.evidence().cloned());
        site.settle().await;
        let found = site.target.reconcile(&attempt).await;
        good += usize::from(checked.is_ok()) + usize::from(published.is_ok()) + usize::from(found.is_ok());
        let errors = [
            checked.as_ref().err(),
            uploaded.as_ref().err(),
            published.as_ref().err(),
            found.as_ref().err(),
        ];
        told.extend(errors.into_iter().flatten().map(shown));
        told.push(format!(
            "{:?} {:?} {:?} {:?}",
            checked.ok(),
            uploaded.ok(),
            published.ok(),
            found.ok()
        ));
    }
    assert!(good > FIELDS.len(), "only {good} good values");
    let mut world = site.world.lock().unwrap();
    world.common().leaks = None;
    world.common().violations.clear();
    told
}

#[tokio::test]
async fn no_target_tells_a_secret_to_anybody_but_its_network() {
    log::set_logger(traces()).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    tells_nothing::<x::World>(|builder, _| builder, &[]).await;
    // Characters that forms, JSON and base64 spell in other ways.
    let odd = "x-5ecret/\"+ü";
    let pair = STANDARD.encode(format!("client-1:{odd}"));
    tells_nothing::<x::World>(|builder, _| builder.client_secret(odd), &[&pair]).await;
    let signing = |_: XBuilder, base: String| {
        let keys = X::builder("me").oauth1("key", odd, "x-5ecret&", odd);
        keys.base_url(base).allow_private_hosts()
    };
    tells_nothing::<x::World>(signing, &[]).await;
    tells_nothing::<mastodon::World>(|builder, _| builder, &[]).await;
    tells_nothing::<bluesky::World>(|builder, _| builder, &[]).await;
    tells_nothing::<buffer::World>(|builder, _| builder, &[]).await;
    tells_nothing::<linkedin::World>(|builder, _| builder, &[]).await;
    tells_nothing::<threads::World>(|builder, _| builder, &[]).await;
    let signed = webhook::SECRET.strip_prefix("whsec_").unwrap();
    tells_nothing::<webhook::World>(|builder, _| builder, &[signed]).await;
    // What was logged was seen at all.
    log::trace!("seen");
    assert!(traces().0.lock().unwrap().contains("seen"));
}
