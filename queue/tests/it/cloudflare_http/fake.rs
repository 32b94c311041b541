//! The REST service as the documents and the local runtime have it, in memory: leases, attempts, dead letters, limits,
//! numbers of errors. <https://developers.cloudflare.com/api/resources/queues/>

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use presswork_queue::Clock;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

pub(crate) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "s3cret-token";

/// The service; clones share it.
#[derive(Clone)]
pub(crate) struct Fake {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) queues: BTreeMap<String, FakeQueue>,
    /// Answers given instead of the next ones: status, number, and whether the request happens all the same.
    pub(crate) faults: VecDeque<(u16, u32, bool)>,
    /// Method and path of every request.
    pub(crate) log: Vec<String>,
    /// Leases that could not be applied are told by an array of texts, as older services do.
    pub(crate) old_warnings: bool,
    next: u64,
}

#[derive(Default)]
pub(crate) struct FakeQueue {
    pub(crate) messages: Vec<FakeMessage>,
    pub(crate) paused: bool,
    pub(crate) max_retries: u32,
    pub(crate) dead_letters: Option<String>,
}

#[derive(Clone)]
pub(crate) struct FakeMessage {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) kind: String,
    attempts: u32,
    sent_at: i64,
    visible_at: i64,
    leases: Vec<String>,
}

type Answer = Result<Value, (u16, u32, &'static str)>;

impl Fake {
    pub(crate) async fn start(clock: Arc<dyn Clock>) -> (MockServer, Self) {
        let fake = Self {
            clock,
            state: Arc::default(),
        };
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(fake.clone()).mount(&server).await;
        (server, fake)
    }

    pub(crate) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Puts a message there as another program might.
    pub(crate) fn put(&self, queue: &str, body: &str, kind: &str) {
        let now = self.clock.now_ms();
        self.state().push(queue, body.to_owned(), kind.to_owned(), now, 0);
    }

    fn answer(&self, request: &Request) -> Answer {
        let now = self.clock.now_ms();
        let mut state = self.state();
        let path = request.url.path().to_owned();
        state.log.push(format!("{} {path}", request.method));
        let bearer = request
            .headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        if bearer != Some(&format!("Bearer {TOKEN}")) {
            return Err((403, 10_000, "Authentication error"));
        }
        if let Some((status, code, happens)) = state.faults.pop_front() {
            if happens {
                let _ = state.route(request, &path, now);
            }
            return Err((status, code, "a fault for the test"));
        }
        state.route(request, &path, now)
    }
}

impl Respond for Fake {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        match self.answer(request) {
            Ok(result) => ResponseTemplate::new(200)
                .set_body_json(json!({"success": true, "errors": [], "messages": [], "result": result})),
            Err((status, 0, text)) => ResponseTemplate::new(status).set_body_string(text),
            Err((status, code, message)) => ResponseTemplate::new(status).set_body_json(json!({
                "success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null,
            })),
        }
    }
}

impl State {
    fn push(&mut self, queue: &str, body: String, kind: String, now: i64, delay: i64) {
        self.next += 1;
        let id = format!("cf-{:06}", self.next);
        let message = FakeMessage {
            id,
            body,
            kind,
            attempts: 0,
            sent_at: now,
            visible_at: now + delay * 1_000,
            leases: Vec::new(),
        };
        self.queues.entry(queue.to_owned()).or_default().messages.push(message);
    }

    fn route(&mut self, request: &Request, path: &str, now: i64) -> Answer {
        let prefix = format!("/client/v4/accounts/{ACCOUNT}/queues/");
        let rest = path.strip_prefix(&prefix).ok_or((404, 7_003, "Could not route"))?;
        let (name, action) = rest.split_once('/').unwrap_or((rest, ""));
        if !self.queues.contains_key(name) {
            return Err((404, 10_104, "queue not found"));
        }
        let body: Value = if request.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&request.body).map_err(|_| (400, 10_207, "bad JSON"))?
        };
        match (request.method.as_str(), action) {
            ("POST", "messages") => self.send(name, std::slice::from_ref(&body), now),
            ("POST", "messages/batch") => {
                let messages = body["messages"].as_array().ok_or((400, 10_208, "no messages"))?;
                if messages.is_empty() || messages.len() > 100 {
                    return Err((400, 10_206, "batch count"));
                }
                self.send(name, messages, now)
            }
            ("POST", "messages/pull") => self.pull(name, &body, now),
            ("POST", "messages/ack") => self.ack(name, &body, now),
            ("POST", "messages/peek") => self.peek(name, &body, now),
            ("POST", "messages/purge") => {
                let refs = body["refs"].as_array().ok_or((400, 10_208, "no refs"))?;
                let gone: Vec<_> = refs
                    .iter()
                    .filter_map(|r| r["ref"].as_str()?.strip_prefix("ref:"))
                    .collect();
                let messages = &mut self.queue(name).messages;
                messages.retain(|message| !gone.contains(&message.id.as_str()));
                Ok(json!({}))
            }
            ("POST", "purge") if body["delete_messages_permanently"] == true => {
                self.queue(name).messages.clear();
                Ok(json!({"started_at": "2026-01-01T00:00:00Z"}))
            }
            ("GET", "purge") => Ok(json!({"completed": "2026-01-01T00:00:01Z", "started_at": "2026-01-01T00:00:00Z"})),
            ("GET", "metrics") => {
                let messages = &self.queue(name).messages;
                let oldest = messages.iter().map(|message| message.sent_at).min().unwrap_or(0);
                let bytes: usize = messages.iter().map(|message| message.body.len()).sum();
                Ok(json!({
                    "backlog_count": messages.len(), "backlog_bytes": bytes, "oldest_message_timestamp_ms": oldest,
                }))
            }
            ("PATCH", "") => {
                let paused = body["settings"]["delivery_paused"]
                    .as_bool()
                    .ok_or((400, 10_208, "no settings"))?;
                self.queue(name).paused = paused;
                Ok(json!({"queue_id": name}))
            }
            _ => Err((405, 10_208, "no such method")),
        }
    }

    fn queue(&mut self, name: &str) -> &mut FakeQueue {
        self.queues.entry(name.to_owned()).or_default()
    }

    fn send(&mut self, name: &str, messages: &[Value], now: i64) -> Answer {
        let mut all = 0;
        let mut parsed = Vec::new();
        for message in messages {
            // A wrapper on the single endpoint is a mistake that others made.
            let kind = message["content_type"].as_str().unwrap_or("json");
            let body = match (&message["body"], kind) {
                (Value::String(text), "text") => text.clone(),
                (Value::Null, _) => return Err((400, 10_208, "no body")),
                (other, "json") => other.to_string(),
                _ => return Err((400, 10_208, "content type")),
            };
            let delay = match &message["delay_seconds"] {
                Value::Null => 0,
                delay => delay
                    .as_i64()
                    .filter(|delay| (0..=86_400).contains(delay))
                    .ok_or((400, 10_202, "delay"))?,
            };
            // About 100 bytes of the service's own count too.
            if body.len() + 100 > 128_000 {
                return Err((413, 10_204, "message too large"));
            }
            all += body.len() + 100;
            parsed.push((body, kind.to_owned(), delay));
        }
        if all > 256_000 {
            return Err((413, 10_205, "batch too large"));
        }
        for (body, kind, delay) in parsed {
            self.push(name, body, kind, now, delay);
        }
        Ok(json!({"metadata": {"metrics": {"backlog_count": 0, "backlog_bytes": 0, "oldest_message_timestamp_ms": 0}}}))
    }

    fn pull(&mut self, name: &str, body: &Value, now: i64) -> Answer {
        let most = body["batch_size"].as_u64().unwrap_or(5);
        let lease = body["visibility_timeout_ms"].as_i64().unwrap_or(30_000);
        if !(1..=100).contains(&most) || !(0..=43_200_000).contains(&lease) {
            return Err((400, 10_208, "batch_size or visibility_timeout_ms"));
        }
        if self.queue(name).paused {
            return Err((409, 0, "queue_delivery_paused"));
        }
        self.give_up(name, now);
        let mut next = self.next;
        let queue = self.queue(name);
        let mut due: Vec<_> = queue
            .messages
            .iter_mut()
            .filter(|message| message.visible_at <= now)
            .collect();
        due.sort_by_key(|message| message.visible_at);
        let mut shown = Vec::new();
        for message in due.into_iter().take(usize::try_from(most).unwrap()) {
            next += 1;
            message.attempts += 1;
            message.visible_at = now + lease;
            message.leases.push(format!("lease-{next}"));
            let mut show = message.show();
            show["lease_id"] = json!(format!("lease-{next}"));
            show["attempts"] = json!(message.attempts);
            shown.push(show);
        }
        self.next = next;
        Ok(json!({"message_backlog_count": 0, "messages": shown}))
    }

    /// Moves what was delivered often enough to the dead letters; without a queue for them it is gone.
    fn give_up(&mut self, name: &str, now: i64) {
        let queue = self.queue(name);
        let most = queue.max_retries + 1;
        let dead = queue.dead_letters.clone();
        let over = |message: &FakeMessage| message.attempts >= most && message.visible_at <= now;
        let given_up: Vec<_> = queue.messages.iter().filter(|message| over(message)).cloned().collect();
        queue.messages.retain(|message| !over(message));
        if let Some(dead) = dead {
            for message in given_up {
                // Id and time are kept, attempts start anew.
                self.queue(&dead).messages.push(FakeMessage {
                    attempts: 0,
                    visible_at: now,
                    leases: Vec::new(),
                    ..message
                });
            }
        }
    }

    fn ack(&mut self, name: &str, body: &Value, now: i64) -> Answer {
        let old = self.old_warnings;
        let queue = self.queue(name);
        let (mut acked, mut retried, mut unknown) = (0, 0, Vec::new());
        for ack in body["acks"].as_array().into_iter().flatten() {
            let lease = ack["lease_id"].as_str().ok_or((400, 10_208, "no lease"))?;
            // There is no fencing: a lease of before counts as long as its message is there.
            let before = queue.messages.len();
            queue
                .messages
                .retain(|message| !message.leases.iter().any(|held| held == lease));
            if queue.messages.len() < before {
                acked += 1;
            } else {
                unknown.push(lease.to_owned());
            }
        }
        for retry in body["retries"].as_array().into_iter().flatten() {
            let lease = retry["lease_id"].as_str().ok_or((400, 10_208, "no lease"))?;
            let delay = retry["delay_seconds"].as_i64().unwrap_or(0);
            if !(0..=86_400).contains(&delay) {
                return Err((400, 10_202, "delay"));
            }
            match queue
                .messages
                .iter_mut()
                .find(|message| message.leases.iter().any(|held| held == lease))
            {
                Some(message) => {
                    message.leases.clear();
                    message.visible_at = now + delay * 1_000;
                    retried += 1;
                }
                None => unknown.push(lease.to_owned()),
            }
        }
        self.give_up(name, now);
        let warnings = if old {
            json!(
                unknown
                    .iter()
                    .map(|lease| format!("lease {lease} is unknown"))
                    .collect::<Vec<_>>()
            )
        } else {
            json!(
                unknown
                    .iter()
                    .map(|lease| (lease.clone(), "unknown lease"))
                    .collect::<BTreeMap<_, _>>()
            )
        };
        Ok(json!({"ackCount": acked, "retryCount": retried, "warnings": warnings}))
    }

    fn peek(&mut self, name: &str, body: &Value, now: i64) -> Answer {
        let most = body["batch_size"].as_u64().unwrap_or(5);
        if !(1..=100).contains(&most) {
            return Err((400, 10_208, "batch_size"));
        }
        self.give_up(name, now);
        let messages = self
            .queue(name)
            .messages
            .iter()
            .filter(|message| message.visible_at <= now);
        let shown = messages.take(usize::try_from(most).unwrap()).map(|message| {
            let mut show = message.show();
            show["ref"] = json!(format!("ref:{}", message.id));
            show
        });
        Ok(json!({"messages": shown.collect::<Vec<_>>()}))
    }
}

impl FakeMessage {
    fn show(&self) -> Value {
        let body = match self.kind.as_str() {
            "text" => self.body.clone(),
            _ => STANDARD.encode(&self.body),
        };
        json!({
            "id": self.id, "body": body, "timestamp_ms": self.sent_at,
            "metadata": {"CF-Content-Type": self.kind, "CF-sourceMessageSource": "http"},
        })
    }
}
