//! What Buffer remembers of one channel, and its answers to the requests this crate makes.

use std::time::Duration;

use presswork_social::{
    Buffer, Clock, Counter, Result,
    conformance::Visible,
    providers::buffer::{BufferBuilder, Service},
};
use serde_json::{Value, json};

use crate::{
    clock::{iso, rfc3339_ms},
    server::{Reply, Request},
    site::{self, Common},
};

pub(crate) const KEY: &str = "buf-5ecret-key";
pub(crate) const CHANNEL: &str = "65a5ca0bd1b4e0b0c3a1e2f3";
const ORGANIZATION: &str = "org-1";

pub(crate) struct Held {
    pub(crate) input: Value,
    id: String,
    created_at_ms: i64,
    /// When Buffer has sent it.
    sent_at_ms: i64,
    pub(crate) error: Option<String>,
}

pub(crate) struct World {
    pub(crate) common: Common,
    pub(crate) held: Vec<Held>,
    /// How long Buffer takes to send.
    pub(crate) delay_ms: i64,
    pub(crate) service: &'static str,
    /// Why the network refuses the next post.
    pub(crate) refuses: Option<String>,
    /// What the next mutation answers, after it has made the post or instead.
    pub(crate) payload: Option<(bool, Value)>,
}

impl site::World for World {
    type Target = Buffer;
    type Builder = BufferBuilder;
    const SECRET: &'static str = KEY;
    const TROUBLES: u32 = 5;

    fn new(common: Common) -> Self {
        Self {
            common,
            held: Vec::new(),
            delay_ms: 0,
            service: "twitter",
            refuses: None,
            payload: None,
        }
    }

    fn builder(&mut self, base: String) -> BufferBuilder {
        Buffer::builder(KEY, CHANNEL, Service::X)
            .base_url(base)
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: BufferBuilder) -> Result<Buffer> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn publishes(&self, request: &Request) -> bool {
        query_of(request).starts_with("mutation")
    }

    fn visible(&self) -> Vec<Visible> {
        self.held
            .iter()
            .filter(|held| held.error.is_none())
            .flat_map(parts)
            .collect()
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        let windows =
            format!("\"100-in-15min\";r=0;t={seconds}, \"250-in-24h\";r=20;t=80000, \"3000-in-30d\";r=900;t=900000");
        let error =
            json!({"message": "Rate limit exceeded", "extensions": {"code": "RATE_LIMIT_EXCEEDED", "window": "15m"}});
        Reply::json(429, &json!({"errors": [error]})).with("ratelimit", windows)
    }

    fn unauthenticated(&mut self, _: &Request) -> Reply {
        let message = format!("Invalid key: Bearer {KEY}");
        Reply::json(
            401,
            &json!({"errors": [{"message": message, "extensions": {"code": "UNAUTHENTICATED"}}]}),
        )
    }

    fn trouble(&mut self, number: u32) {
        let union = |kind: &str| json!({"__typename": kind, "message": "Something went wrong"});
        match number {
            0 => self.delay_ms = 20_000,
            1 => self.delay_ms = 200_000,
            2 => self.delay_ms = 0,
            3 => self.payload = Some((true, union("UnexpectedError"))),
            _ => self.payload = Some((false, union("UnexpectedError"))),
        }
    }

    fn route(&mut self, request: &Request) -> Reply {
        let named =
            request.header("user-agent").is_some() && request.header("content-type") == Some("application/json");
        self.common.require(
            named && request.method == "POST" && request.path == "/",
            "a request that is no query",
        );
        let token = request.header("authorization") == Some(&format!("Bearer {KEY}"));
        self.common.require(token, "no key");
        let (query, variables) = (query_of(request), request.json()["variables"].clone());
        let input = &variables["i"];
        let data = if query.starts_with("mutation($i:CreatePostInput!){createPost(input:$i)") {
            self.create(input)
        } else if query.starts_with("query($i:PostInput!){post(input:$i)") {
            let id = input["id"].as_str().unwrap();
            match self.held.iter().find(|held| held.id == id) {
                Some(held) => json!({"post": self.render(held)}),
                None => {
                    let error = json!({"message": "Post not found", "extensions": {"code": "NOT_FOUND"}});
                    return Reply::json(200, &json!({"data": null, "errors": [error]}));
                }
            }
        } else if query.starts_with("query($i:PostsInput!,$after:String){posts(input:$i,first:50,after:$after)") {
            self.list(&variables)
        } else if query.starts_with("query($i:ChannelsInput!){channels(input:$i)") {
            let channels = match input["organizationId"].as_str() {
                Some(ORGANIZATION) => {
                    json!([{"id": CHANNEL, "name": "me", "service": self.service, "isDisconnected": false, "isLocked": false}])
                }
                _ => json!([]),
            };
            json!({"channels": channels})
        } else if query == "query{account{organizations{id}}}" {
            json!({"account": {"organizations": [{"id": "org-0"}, {"id": ORGANIZATION}]}})
        } else {
            self.common.require(false, format!("an unknown query {query}"));
            json!(null)
        };
        Reply::json(200, &json!({"data": data}))
    }
}

fn query_of(request: &Request) -> String {
    request.json()["query"].as_str().unwrap_or_default().to_owned()
}

impl World {
    fn create(&mut self, input: &Value) -> Value {
        let known = [
            "channelId",
            "schedulingType",
            "mode",
            "dueAt",
            "text",
            "assets",
            "metadata",
            "saveToDraft",
            "aiAssisted",
        ];
        let fields = input.as_object().unwrap();
        self.common.require(
            fields.keys().all(|key| known.contains(&key.as_str())),
            format!("unknown fields in {input}"),
        );
        let required =
            input["channelId"] == CHANNEL && input["schedulingType"] == "automatic" && input["assets"].is_array();
        self.common
            .require(required, format!("a required field is missing in {input}"));
        let due = (input["mode"] == "customScheduled") == input["dueAt"].is_string();
        self.common.require(due, "dueAt goes with customScheduled");
        let invalid = |message: &str| json!({"createPost": {"__typename": "InvalidInputError", "message": message}});
        let text = input["text"].as_str().unwrap().to_owned();
        if self.service == "twitter" && Counter::X.count(&text) > 280 {
            return invalid("Post is too long for Twitter");
        }
        if input.to_string().contains("\\u00") {
            return invalid("Text contains control characters");
        }
        if let Some(thread) = input["metadata"][self.service]["thread"].as_array() {
            self.common.require(
                thread.len() > 1 && thread[0]["text"] == text.as_str(),
                "the thread does not begin with the text",
            );
        }
        for asset in input["assets"].as_array().unwrap() {
            let url = asset["image"]["url"].as_str().unwrap_or_default();
            self.common
                .require(url.starts_with("https://"), "an asset without a public address");
        }
        if let Some((false, payload)) = &self.payload {
            let payload = payload.clone();
            self.payload = None;
            return json!({ "createPost": payload });
        }
        let now = self.common.clock.now_ms();
        self.held.push(Held {
            input: input.clone(),
            id: format!("post-{}", self.held.len()),
            created_at_ms: now,
            sent_at_ms: now + self.delay_ms,
            error: self.refuses.take(),
        });
        match self.payload.take() {
            Some((_, payload)) => json!({ "createPost": payload }),
            None => {
                json!({"createPost": {"__typename": "PostActionSuccess", "post": self.render(self.held.last().unwrap())}})
            }
        }
    }

    fn list(&self, variables: &Value) -> Value {
        let (input, skip) = (
            &variables["i"],
            variables["after"]
                .as_str()
                .map_or(0, |after| after.parse::<usize>().unwrap()),
        );
        assert_eq!(input["organizationId"], ORGANIZATION);
        assert_eq!(input["filter"]["channelIds"], json!([CHANNEL]));
        let start = rfc3339_ms(input["filter"]["createdAt"]["start"].as_str().unwrap());
        let newest: Vec<&Held> = self
            .held
            .iter()
            .rev()
            .filter(|held| held.created_at_ms >= start)
            .collect();
        let edges: Vec<Value> = newest
            .iter()
            .skip(skip)
            .take(50)
            .map(|held| json!({"node": self.render(held)}))
            .collect();
        let end = skip + edges.len();
        json!({"posts": {"edges": edges, "pageInfo": {"hasNextPage": end < newest.len(), "endCursor": end.to_string()}}})
    }

    fn render(&self, held: &Held) -> Value {
        let now = self.common.clock.now_ms();
        let (status, link) = match held.input["mode"].as_str().unwrap() {
            _ if held.input["saveToDraft"] == true => ("draft", None),
            "shareNow" if now < held.sent_at_ms => ("sending", None),
            "shareNow" if held.error.is_some() => ("error", None),
            "shareNow" => ("sent", Some(format!("https://x.com/me/status/{}", held.id))),
            _ => ("scheduled", None),
        };
        let error = held
            .error
            .as_ref()
            .filter(|_| status == "error")
            .map(|message| json!({"message": message}));
        // Buffer shortens links of a channel that wants it.
        let text = held.input["text"]
            .as_str()
            .unwrap()
            .replace("https://example.com/found?a=1&b=2", "https://buff.ly/3xYz");
        let assets: Vec<Value> = held.input["assets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|_| json!({"__typename": "ImageAsset"}))
            .collect();
        json!({"id": held.id, "status": status, "text": text, "externalLink": link, "error": error, "assets": assets,
            "dueAt": held.input["dueAt"], "createdAt": iso(held.created_at_ms)})
    }
}

fn parts(held: &Held) -> Vec<Visible> {
    let mut root = Visible::new(held.id.clone(), held.input["text"].as_str().unwrap());
    let assets = held.input["assets"].as_array().unwrap();
    root.alts = assets
        .iter()
        .map(|asset| asset["image"]["metadata"]["altText"].as_str().map(str::to_owned))
        .collect();
    let mut all = vec![root];
    let thread = held.input["metadata"]["twitter"]["thread"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let rest = thread.iter().skip(1).enumerate();
    all.extend(rest.map(|(index, part)| Visible::new(format!("{}/{index}", held.id), part["text"].as_str().unwrap())));
    all
}
