//! What a Mastodon server remembers, and its answers to the requests this crate makes.

use std::{collections::BTreeMap, time::Duration};

use presswork_social::{Clock, Mastodon, Result, conformance::Visible, providers::mastodon::MastodonBuilder};
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    clock::iso,
    server::{Reply, Request, find},
    site::{self, Common},
};

pub(crate) const TOKEN: &str = "tok-5ecret-0123456789";
pub(crate) const ACCOUNT: &str = "1090";

/// The key is remembered for an hour.
const KEY_WINDOW_MS: i64 = 3_600_000;

#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) created_at_ms: i64,
    pub(crate) seen: Visible,
    pub(crate) media: Vec<String>,
    pub(crate) parent: Option<String>,
}

#[derive(Debug, Default)]
pub(crate) struct Upload {
    alt: Option<String>,
    /// Looks that still find it in the making.
    processing: usize,
    attached: bool,
}

pub(crate) struct World {
    common: Common,
    pub(crate) statuses: Vec<Status>,
    keys: BTreeMap<String, (u64, i64)>,
    pub(crate) uploads: BTreeMap<String, Upload>,
    /// How many looks find a new upload still in the making.
    pub(crate) processing: usize,
    pub(crate) instance: Value,
    pub(crate) has_v2: bool,
    made: u64,
    /// A server that answers a repeated key with an error.
    pub(crate) breaks_on_replay: bool,
    /// Given instead of the next status, which is not stored.
    pub(crate) instead: Option<Reply>,
}

impl site::World for World {
    type Target = Mastodon;
    type Builder = MastodonBuilder;
    const SECRET: &'static str = TOKEN;
    const TROUBLES: u32 = 7;

    fn new(common: Common) -> Self {
        Self {
            common,
            statuses: Vec::new(),
            keys: BTreeMap::new(),
            uploads: BTreeMap::new(),
            processing: 0,
            instance: json!({
                "version": "4.5.2",
                "configuration": {
                    "statuses": {"max_characters": 500, "max_media_attachments": 4, "characters_reserved_per_url": 23},
                    "media_attachments": {"supported_mime_types": ["image/png", "image/jpeg", "video/mp4"],
                        "description_limit": 1500, "image_size_limit": 16_777_216, "video_size_limit": 103_809_024}
                }
            }),
            has_v2: true,
            made: 0,
            breaks_on_replay: false,
            instead: None,
        }
    }

    fn trouble(&mut self, number: u32) {
        match number {
            0 => self.processing = 5,
            1 => self.processing = 100,
            2 => self.breaks_on_replay = !self.breaks_on_replay,
            // As servers that know no keys, or lose them.
            3 => self.keys.clear(),
            // Taken for spam: a success, and nothing is stored.
            4 => self.instead = Some(Reply::json(200, &json!({"id": null, "content": "<p>text</p>"}))),
            5 => self.instead = Some(Reply::error(503, "Server overloaded").with("retry-after", "30")),
            _ => {
                let message = "Cannot attach files that have not finished processing. Try again in a moment!";
                self.instead = Some(Reply::error(422, message));
            }
        }
    }

    fn builder(&mut self, base: String) -> MastodonBuilder {
        Mastodon::builder(base, TOKEN)
            .account("@me")
            .allow_private_hosts()
            .clock(self.common.clock.clone())
            // Silence is tested by waiting for real.
            .timeout(Duration::from_secs(2))
    }

    fn build(builder: MastodonBuilder) -> Result<Mastodon> {
        builder.build()
    }

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn publishes(&self, request: &Request) -> bool {
        (request.method.as_str(), request.path.as_str()) == ("POST", "/api/v1/statuses")
    }

    fn visible(&self) -> Vec<Visible> {
        self.statuses.iter().map(|status| status.seen.clone()).collect()
    }

    fn limited(&mut self, seconds: u64) -> Reply {
        let reset = self.common.clock.now_ms() + i64::try_from(seconds).unwrap() * 1_000;
        Reply::error(429, "Too many requests")
            .with("x-ratelimit-remaining", "0")
            .with("x-ratelimit-reset", iso(reset))
    }

    fn unauthenticated(&mut self, _: &Request) -> Reply {
        Reply::error(401, &format!("The access token is invalid (Bearer {TOKEN})"))
    }

    fn route(&mut self, request: &Request) -> Reply {
        let token = request.header("authorization") == Some(&format!("Bearer {TOKEN}"));
        self.common
            .require(token, format!("no token on {} {}", request.method, request.path));
        let timeline = format!("/api/v1/accounts/{ACCOUNT}/statuses");
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/api/v1/statuses") => self.create(request),
            ("PUT" | "DELETE", path) if path.starts_with("/api/v1/statuses/") => self.change(request),
            ("POST", "/api/v2/media") => self.upload(request),
            ("GET", path) if path.starts_with("/api/v1/media/") => self.processed(&path["/api/v1/media/".len()..]),
            ("GET", "/api/v1/accounts/verify_credentials") => Reply::json(
                200,
                &json!({"id": ACCOUNT, "username": "me", "acct": "me", "url": "https://m.example/@me"}),
            ),
            ("GET", "/api/v2/instance") if self.has_v2 => Reply::json(200, &self.instance),
            ("GET", "/api/v1/instance") => Reply::json(200, &self.instance),
            ("GET", path) if path == timeline => self.timeline(request),
            _ => Reply::error(404, "Record not found"),
        }
    }
}

impl World {
    fn create(&mut self, request: &Request) -> Reply {
        let json = request.header("content-type") == Some("application/json");
        self.common.require(json, "a status that is not JSON");
        if let Some(reply) = self.instead.take() {
            return reply;
        }
        let now = self.common.clock.now_ms();
        let key = request.header("idempotency-key").map(str::to_owned);
        if let Some((id, at)) = key.as_ref().and_then(|key| self.keys.get(key))
            && now - at < KEY_WINDOW_MS
        {
            if self.breaks_on_replay {
                return Reply::error(500, "We're sorry, but something went wrong on our end");
            }
            return match self.statuses.iter().find(|status| status.id == *id) {
                Some(status) => Reply::json(200, &render(status)),
                None => Reply::error(404, "Record not found"),
            };
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let known = [
            "status",
            "media_ids",
            "language",
            "visibility",
            "spoiler_text",
            "in_reply_to_id",
        ];
        let unknown: Vec<_> = body
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| !known.contains(&key.as_str()))
            .collect();
        self.common
            .require(unknown.is_empty(), format!("unknown fields {unknown:?}"));
        let field = |name: &str| body[name].as_str().map(str::to_owned);
        let (mut text, mut warning) = (field("status").unwrap_or_default(), field("spoiler_text"));
        if text.trim().is_empty() {
            // A warning without a text becomes the text.
            text = warning.take().unwrap_or_default();
        }
        let media: Vec<String> = serde_json::from_value(body["media_ids"].clone()).unwrap_or_default();
        if text.trim().is_empty() && media.is_empty() {
            return Reply::error(422, "Validation failed: Text can't be blank");
        }
        if length(&text, warning.as_deref().unwrap_or_default()) > 500 {
            return Reply::error(422, "Validation failed: Text character limit of 500 exceeded");
        }
        if media.len() > 4 {
            return Reply::error(422, "Validation failed: Cannot attach more than 4 files");
        }
        for id in &media {
            match self.uploads.get(id) {
                Some(upload) if upload.attached => {
                    return Reply::error(
                        422,
                        &format!("Media {id} not found or already attached to another post"),
                    );
                }
                Some(upload) if upload.processing > 0 => {
                    let message = "Cannot attach files that have not finished processing. Try again in a moment!";
                    return Reply::error(422, message);
                }
                Some(_) => {}
                None => {
                    return Reply::error(
                        422,
                        &format!("Media {id} not found or already attached to another post"),
                    );
                }
            }
        }
        let parent = field("in_reply_to_id");
        if parent
            .as_ref()
            .is_some_and(|parent| !self.statuses.iter().any(|status| status.id.to_string() == *parent))
        {
            return Reply::error(404, "The post you are trying to reply to does not appear to exist.");
        }
        let id = 110_000 + self.made;
        self.made += 1;
        let mut seen = Visible::new(id.to_string(), text);
        for id in &media {
            let upload = self.uploads.get_mut(id).unwrap();
            upload.attached = true;
            seen.alts.push(upload.alt.clone());
        }
        seen.language = field("language");
        seen.visibility = serde_json::from_value(body["visibility"].clone()).ok();
        seen.content_warning = warning;
        if let Some(key) = key {
            self.keys.insert(key, (id, now));
        }
        let status = Status {
            id,
            created_at_ms: now,
            seen,
            media,
            parent,
        };
        let reply = Reply::json(200, &render(&status));
        self.statuses.push(status);
        reply
    }

    fn change(&mut self, request: &Request) -> Reply {
        let id = request.path.rsplit('/').next().unwrap();
        let Some(at) = self.statuses.iter().position(|status| status.id.to_string() == id) else {
            return Reply::error(404, "Record not found");
        };
        if request.method == "DELETE" {
            let status = self.statuses.remove(at);
            return Reply::json(200, &render(&status));
        }
        let body = request.json();
        let known = ["status", "media_ids", "language", "spoiler_text"];
        let only = body
            .as_object()
            .unwrap()
            .keys()
            .all(|key| known.contains(&key.as_str()));
        self.common.require(only, format!("an edit of {body}"));
        let status = &mut self.statuses[at];
        status.seen.text = body["status"].as_str().unwrap().to_owned();
        status.seen.language = body["language"].as_str().map(str::to_owned);
        Reply::json(200, &render(status))
    }

    fn upload(&mut self, request: &Request) -> Reply {
        let part = |name: &str| request.part(name);
        let Some(file) = part("file") else {
            return Reply::error(422, "Validation failed: File can't be blank");
        };
        let typed = find(&request.body, b"Content-Type: image/png").is_some();
        if !file.starts_with(b"\x89PNG") || !typed {
            return Reply::error(422, "Validation failed: File content type is invalid");
        }
        let id = format!("{}", 220_000 + self.uploads.len());
        let alt = part("description").map(|alt| String::from_utf8(alt).unwrap());
        let processing = self.processing;
        self.uploads.insert(
            id.clone(),
            Upload {
                alt,
                processing,
                attached: false,
            },
        );
        let url = (processing == 0).then(|| format!("https://m.example/{id}.png"));
        Reply::json(
            if processing == 0 { 200 } else { 202 },
            &json!({"id": id, "type": "image", "url": url}),
        )
    }

    fn processed(&mut self, id: &str) -> Reply {
        match self.uploads.get_mut(id) {
            Some(upload) if !upload.attached => {
                upload.processing = upload.processing.saturating_sub(1);
                // What hangs once does not hang again.
                self.processing = 0;
                let status = if upload.processing == 0 { 200 } else { 206 };
                Reply::json(status, &json!({"id": id, "type": "image"}))
            }
            _ => Reply::error(404, "Record not found"),
        }
    }

    fn timeline(&mut self, request: &Request) -> Reply {
        let bare = request.query("exclude_reblogs") == Some("true");
        self.common.require(bare, "a timeline with boosts");
        let limit = request.query("limit").unwrap().parse::<usize>().unwrap().min(40);
        let before = request.query("max_id").map_or(u64::MAX, |id| id.parse().unwrap());
        let newest = self.statuses.iter().rev().filter(|status| status.id < before);
        Reply::json(200, &newest.take(limit).map(render).collect())
    }
}

/// The server's own measure, made apart from the crate's and good for the texts of the suite.
fn length(text: &str, warning: &str) -> usize {
    let mut count = 0;
    for (index, word) in text.split([' ', '\n']).enumerate() {
        count += usize::from(index > 0);
        count += match word.strip_prefix('@').and_then(|name| name.split_once('@')) {
            _ if word.starts_with("https://") || word.starts_with("http://") => 23,
            Some((local, _)) => 1 + local.len(),
            None => word.graphemes(true).count(),
        };
    }
    count + warning.graphemes(true).count()
}

fn render(status: &Status) -> Value {
    json!({
        "id": status.id.to_string(),
        "url": format!("https://m.example/@me/{}", status.id),
        "uri": format!("https://m.example/users/me/statuses/{}", status.id),
        "created_at": iso(status.created_at_ms),
        "content": html(&status.seen.text),
        "spoiler_text": status.seen.content_warning.clone().unwrap_or_default(),
        "visibility": status.seen.visibility,
        "language": status.seen.language,
        "in_reply_to_id": status.parent,
        "media_attachments": status.media.iter().map(|id| json!({"id": id, "type": "image"})).collect::<Vec<_>>(),
        "application": {"name": "presswork"},
    })
}

/// Paragraphs, line breaks, and links cut into the spans Mastodon makes of them.
fn html(text: &str) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    };
    let word = |word: &str| match word.strip_prefix("https://") {
        Some(rest) => {
            let (head, tail) = rest.split_at(rest.len().min(30));
            format!(
                r#"<a href="{}" rel="nofollow noopener" translate="no"><span class="invisible">https://</span><span class="ellipsis">{}</span><span class="invisible">{}</span></a>"#,
                escape(word),
                escape(head),
                escape(tail)
            )
        }
        None => escape(word),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    let paragraph = |lines: &str| {
        format!(
            "<p>{}</p>",
            lines.split('\n').map(line).collect::<Vec<_>>().join("<br />")
        )
    };
    text.split("\n\n").map(paragraph).collect()
}
