//! A receiver that verifies signatures, and shows each id once.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use presswork_social::{
    Clock, Post, Result, Webhook,
    conformance::{Fault, Visible},
    providers::webhook::WebhookBuilder,
};
use serde_json::json;
use sha2::Sha256;

use crate::{
    server::{Reply, Request},
    site::{self, Common},
};

pub(crate) const SECRET: &str = "whsec_c2lnbmVkLTVlY3JldC1zaWduZWQtNWVjcmV0";

pub(crate) struct World {
    pub(crate) common: Common,
    pub(crate) received: Vec<(String, Post)>,
    /// Given instead of the next answers, before the post is looked at.
    instead: Option<Reply>,
}

impl site::World for World {
    type Target = Webhook;
    type Builder = WebhookBuilder;
    const TROUBLES: u32 = 3;
    const SECRET: &'static str = "c2lnbmVkLTVlY3JldC1zaWduZWQtNWVjcmV0";

    fn new(common: Common) -> Self {
        Self {
            common,
            received: Vec::new(),
            instead: None,
        }
    }

    fn trouble(&mut self, number: u32) {
        self.instead = Some(match number {
            0 => Reply::error(503, "busy").with("retry-after", "30"),
            1 => Reply::error(504, "gateway timeout"),
            _ => Reply::error(410, "gone, for a while"),
        });
    }

    fn builder(&mut self, base: String) -> WebhookBuilder {
        Webhook::builder(format!("{base}/hooks/posts?from=us"), SECRET)
            .account("me")
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: WebhookBuilder) -> Result<Webhook> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    /// A success says it all here, whatever its body; and `check` asks nothing.
    fn can(fault: Fault) -> bool {
        !matches!(fault, Fault::GarbageAnswer | Fault::Unauthenticated)
    }

    fn publishes(&self, _: &Request) -> bool {
        true
    }

    fn visible(&self) -> Vec<Visible> {
        self.received.iter().flat_map(|(id, post)| shown(id, post)).collect()
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        Reply::json(429, &json!({})).with("retry-after", seconds.to_string())
    }

    fn unauthenticated(&mut self, _: &Request) -> Reply {
        Reply::json(401, &json!({ "error": SECRET }))
    }

    fn route(&mut self, request: &Request) -> Reply {
        let place = (request.method.as_str(), request.path.as_str(), request.query("from"));
        self.common
            .require(place == ("POST", "/hooks/posts", Some("us")), format!("{place:?}"));
        let header = |name: &str| request.header(name).unwrap_or_default().to_owned();
        let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
        let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(&request.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let signed = header("webhook-signature")
            .split(' ')
            .any(|signature| signature == expected);
        let recent = (self.common.clock.now_ms() / 1_000 - timestamp.parse::<i64>().unwrap()).abs() < 300;
        self.common.require(
            signed && recent && !id.contains('.'),
            "a request that no receiver would trust",
        );
        self.common
            .require(header("content-type") == "application/json", "a body that is not JSON");
        if let Some(reply) = self.instead.take() {
            return reply;
        }
        let body = request.json();
        assert_eq!(body["type"], "post.publish");
        let post: Post = serde_json::from_value(body["data"].clone()).unwrap();
        assert_eq!(body["data"]["full_text"], post.full_text());
        if !self.received.iter().any(|(known, _)| *known == id) {
            self.received.push((id, post));
        }
        Reply::Answer {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

fn shown(id: &str, post: &Post) -> Vec<Visible> {
    let mut root = Visible::new(id, post.full_text());
    root.alts = post.media.iter().map(|media| media.alt.clone()).collect();
    root.language.clone_from(&post.language);
    root.visibility = post.visibility;
    root.content_warning.clone_from(&post.content_warning);
    let rest = post.thread.iter().map(|part| Visible::new(format!("{id}/part"), part));
    std::iter::once(root).chain(rest).collect()
}
