//! What X remembers, and its answers to the requests this crate makes.

use std::{collections::BTreeMap, time::Duration};

use futures_util::FutureExt;
use presswork_social::{Clock, Counter, Result, TokenSet, TokenStore, X, conformance::Visible, providers::x::XBuilder};
use serde_json::{Value, json};

use super::uploads::Upload;
use crate::{
    clock::rfc3339_ms,
    server::{Reply, Request},
    site::{self, Common},
};

pub(crate) const USER: &str = "2244994945";
const EPOCH_MS: i64 = 1_288_834_974_657;

#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) id: i64,
    pub(crate) made_at_ms: i64,
    pub(crate) seen: Visible,
}

pub(crate) struct World {
    pub(crate) common: Common,
    pub(crate) posts: Vec<Posted>,
    pub(super) uploads: BTreeMap<String, Upload>,
    /// The tokens that are good now, by the number of their renewal.
    pub(crate) renewals: u32,
    pub(crate) access_ends_ms: i64,
    refuse_renewal: bool,
    /// How many looks find a new upload still in the making.
    pub(crate) processing: usize,
    /// How long a new post is missing from the timeline.
    pub(crate) lag_ms: i64,
    pub(crate) refusal: Option<Reply>,
}

impl site::World for World {
    type Target = X;
    type Builder = XBuilder;
    const SECRET: &'static str = "x-5ecret";
    const TROUBLES: u32 = 6;

    fn new(common: Common) -> Self {
        let access_ends_ms = common.clock.now_ms() + 7_200_000;
        Self {
            common,
            posts: Vec::new(),
            uploads: BTreeMap::new(),
            renewals: 0,
            access_ends_ms,
            refuse_renewal: false,
            processing: 0,
            lag_ms: 0,
            refusal: None,
        }
    }

    fn builder(&mut self, base: String) -> XBuilder {
        X::builder("@me")
            .oauth2("client-1", self.grant())
            .token_store(self.common.store.clone())
            .base_url(base)
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: XBuilder) -> Result<X> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn token(&self) -> String {
        self.access()
    }

    fn publishes(&self, request: &Request) -> bool {
        (request.method.as_str(), request.path.as_str()) == ("POST", "/2/tweets")
    }

    fn visible(&self) -> Vec<Visible> {
        self.posts.iter().map(|post| post.seen.clone()).collect()
    }

    fn settle() -> Duration {
        Duration::from_secs(160)
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        let reset = self.common.clock.now_ms() / 1_000 + i64::try_from(seconds).unwrap();
        Reply::json(
            429,
            &json!({"title": "Too Many Requests", "detail": "Too Many Requests", "type": "about:blank", "status": 429}),
        )
        .with("x-rate-limit-limit", "100")
        .with("x-rate-limit-remaining", "0")
        .with("x-rate-limit-reset", reset.to_string())
    }

    fn unauthenticated(&mut self, request: &Request) -> Reply {
        if request.path == "/2/oauth2/token" {
            return spent();
        }
        // Revoked: the renewal that follows is refused, too.
        self.refuse_renewal = true;
        let detail = format!("Unauthorized: Bearer {}", self.access());
        Reply::json(
            401,
            &json!({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": detail}),
        )
    }

    fn trouble(&mut self, number: u32) {
        let now = self.common.clock.now_ms();
        match number {
            0 => self.access_ends_ms = now,
            1 => self.processing = 100,
            2 => self.lag_ms = 60_000,
            3 => self.lag_ms = 0,
            4 => {
                let credits = json!({"title": "CreditsDepleted", "type": "https://api.x.com/2/problems/credits", "status": 402,
                    "detail": "Your enrolled account does not have any credits to fulfill this request."});
                self.refusal = Some(Reply::json(402, &credits));
            }
            _ => {
                let day = (now / 1_000 + 600).to_string();
                let reply = Reply::json(
                    429,
                    &json!({"errors": [{"code": 88, "message": "Rate limit exceeded"}]}),
                )
                .with("x-rate-limit-remaining", "42")
                .with("x-rate-limit-reset", (now / 1_000 + 5).to_string())
                .with("x-user-limit-24hour-remaining", "0")
                .with("x-user-limit-24hour-reset", day);
                self.refusal = Some(reply);
            }
        }
    }

    /// The person whose account was disconnected connects it again.
    fn reconnect(&mut self) {
        self.renewals += 1;
        self.access_ends_ms = self.common.clock.now_ms() + 7_200_000;
        let store = self.common.store.clone();
        let before = store.load("x.com/@me").now_or_never().unwrap().unwrap();
        let grant = self.grant();
        let swapped = store.swap("x.com/@me", before.as_ref(), &grant);
        assert!(swapped.now_or_never().unwrap().unwrap());
    }

    fn route(&mut self, request: &Request) -> Reply {
        self.common
            .require(request.header("user-agent").is_some(), "no user agent");
        if request.path == "/2/oauth2/token" {
            return self.renew(request);
        }
        if let Some(reply) = self.refusal.take() {
            return reply;
        }
        let good = request.header("authorization") == Some(&format!("Bearer {}", self.access()));
        if !good || self.common.clock.now_ms() >= self.access_ends_ms {
            return Reply::json(
                401,
                &json!({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}),
            );
        }
        let timeline = format!("/2/users/{USER}/tweets");
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/2/users/me") => Reply::json(200, &json!({"data": {"id": USER, "name": "Me", "username": "Me"}})),
            ("POST", "/2/tweets") => self.create(request),
            ("GET", path) if path == timeline => self.timeline(request),
            ("POST", "/2/media/upload") => self.at_once(request),
            ("POST", "/2/media/upload/initialize") => self.initialize(request),
            ("POST", "/2/media/metadata") => self.describe(request),
            ("GET", "/2/media/upload") => self.status(request),
            ("POST", path) if path.ends_with("/append") => self.append(request),
            ("POST", path) if path.ends_with("/finalize") => self.finalize(request),
            _ => Reply::json(404, &json!({"title": "Not Found Error", "status": 404})),
        }
    }
}

fn spent() -> Reply {
    let detail = "Value passed for the token was invalid.";
    Reply::json(400, &json!({"error": "invalid_request", "error_description": detail}))
}

impl World {
    /// A second post that looks like the first.
    pub(crate) fn twin(&mut self) {
        let mut twin = self.posts[0].clone();
        twin.id += 1;
        self.posts.push(twin);
    }

    fn access(&self) -> String {
        format!("x-5ecret-access-{}", self.renewals)
    }

    fn grant(&self) -> TokenSet {
        TokenSet::new(self.access())
            .refresh(format!("x-5ecret-refresh-{}", self.renewals))
            .expires_at_ms(self.access_ends_ms)
    }

    fn renew(&mut self, request: &Request) -> Reply {
        let body = String::from_utf8(request.body.clone()).unwrap();
        let expected = format!(
            "grant_type=refresh_token&refresh_token=x-5ecret-refresh-{}&client_id=client-1",
            self.renewals
        );
        let form = request.header("content-type") == Some("application/x-www-form-urlencoded");
        self.common.require(
            form && body.starts_with("grant_type=refresh_token&"),
            "no form to renew by",
        );
        if std::mem::take(&mut self.refuse_renewal) || body != expected {
            return spent();
        }
        self.renewals += 1;
        self.access_ends_ms = self.common.clock.now_ms() + 7_200_000;
        Reply::json(
            200,
            &json!({"token_type": "bearer", "expires_in": 7200, "access_token": self.access(),
                "refresh_token": format!("x-5ecret-refresh-{}", self.renewals), "scope": "tweet.write"}),
        )
    }

    fn create(&mut self, request: &Request) -> Reply {
        let json = request.header("content-type") == Some("application/json");
        self.common.require(json, "a post that is not JSON");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let known = ["text", "media", "reply", "made_with_ai"];
        let unknown: Vec<_> = body
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !known.contains(&key.as_str()))
            .cloned()
            .collect();
        self.common
            .require(unknown.is_empty(), format!("unknown fields {unknown:?}"));
        let text = body["text"].as_str().unwrap_or_default().to_owned();
        let invalid = |message: &str| {
            Reply::json(
                400,
                &json!({"errors": [{"message": message}], "title": "Invalid Request", "status": 400,
                "detail": "One or more parameters to your request was invalid.", "type": "https://api.x.com/2/problems/invalid-request"}),
            )
        };
        if Counter::X.count(&text) > 280 {
            return invalid("Your Tweet text is too long. For more information, see the documentation.");
        }
        let media: Vec<String> = serde_json::from_value(body["media"]["media_ids"].clone()).unwrap_or_default();
        if media.iter().any(|id| {
            !self
                .uploads
                .get(id)
                .is_some_and(|upload| upload.finalized && upload.processing == 0)
        }) {
            return invalid("Your media IDs are invalid.");
        }
        let parent = body["reply"]["in_reply_to_tweet_id"].as_str();
        if parent.is_some_and(|parent| !self.posts.iter().any(|post| post.id.to_string() == parent)) {
            let detail = "You attempted to reply to a Tweet that is deleted or not visible to you.";
            return Reply::json(
                403,
                &json!({"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403}),
            );
        }
        let now = self.common.clock.now_ms();
        let same = |post: &Posted| post.seen.text == text && post.made_at_ms > now - 4 * 3_600_000;
        if self.posts.iter().any(same) {
            let detail = "You are not allowed to create a Tweet with duplicate content.";
            return Reply::json(
                403,
                &json!({"detail": detail, "type": "about:blank", "title": "Forbidden", "status": 403}),
            );
        }
        let id = ((now - EPOCH_MS) << 22) + self.posts.len() as i64;
        let mut seen = Visible::new(id.to_string(), text.clone());
        seen.alts = media.iter().map(|id| self.uploads[id].alt.clone()).collect();
        self.posts.push(Posted {
            id,
            made_at_ms: now,
            seen,
        });
        Reply::json(
            201,
            &json!({"data": {"id": id.to_string(), "text": text, "edit_history_tweet_ids": [id.to_string()]}}),
        )
    }

    fn timeline(&mut self, request: &Request) -> Reply {
        let known = ["max_results", "start_time", "pagination_token"];
        let unknown: Vec<_> = request
            .query
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
            .cloned()
            .collect();
        self.common
            .require(unknown.is_empty(), format!("unknown parameters {unknown:?}"));
        let now = self.common.clock.now_ms();
        let start = rfc3339_ms(request.query("start_time").unwrap());
        let size: usize = request.query("max_results").unwrap().parse().unwrap();
        self.common.require((5..=100).contains(&size), "max_results");
        let skip: usize = request
            .query("pagination_token")
            .map_or(0, |token| token.parse().unwrap());
        let listed = self
            .posts
            .iter()
            .rev()
            .filter(|post| post.made_at_ms >= start && post.made_at_ms + self.lag_ms <= now);
        let listed: Vec<Value> = listed.map(render).collect();
        let page: Vec<Value> = listed.iter().skip(skip).take(size).cloned().collect();
        let mut meta = json!({"result_count": page.len()});
        if skip + size < listed.len() {
            meta["next_token"] = json!((skip + size).to_string());
        }
        // An empty page has no data.
        Reply::json(
            200,
            &if page.is_empty() {
                json!({"meta": meta})
            } else {
                json!({"data": page, "meta": meta})
            },
        )
    }
}

/// Links are shortened, three characters escaped, and media add a link of their own.
fn render(post: &Posted) -> Value {
    let text = post
        .seen
        .text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let words = text.split(' ').map(|word| {
        let lines = word.split('\n');
        let lines = lines.map(|line| {
            if line.starts_with("https://") {
                "https://t.co/AbCdEfGhIj"
            } else {
                line
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    let mut text = words.collect::<Vec<_>>().join(" ");
    if !post.seen.alts.is_empty() {
        text.push_str(" https://t.co/0123456789");
    }
    json!({"id": post.id.to_string(), "text": text, "edit_history_tweet_ids": [post.id.to_string()]})
}
