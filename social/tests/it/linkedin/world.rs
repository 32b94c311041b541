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
}

impl site::World for World {
    type Target = LinkedIn;
    type Builder = LinkedInBuilder;
    const SECRET: &'static str = TOKEN;
    const TROUBLES: u32 = 1;

    fn new(common: Common) -> Self {
        Self {
            common,
            posts: Vec::new(),
            images: BTreeMap::new(),
            day_is_used_up: false,
        }
    }

    fn builder(&mut self, base: String) -> LinkedInBuilder {
        LinkedIn::builder(ORGANIZATION, TOKEN, "202607")
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
        Duration::from_secs(70)
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        let message = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached.";
        Reply::json(
            429,
            &json!({"message": message, "serviceErrorCode": 101, "status": 429}),
        )
        .with("retry-after", seconds.to_string())
    }

    fn unauthenticated(&mut self, _: &Request) -> Reply {
        let message = format!("Invalid access token {TOKEN}");
        Reply::json(
            401,
            &json!({"message": message, "serviceErrorCode": 65600, "code": "INVALID_ACCESS_TOKEN", "status": 401}),
        )
    }

    fn trouble(&mut self, _: u32) {
        self.day_is_used_up = true;
    }

    fn route(&mut self, request: &Request) -> Reply {
        let token = request.header("authorization") == Some(&format!("Bearer {TOKEN}"));
        self.common.require(token, "no token");
        if request.path.starts_with("/rest/") {
            let versioned = request.header("linkedin-version") == Some("202607");
            let protocol = request.header("x-restli-protocol-version") == Some("2.0.0");
            self.common
                .require(versioned && protocol, format!("no version on {}", request.path));
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/rest/posts") => self.create(request),
            ("GET", "/rest/posts") => self.list(request),
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
        if shown(commentary).encode_utf16().count() > 3_000 {
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
