//! What Threads remembers of one account, and its answers to the requests this crate makes.

use std::{collections::BTreeMap, time::Duration};

use futures_util::FutureExt;
use presswork_social::{
    Clock, Counter, Result, Threads, TokenSet, TokenStore, conformance::Visible, providers::threads::ThreadsBuilder,
};
use serde_json::{Value, json};

use crate::{
    clock::iso,
    server::{Reply, Request},
    site::{self, Common},
};

pub(crate) const USER: &str = "17841405793187218";
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Debug)]
struct Container {
    fields: BTreeMap<String, String>,
    /// Looks that still find it in the making.
    processing: usize,
    published: bool,
    made_at_ms: i64,
}

pub(crate) struct World {
    pub(crate) common: Common,
    containers: Vec<Container>,
    pub(crate) containers_made: usize,
    /// It knows no container any more.
    pub(crate) forgotten: bool,
    /// Container, time and what people see.
    pub(crate) posts: Vec<(usize, i64, Visible)>,
    pub(crate) renewals: u32,
    pub(crate) ends_ms: i64,
    /// How many looks find new media still in the making.
    pub(crate) processing: usize,
    /// How long a new post is missing from the lists.
    pub(crate) lag_ms: i64,
    /// The next publish works and says that it did not.
    pub(crate) false_failure: bool,
    refuse_renewal: bool,
    /// When the token was given: one of less than 24 hours is not renewed.
    given_ms: i64,
}

impl site::World for World {
    type Target = Threads;
    type Builder = ThreadsBuilder;
    const SECRET: &'static str = "th-5ecret";
    const TROUBLES: u32 = 5;

    fn new(common: Common) -> Self {
        let ends_ms = common.clock.now_ms() + 60 * DAY_MS;
        Self {
            common,
            containers: Vec::new(),
            containers_made: 0,
            forgotten: false,
            posts: Vec::new(),
            renewals: 0,
            ends_ms,
            processing: 0,
            lag_ms: 0,
            false_failure: false,
            refuse_renewal: false,
            given_ms: i64::MIN / 2,
        }
    }

    fn builder(&mut self, base: String) -> ThreadsBuilder {
        Threads::builder("@me", self.grant())
            .token_store(self.common.store.clone())
            .base_url(base)
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: ThreadsBuilder) -> Result<Threads> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn token(&self) -> String {
        self.access()
    }

    fn publishes(&self, request: &Request) -> bool {
        request.path.ends_with("/threads_publish")
    }

    fn visible(&self) -> Vec<Visible> {
        self.posts.iter().map(|(_, _, seen)| seen.clone()).collect()
    }

    fn settle() -> Duration {
        Duration::from_secs(400)
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        error(429, 4, 0, "Application request limit reached").with("retry-after", seconds.to_string())
    }

    fn unauthenticated(&mut self, request: &Request) -> Reply {
        // Revoked: the renewal that follows is refused, too.
        self.refuse_renewal = request.path != "/refresh_access_token";
        error(
            401,
            190,
            463,
            &format!("Error validating access token {}", self.access()),
        )
    }

    fn trouble(&mut self, number: u32) {
        match number {
            0 => self.processing = 5,
            1 => self.false_failure = true,
            2 => self.lag_ms = 20_000,
            3 => self.lag_ms = 0,
            // What the target knows of the end is in the store: near it, the token is renewed.
            _ => {
                self.ends_ms = self.common.clock.now_ms() + 5 * DAY_MS;
                self.keep();
            }
        }
    }

    fn reconnect(&mut self) {
        self.renewals += 1;
        self.given_ms = self.common.clock.now_ms();
        self.ends_ms = self.given_ms + 60 * DAY_MS;
        self.keep();
    }

    fn route(&mut self, request: &Request) -> Reply {
        let in_address = request.query("access_token").is_some();
        self.common.require(!in_address, "a token in an address");
        let good = request.header("authorization") == Some(&format!("Bearer {}", self.access()));
        let renewal = request.path == "/refresh_access_token";
        if renewal && std::mem::take(&mut self.refuse_renewal) || !good || self.common.clock.now_ms() >= self.ends_ms {
            return error(400, 190, 463, "Error validating access token: Session has expired");
        }
        let (posts, replies) = (format!("/v1.0/{USER}/threads"), format!("/v1.0/{USER}/replies"));
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/v1.0/me") => Reply::json(200, &json!({"id": USER, "username": "me"})),
            ("GET", "/refresh_access_token") => self.renew(request),
            ("POST", path) if path == posts => self.contain(request),
            ("POST", path) if path == format!("{posts}_publish") => self.publish(request),
            ("GET", path) if path == posts => self.list(request, false),
            ("GET", path) if path == replies => self.list(request, true),
            ("GET", path) => self.look(request, path.strip_prefix("/v1.0/").unwrap_or_default()),
            _ => error(404, 100, 33, "Unsupported request"),
        }
    }
}

fn error(status: u16, code: i64, subcode: i64, message: &str) -> Reply {
    let error = json!({"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode,
        "is_transient": false, "fbtrace_id": "A1"});
    Reply::json(status, &json!({ "error": error }))
}

impl World {
    fn access(&self) -> String {
        format!("th-5ecret-{}", self.renewals)
    }

    fn grant(&self) -> TokenSet {
        TokenSet::new(self.access()).expires_at_ms(self.ends_ms)
    }

    /// A request that was long on its way.
    pub(crate) fn arrive(&mut self, path: &str, form: &str) {
        let request = Request {
            method: "POST".into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: form.into(),
        };
        self.publish(&request);
    }

    /// A person or another process writes the token into the store.
    fn keep(&self) {
        let (store, grant) = (self.common.store.clone(), self.grant());
        let before = store.load("threads.com/@me").now_or_never().unwrap().unwrap();
        let swapped = store.swap("threads.com/@me", before.as_ref(), &grant);
        assert!(swapped.now_or_never().unwrap().unwrap());
    }

    fn renew(&mut self, request: &Request) -> Reply {
        self.common
            .require(request.query("grant_type") == Some("th_refresh_token"), "no grant type");
        let now = self.common.clock.now_ms();
        if now < self.given_ms + DAY_MS {
            return error(400, 100, 0, "The access token was refreshed less than 24 hours ago");
        }
        self.renewals += 1;
        (self.given_ms, self.ends_ms) = (now, now + 60 * DAY_MS);
        Reply::json(
            200,
            &json!({"access_token": self.access(), "token_type": "bearer", "expires_in": 5_184_000}),
        )
    }

    fn contain(&mut self, request: &Request) -> Reply {
        let form = request.header("content-type") == Some("application/x-www-form-urlencoded");
        self.common.require(form, "a container that is no form");
        let fields: BTreeMap<String, String> = request.form().into_iter().collect();
        let known = [
            "media_type",
            "text",
            "image_url",
            "alt_text",
            "reply_to_id",
            "is_carousel_item",
            "children",
        ];
        self.common.require(
            fields.keys().all(|key| known.contains(&key.as_str())),
            format!("unknown fields {fields:?}"),
        );
        let kind = fields.get("media_type").map(String::as_str).unwrap_or_default();
        let text = fields.get("text").cloned().unwrap_or_default();
        if Counter::Threads.count(&text) > 500 {
            return error(400, 100, 0, "Param text must be at most 500 characters long.");
        }
        let mut links: Vec<&str> = text.split_whitespace().filter(|word| word.contains("://")).collect();
        links.sort_unstable();
        links.dedup();
        if links.len() > 5 {
            return error(400, 100, 0, "THREADS_API__LINK_LIMIT_EXCEEDED");
        }
        self.common.require(
            matches!(kind, "TEXT" | "IMAGE" | "CAROUSEL"),
            format!("media type {kind}"),
        );
        let image = fields.get("image_url").is_some_and(|url| url.starts_with("https://"));
        self.common
            .require((kind == "IMAGE") == image, "an image goes with its address");
        let finished = |id: &str| {
            self.containers
                .get(index(id))
                .is_some_and(|child| child.processing == 0)
        };
        let whole = fields
            .get("children")
            .is_none_or(|children| children.split(',').all(finished));
        self.common.require(whole, "a carousel of children in the making");
        self.containers_made += 1;
        self.containers.push(Container {
            processing: if kind == "TEXT" {
                0
            } else {
                std::mem::take(&mut self.processing)
            },
            fields,
            published: false,
            made_at_ms: self.common.clock.now_ms(),
        });
        Reply::json(200, &json!({"id": (9_000 + self.containers.len() - 1).to_string()}))
    }

    fn publish(&mut self, request: &Request) -> Reply {
        let form = request.form();
        let id = &form.iter().find(|(key, _)| key == "creation_id").unwrap().1;
        let at = index(id);
        let now = self.common.clock.now_ms();
        let Some(container) = self.containers.get_mut(at) else {
            return error(400, 24, 2_207_006, "The requested resource does not exist");
        };
        if container.processing > 0 || container.published || now - container.made_at_ms >= DAY_MS {
            return error(400, 24, 2_207_006, "The requested resource does not exist");
        }
        container.published = true;
        let text = container.fields.get("text").cloned().unwrap_or_default();
        let children = container.fields.get("children").cloned();
        let parts: Vec<usize> = children.map_or(vec![at], |children| children.split(',').map(index).collect());
        let post_id = (18_000 + self.posts.len()).to_string();
        let mut seen = Visible::new(post_id.clone(), text);
        seen.alts = parts
            .iter()
            .filter_map(|part| self.containers[*part].fields.get("alt_text").cloned())
            .map(Some)
            .collect();
        self.posts.push((at, self.common.clock.now_ms(), seen));
        if std::mem::take(&mut self.false_failure) {
            return error(500, 10, 0, "Application does not have permission for this action");
        }
        Reply::json(200, &json!({ "id": post_id }))
    }

    fn look(&mut self, request: &Request, id: &str) -> Reply {
        if let Some((_, _, seen)) = self.posts.iter().find(|(_, _, seen)| seen.id == id) {
            return Reply::json(
                200,
                &json!({"id": id, "permalink": format!("https://www.threads.com/@me/post/{}", seen.id)}),
            );
        }
        let now = self.common.clock.now_ms();
        if request.path.ends_with("/threads_publishing_limit") {
            let data = json!([{"quota_usage": self.posts.len(), "config": {"quota_total": 250, "quota_duration": 86_400},
                "reply_quota_usage": 0, "reply_config": {"quota_total": 1_000, "quota_duration": 86_400}}]);
            return Reply::json(200, &json!({ "data": data }));
        }
        let Some(container) = self.containers.get_mut(index(id)).filter(|_| !self.forgotten) else {
            return error(400, 100, 33, "Object does not exist");
        };
        let status = match container {
            Container { published: true, .. } => "PUBLISHED",
            Container { made_at_ms, .. } if now - *made_at_ms >= DAY_MS => "EXPIRED",
            Container { processing: 0, .. } => "FINISHED",
            _ => "IN_PROGRESS",
        };
        container.processing = container.processing.saturating_sub(1);
        Reply::json(200, &json!({"status": status, "id": id}))
    }

    fn list(&self, request: &Request, replies: bool) -> Reply {
        assert_eq!(request.query("fields"), Some("id,text,timestamp,permalink"));
        let now = self.common.clock.now_ms();
        let since: i64 = request.query("since").unwrap().parse::<i64>().unwrap() * 1_000;
        let limit: usize = request.query("limit").unwrap().parse().unwrap();
        let skip: usize = request.query("after").map_or(0, |after| after.parse().unwrap());
        let listed: Vec<Value> = self
            .posts
            .iter()
            .rev()
            .filter(|(at, made, _)| {
                let answers = self.containers[*at].fields.contains_key("reply_to_id");
                answers == replies && *made >= since && made + self.lag_ms <= now
            })
            .map(|(_, made, seen)| {
                let timestamp = format!("{}+0000", &iso(*made)[..19]);
                json!({"id": seen.id, "text": seen.text, "timestamp": timestamp, "permalink": null})
            })
            .collect();
        let page: Vec<Value> = listed.iter().skip(skip).take(limit).cloned().collect();
        let mut paging = json!({"cursors": {"after": (skip + limit).to_string()}});
        if skip + limit < listed.len() {
            paging["next"] = json!("https://graph.threads.net/next");
        }
        Reply::json(200, &json!({"data": page, "paging": paging}))
    }
}

fn index(id: &str) -> usize {
    id.parse::<usize>().map_or(usize::MAX, |id| id.wrapping_sub(9_000))
}
