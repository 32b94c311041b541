//! What a personal data server remembers, and its answers to the requests this crate makes.

use std::{collections::BTreeMap, time::Duration};

use presswork_social::{Bluesky, Clock, Result, conformance::Visible, providers::bluesky::BlueskyBuilder};
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    server::{Reply, Request},
    site::{self, Common},
};

pub(crate) const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
pub(crate) const PASSWORD: &str = "sky-5ecret-app-password";

/// A spent refresh token may be repeated for two hours.
const GRACE_MS: i64 = 7_200_000;

pub(crate) struct World {
    pub(crate) common: Common,
    /// Records in the order of their commits.
    pub(crate) records: Vec<(String, Value)>,
    blobs: BTreeMap<String, Value>,
    /// The session that is good now, and when it was renewed last.
    pub(crate) session: u32,
    renewed_ms: i64,
    pub(crate) access_ends_ms: i64,
    /// Sign-ins and renewals that are refused: the app password is revoked.
    refuse: bool,
    pub(crate) sign_ins: usize,
}

impl site::World for World {
    type Target = Bluesky;
    type Builder = BlueskyBuilder;
    const SECRET: &'static str = "sky-5ecret";
    const TROUBLES: u32 = 2;

    fn new(common: Common) -> Self {
        Self {
            common,
            records: Vec::new(),
            blobs: BTreeMap::new(),
            session: 0,
            renewed_ms: 0,
            access_ends_ms: i64::MAX,
            refuse: false,
            sign_ins: 0,
        }
    }

    fn builder(&mut self, base: String) -> BlueskyBuilder {
        Bluesky::builder("@me.example", PASSWORD)
            .service(base)
            .token_store(self.common.store.clone())
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: BlueskyBuilder) -> Result<Bluesky> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn token(&self) -> String {
        format!("sky-5ecret-access-{} {PASSWORD}", self.session)
    }

    fn publishes(&self, request: &Request) -> bool {
        request.path.ends_with(".putRecord") || request.path.ends_with(".applyWrites")
    }

    fn visible(&self) -> Vec<Visible> {
        self.records
            .iter()
            .map(|(rkey, record)| visible(rkey, record))
            .collect()
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        let reset = self.common.clock.now_ms() / 1_000 + i64::try_from(seconds).unwrap();
        Reply::json(
            429,
            &json!({"error": "RateLimitExceeded", "message": "Rate Limit Exceeded"}),
        )
        .with("ratelimit-limit", "3000")
        .with("ratelimit-remaining", "0")
        .with("ratelimit-reset", reset.to_string())
        .with("ratelimit-policy", "3000;w=300")
    }

    fn unauthenticated(&mut self, request: &Request) -> Reply {
        self.refuse = true;
        let message = format!(
            "Token could not be verified: {:?} {PASSWORD}",
            request.header("authorization")
        );
        Reply::json(401, &json!({"error": "InvalidToken", "message": message}))
    }

    fn trouble(&mut self, number: u32) {
        match number {
            0 => self.access_ends_ms = self.common.clock.now_ms(),
            // The session is gone altogether.
            _ => self.session += 7,
        }
    }

    fn route(&mut self, request: &Request) -> Reply {
        let name = request.path.strip_prefix("/xrpc/").unwrap_or_default().to_owned();
        match name.as_str() {
            "com.atproto.server.createSession" => return self.sign_in(request),
            "com.atproto.server.refreshSession" => return self.renew(request),
            _ => {}
        }
        let bearer = request.header("authorization").unwrap_or_default();
        if bearer != format!("Bearer sky-5ecret-access-{}", self.session) {
            return Reply::json(
                401,
                &json!({"error": "InvalidToken", "message": "Token could not be verified"}),
            );
        }
        if self.common.clock.now_ms() >= self.access_ends_ms {
            return Reply::json(400, &json!({"error": "ExpiredToken", "message": "Token has expired"}));
        }
        match (request.method.as_str(), name.as_str()) {
            ("GET", "com.atproto.server.getSession") => {
                Reply::json(200, &json!({"did": DID, "handle": "me.example", "active": true}))
            }
            ("GET", "com.atproto.identity.resolveHandle") => Self::resolve(request),
            ("GET", "com.atproto.repo.getRecord") => self.record(request),
            ("POST", "com.atproto.repo.uploadBlob") => self.upload(request),
            ("POST", "com.atproto.repo.putRecord") => self.put(request),
            ("POST", "com.atproto.repo.applyWrites") => self.apply(request),
            _ => Reply::json(
                501,
                &json!({"error": "MethodNotImplemented", "message": "Method Not Implemented"}),
            ),
        }
    }
}

impl World {
    fn grant(&mut self) -> Reply {
        self.access_ends_ms = self.common.clock.now_ms() + GRACE_MS;
        let pds = format!("http://{}", self.common.address);
        Reply::json(
            200,
            &json!({"did": DID, "handle": "me.example", "active": true,
                "accessJwt": format!("sky-5ecret-access-{}", self.session),
                "refreshJwt": format!("sky-5ecret-refresh-{}", self.session),
                "didDoc": {"id": DID, "service": [{"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": pds}]}}),
        )
    }

    fn sign_in(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        self.sign_ins += 1;
        if std::mem::take(&mut self.refuse) || body != json!({"identifier": "me.example", "password": PASSWORD}) {
            return Reply::json(
                401,
                &json!({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}),
            );
        }
        self.session += 1;
        self.grant()
    }

    fn renew(&mut self, request: &Request) -> Reply {
        let now = self.common.clock.now_ms();
        let bearer = request.header("authorization").unwrap_or_default();
        let is = |session: u32| bearer == format!("Bearer sky-5ecret-refresh-{session}");
        if !self.refuse && is(self.session) {
            (self.session, self.renewed_ms) = (self.session + 1, now);
            return self.grant();
        }
        if !self.refuse && self.session > 0 && is(self.session - 1) && now < self.renewed_ms + GRACE_MS {
            return self.grant();
        }
        Reply::json(
            400,
            &json!({"error": "ExpiredToken", "message": "Token has been revoked"}),
        )
    }

    fn resolve(request: &Request) -> Reply {
        match request.query("handle") {
            Some("alice.example") => Reply::json(200, &json!({"did": "did:plc:alice"})),
            _ => Reply::json(
                400,
                &json!({"error": "InvalidRequest", "message": "Unable to resolve handle"}),
            ),
        }
    }

    fn record(&self, request: &Request) -> Reply {
        let asked = ["repo", "collection"].map(|name| request.query(name).unwrap_or_default());
        assert_eq!(asked, [DID, "app.bsky.feed.post"]);
        let rkey = request.query("rkey").unwrap();
        match self.records.iter().find(|(key, _)| key == rkey) {
            Some((rkey, value)) => Reply::json(200, &json!({"uri": uri(rkey), "cid": cid_of(rkey), "value": value})),
            None => Reply::json(
                400,
                &json!({"error": "RecordNotFound", "message": format!("Could not locate record: {}", uri(rkey))}),
            ),
        }
    }

    fn upload(&mut self, request: &Request) -> Reply {
        let kind = request.header("content-type").unwrap_or_default().to_owned();
        assert!(kind == "image/png" && request.body.starts_with(b"\x89PNG"), "{kind}");
        let link = format!(
            "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6ch{:05}",
            self.blobs.len()
        )
        .replace(['0', '1', '8', '9'], "q");
        let blob = json!({"$type": "blob", "ref": {"$link": link}, "mimeType": kind, "size": request.body.len()});
        self.blobs.insert(link, blob.clone());
        Reply::json(200, &json!({"blob": blob}))
    }

    fn put(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let rkey = body["rkey"].as_str().unwrap().to_owned();
        let must_not_be = body.as_object().unwrap().get("swapRecord") == Some(&Value::Null);
        self.common.require(must_not_be, "a record might be overwritten");
        if let Some(reply) = self.invalid(&body["repo"], &body["collection"], &rkey, &body["record"]) {
            return reply;
        }
        if self.records.iter().any(|(key, _)| *key == rkey) {
            return Reply::json(
                400,
                &json!({"error": "InvalidSwap", "message": "Record was at bafyrei"}),
            );
        }
        self.records.push((rkey.clone(), body["record"].clone()));
        Reply::json(
            200,
            &json!({"uri": uri(&rkey), "cid": cid_of(&rkey), "commit": {"cid": "c", "rev": "r"}, "validationStatus": "valid"}),
        )
    }

    fn apply(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let writes = body["writes"].as_array().unwrap();
        for write in writes {
            assert_eq!(write["$type"], "com.atproto.repo.applyWrites#create");
            let rkey = write["rkey"].as_str().unwrap();
            if let Some(reply) = self.invalid(&body["repo"], &write["collection"], rkey, &write["value"]) {
                return reply;
            }
            if self.records.iter().any(|(key, _)| *key == rkey) {
                return Reply::json(
                    500,
                    &json!({"error": "InternalServerError", "message": "Internal Server Error"}),
                );
            }
        }
        // Each part answers the one before; all name the same root. What a CID is, unit tests hold against vectors.
        let parents = writes.windows(2).all(|pair| {
            let reply = &pair[1]["value"]["reply"];
            reply["parent"]["uri"] == uri(pair[0]["rkey"].as_str().unwrap())
                && reply["parent"]["cid"]
                    .as_str()
                    .is_some_and(|cid| cid.len() == 59 && cid.starts_with("bafyrei"))
                && reply["root"] == writes[1]["value"]["reply"]["root"]
        });
        self.common
            .require(parents, format!("the parts do not hang together: {body}"));
        let mut results = Vec::new();
        for write in writes {
            let rkey = write["rkey"].as_str().unwrap().to_owned();
            results.push(
                json!({"$type": "com.atproto.repo.applyWrites#createResult", "uri": uri(&rkey), "cid": cid_of(&rkey)}),
            );
            self.records.push((rkey, write["value"].clone()));
        }
        Reply::json(200, &json!({"commit": {"cid": "c", "rev": "r"}, "results": results}))
    }

    fn invalid(&self, repo: &Value, collection: &Value, rkey: &str, record: &Value) -> Option<Reply> {
        assert_eq!((repo, collection), (&json!(DID), &json!("app.bsky.feed.post")));
        assert_eq!(record["$type"], "app.bsky.feed.post");
        assert!(
            rkey.len() == 13 && rkey.bytes().all(|b| b"234567abcdefghijklmnopqrstuvwxyz".contains(&b)),
            "{rkey}"
        );
        let text = record["text"].as_str().unwrap();
        let known = ["$type", "text", "createdAt", "langs", "facets", "embed", "reply"];
        assert!(
            record
                .as_object()
                .unwrap()
                .keys()
                .all(|key| known.contains(&key.as_str())),
            "{record}"
        );
        assert!(record["createdAt"].as_str().unwrap().ends_with('Z'));
        for image in record["embed"]["images"].as_array().unwrap_or(&Vec::new()) {
            let stored = &self.blobs[image["image"]["ref"]["$link"].as_str().unwrap()];
            assert_eq!(&image["image"], stored);
        }
        for facet in record["facets"].as_array().unwrap_or(&Vec::new()) {
            let at = |name: &str| usize::try_from(facet["index"][name].as_u64().unwrap()).unwrap();
            assert!(
                text.get(at("byteStart")..at("byteEnd")).is_some(),
                "a facet cuts a character"
            );
        }
        let long = text.graphemes(true).count() > 300 || text.len() > 3_000;
        long.then(|| {
            Reply::json(
                400,
                &json!({"error": "InvalidRecord", "message": "Record/text must not be longer than 300 graphemes"}),
            )
        })
    }
}

pub(crate) fn uri(rkey: &str) -> String {
    format!("at://{DID}/app.bsky.feed.post/{rkey}")
}

fn cid_of(rkey: &str) -> String {
    format!("bafyrei{rkey}{}", "a".repeat(39))
}

fn visible(rkey: &str, record: &Value) -> Visible {
    let mut seen = Visible::new(uri(rkey), record["text"].as_str().unwrap());
    seen.language = record["langs"][0].as_str().map(str::to_owned);
    let images = record["embed"]["images"].as_array().cloned().unwrap_or_default();
    seen.alts = images
        .iter()
        .map(|image| image["alt"].as_str().map(str::to_owned))
        .collect();
    seen
}
