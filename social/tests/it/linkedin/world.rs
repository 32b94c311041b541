//! What LinkedIn remembers of one author, and its answers to the requests this crate makes.

use std::{collections::BTreeMap, time::Duration};

use presswork_social::{
    Clock, LinkedIn, Result, Visibility, conformance::Visible, providers::linkedin::LinkedInBuilder,
};
use serde_json::{Value, json};

use crate::{
    server::{Reply, Request},
    site::{self, Common},
};

pub(crate) const TOKEN: &str = "li-5ecret-token";
pub(crate) const ORGANIZATION: &str = "urn:li:organization:5515715";
pub(crate) const REFRESH: &str = "li-5ecret-refresh";
pub(crate) const CLIENT_SECRET: &str = "li-5ecret-client";
const DAY_MS: i64 = 86_400_000;
pub(crate) const MEMBER: &str = "urn:li:person:8675309";

pub(crate) struct Shared {
    pub(crate) urn: String,
    made_at_ms: i64,
    pub(crate) body: Value,
}

pub(crate) struct World {
    pub(crate) common: Common,
    pub(crate) posts: Vec<Shared>,
    /// Uploaded files by their address.
    images: BTreeMap<String, bool>,
    day_is_used_up: bool,
    /// Access tokens given so far, and when the newest ends.
    pub(crate) renewals: u32,
    pub(crate) ends_ms: i64,
    /// The refresh token is revoked.
    pub(crate) refuse_renewal: bool,
}

impl site::World for World {
    type Target = LinkedIn;
    type Builder = LinkedInBuilder;
    const SECRET: &'static str = TOKEN;
    const TROUBLES: u32 = 3;

    fn new(common: Common) -> Self {
        Self {
            renewals: 0,
            ends_ms: common.clock.now_ms() + 60 * DAY_MS,
            refuse_renewal: false,
            common,
            posts: Vec::new(),
            images: BTreeMap::new(),
            day_is_used_up: false,
        }
    }

    fn builder(&mut self, base: String) -> LinkedInBuilder {
        LinkedIn::builder(ORGANIZATION, self.access(), "202607")
            .refresh_token("client-1", CLIENT_SECRET, REFRESH)
            .token_store(self.common.store.clone())
            .oauth_url(&base)
            .base_url(base)
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: LinkedInBuilder) -> Result<LinkedIn> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn publishes(&self, request: &Request) -> bool {
        (request.method.as_str(), request.path.as_str()) == ("POST", "/rest/posts")
    }

    fn visible(&self) -> Vec<Visible> {
        self.posts.iter().map(visible).collect()
    }

    fn settle() -> Duration {
        Duration::from_secs(100)
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        let message = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached.";
        Reply::json(
            429,
            &json!({"message": message, "serviceErrorCode": 101, "status": 429}),
        )
        .with("retry-after", seconds.to_string())
    }

    fn unauthenticated(&mut self, request: &Request) -> Reply {
        // Revoked: the renewal that follows is refused, too.
        self.refuse_renewal = request.path != "/oauth/v2/accessToken";
        let message = format!("Invalid access token {}", self.access());
        Reply::json(
            401,
            &json!({"message": message, "serviceErrorCode": 65600, "code": "INVALID_ACCESS_TOKEN", "status": 401}),
        )
    }

    fn trouble(&mut self, number: u32) {
        match number {
            0 => self.day_is_used_up = true,
            // The access token ends in mid-work.
            1 => self.ends_ms = self.common.clock.now_ms(),
            // So does one whose end is known: it is renewed before.
            _ => self.common.clock.advance(Duration::from_secs(3 * 86_400)),
        }
    }

    fn token(&self) -> String {
        format!("{} {REFRESH} {CLIENT_SECRET}", self.access())
    }

    fn garbage_for(&mut self, request: &Request) -> Reply {
        if request.method == "PUT" {
            // A file that was taken is answered with nothing.
            self.put(request);
        }
        self.garbage()
    }

    /// The person whose account was disconnected connects it again.
    fn reconnect(&mut self) {
        self.refuse_renewal = false;
    }

    fn route(&mut self, request: &Request) -> Reply {
        if request.path == "/oauth/v2/accessToken" {
            return self.renew(request);
        }
        let token = request.header("authorization") == Some(&format!("Bearer {}", self.access()));
        if !token || self.common.clock.now_ms() >= self.ends_ms {
            let code = "EXPIRED_ACCESS_TOKEN";
            return Reply::json(
                401,
                &json!({"message": "The token used in the request has expired", "serviceErrorCode": 65601, "code": code, "status": 401}),
            );
        }
        if request.path.starts_with("/rest/") {
            let versioned = request.header("linkedin-version") == Some("202607");
            let protocol = request.header("x-restli-protocol-version") == Some("2.0.0");
            self.common
                .require(versioned && protocol, format!("no version on {}", request.path));
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/rest/posts") => self.create(request),
            ("GET", "/rest/posts") => self.list(request),
            ("GET", path) if path.starts_with("/rest/posts/urn%3Ali%3A") => {
                let urn = path["/rest/posts/".len()..].replace("%3A", ":");
                match self.posts.iter().find(|post| post.urn == urn) {
                    Some(post) => Reply::json(200, &json!({"id": urn, "commentary": post.body["commentary"]})),
                    None => Reply::json(404, &json!({"message": "Could not find entity", "status": 404})),
                }
            }
            ("POST", "/rest/images") => self.initialize(request),
            ("PUT", path) if path.starts_with("/dms-uploads/") => self.put(request),
            ("GET", "/rest/organizations/5515715") => Reply::json(
                200,
                &json!({"id": 5_515_715, "localizedName": "Us", "vanityName": "us"}),
            ),
            ("GET", "/v2/userinfo") => Reply::json(200, &json!({"sub": "8675309", "name": "Me"})),
            _ => Reply::json(404, &json!({"message": "Not found", "status": 404})),
        }
    }
}

impl World {
    fn access(&self) -> String {
        match self.renewals {
            0 => TOKEN.to_owned(),
            renewals => format!("{TOKEN}-{renewals}"),
        }
    }

    fn renew(&mut self, request: &Request) -> Reply {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", REFRESH),
            ("client_id", "client-1"),
            ("client_secret", CLIENT_SECRET),
        ];
        let form: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let typed = request.header("content-type") == Some("application/x-www-form-urlencoded");
        self.common
            .require(typed && request.form() == form, "no form to renew by");
        if std::mem::take(&mut self.refuse_renewal) {
            let why = "The provided authorization grant or refresh token is invalid, expired or revoked";
            return Reply::json(400, &json!({"error": "invalid_request", "error_description": why}));
        }
        self.renewals += 1;
        self.ends_ms = self.common.clock.now_ms() + 60 * DAY_MS;
        Reply::json(
            200,
            &json!({"access_token": self.access(), "expires_in": 5_184_000, "refresh_token": REFRESH,
                "refresh_token_expires_in": 25_920_000, "scope": "w_organization_social"}),
        )
    }

    fn create(&mut self, request: &Request) -> Reply {
        if std::mem::take(&mut self.day_is_used_up) {
            // Without a word about when it ends.
            return Reply::json(
                429,
                &json!({"message": "Resource level throttle MEMBER DAY limit reached", "status": 429}),
            );
        }
        self.common.require(
            request.header("content-type") == Some("application/json"),
            "a post that is not JSON",
        );
        let body = request.json();
        let known = [
            "author",
            "commentary",
            "visibility",
            "distribution",
            "content",
            "lifecycleState",
            "isReshareDisabledByAuthor",
        ];
        let fields = body.as_object().unwrap();
        self.common.require(
            fields.keys().all(|key| known.contains(&key.as_str())),
            format!("unknown fields in {body}"),
        );
        let required = body["lifecycleState"] == "PUBLISHED" && body["distribution"]["feedDistribution"] == "MAIN_FEED";
        self.common.require(
            required && body["visibility"] == "PUBLIC",
            "a required field is missing",
        );
        let commentary = body["commentary"].as_str().unwrap();
        // Whether the backslashes count is not published: the stricter of both.
        if commentary.encode_utf16().count() > 3_000 {
            let error = json!({"description": "commentary is too long", "code": "FIELD_LENGTH_TOO_LONG"});
            return Reply::json(
                422,
                &json!({"message": "Unprocessable", "status": 422, "errorDetails": {"inputErrors": [error]}}),
            );
        }
        for image in images(&body) {
            let stored = self.images.get(image["id"].as_str().unwrap()).copied();
            self.common
                .require(stored == Some(true), "an image that was never uploaded");
        }
        let now = self.common.clock.now_ms();
        let twin = self
            .posts
            .iter()
            .find(|post| post.body["commentary"] == commentary && post.made_at_ms > now - 600_000);
        if let Some(twin) = twin {
            let description = format!("Content is a duplicate of {}", twin.urn);
            let error = json!({"description": description, "code": "DUPLICATE_POST"});
            let message = "Duplicate post is detected";
            return Reply::json(
                422,
                &json!({"message": message, "status": 422, "errorDetails": {"inputErrors": [error]}}),
            );
        }
        let urn = format!(
            "urn:li:share:{}",
            6_844_785_523_593_134_080_u64 + self.posts.len() as u64
        );
        self.posts.push(Shared {
            urn: urn.clone(),
            made_at_ms: now,
            body,
        });
        Reply::Answer {
            status: 201,
            headers: vec![("x-restli-id", urn)],
            body: Vec::new(),
        }
    }

    fn list(&mut self, request: &Request) -> Reply {
        let asked = (request.query("q"), request.query("author"), request.query("sortBy"));
        self.common.require(
            asked == (Some("author"), Some(ORGANIZATION), Some("CREATED")),
            format!("{asked:?}"),
        );
        let number = |name: &str| request.query(name).unwrap().parse::<usize>().unwrap();
        let render = |post: &Shared| {
            json!({"id": post.urn, "author": ORGANIZATION, "commentary": post.body["commentary"], "createdAt": post.made_at_ms,
                "lifecycleState": "PUBLISHED"})
        };
        let page: Vec<Value> = self
            .posts
            .iter()
            .rev()
            .skip(number("start"))
            .take(number("count"))
            .map(render)
            .collect();
        Reply::json(
            200,
            &json!({"elements": page, "paging": {"start": number("start"), "count": number("count")}}),
        )
    }

    fn initialize(&mut self, request: &Request) -> Reply {
        assert_eq!(request.query("action"), Some("initializeUpload"));
        assert_eq!(
            request.json(),
            json!({"initializeUploadRequest": {"owner": ORGANIZATION}})
        );
        let urn = format!("urn:li:image:C4E10AQ{}", self.images.len());
        let url = format!("http://{}/dms-uploads/{}", self.common.address, self.images.len());
        self.images.insert(urn.clone(), false);
        Reply::json(
            200,
            &json!({"value": {"uploadUrlExpiresAt": 1, "uploadUrl": url, "image": urn}}),
        )
    }

    fn put(&mut self, request: &Request) -> Reply {
        let typed = request.header("content-type") == Some("image/png") && request.body.starts_with(b"\x89PNG");
        self.common.require(typed, "an upload that is no picture");
        let urn = format!("urn:li:image:C4E10AQ{}", request.path.rsplit('/').next().unwrap());
        self.images.insert(urn, true);
        Reply::Answer {
            status: 201,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

fn images(body: &Value) -> Vec<Value> {
    let content = &body["content"];
    let one = content.get("media").cloned();
    one.into_iter()
        .chain(content["multiImage"]["images"].as_array().cloned().unwrap_or_default())
        .collect()
}

/// What a reader sees: the text up to the first reserved character without its backslash.
fn shown(commentary: &str) -> String {
    let (mut out, mut characters) = (String::new(), commentary.chars());
    while let Some(c) = characters.next() {
        match c {
            '\\' => out.extend(characters.next()),
            '|' | '{' | '}' | '@' | '[' | ']' | '(' | ')' | '<' | '>' | '#' | '*' | '_' | '~' => break,
            c => out.push(c),
        }
    }
    out
}

fn visible(post: &Shared) -> Visible {
    let mut seen = Visible::new(post.urn.clone(), shown(post.body["commentary"].as_str().unwrap()));
    seen.alts = images(&post.body)
        .iter()
        .map(|image| image["altText"].as_str().map(str::to_owned))
        .collect();
    seen.visibility = Some(Visibility::Public);
    seen
}
