//! A Mastodon server that remembers what is visible, slow enough to be cut off in the middle.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Json;
use axum::routing::{get, post};
use serde_json::{Value, json};

/// What the server remembers.
#[derive(Debug, Default)]
pub(crate) struct World {
    statuses: Vec<Value>,
    keys: BTreeMap<String, usize>,
    requests: u64,
}

/// The server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    world: Arc<Mutex<World>>,
    think: Duration,
}

impl Network {
    /// Listens on a free loopback port; every post takes `think` before and after it becomes visible.
    pub(crate) fn start(think: Duration) -> (Self, String) {
        let network = Self {
            think,
            ..Self::default()
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/api/v1/statuses", post(publish))
            .route("/api/v1/accounts/verify_credentials", get(credentials))
            .route("/api/v1/accounts/7/statuses", get(timeline))
            .route(
                "/api/v2/instance",
                get(|| async { Json(json!({ "version": "4.5.2" })) }),
            )
            .with_state(network.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, routes).await.unwrap();
            });
        });
        (network, url)
    }

    /// How often each text is visible.
    pub(crate) fn visible(&self) -> BTreeMap<String, u32> {
        let mut visible = BTreeMap::new();
        for status in &self.lock().statuses {
            *visible.entry(status["content"].to_string()).or_default() += 1;
        }
        visible
    }

    /// How many posts were asked for, repeats included.
    pub(crate) fn requests(&self) -> u64 {
        self.lock().requests
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A repeated key answers with the status that it made.
    fn store(&self, key: &str, text: &str) -> Value {
        let mut world = self.lock();
        world.requests += 1;
        if let Some(index) = world.keys.get(key) {
            return world.statuses[*index].clone();
        }
        let id = 100_000 + world.statuses.len();
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        let content = escaped.split("\n\n").map(|lines| format!("<p>{lines}</p>"));
        let status = json!({
            "id": id.to_string(), "url": format!("https://m.example/@me/{id}"),
            "created_at": jiff::Timestamp::now().to_string(), "content": content.collect::<String>(),
            "spoiler_text": "", "media_attachments": [],
        });
        let index = world.statuses.len();
        world.keys.insert(key.to_owned(), index);
        world.statuses.push(status.clone());
        status
    }
}

async fn publish(
    State(network): State<Network>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let (Some(key), Some(text)) = (key, body["status"].as_str()) else {
        return Err((
            StatusCode::UNPROCESSABLE_ENTITY,
            Json(json!({ "error": "Validation failed: Text can't be blank" })),
        ));
    };
    // The handler is dropped with its connection: whoever is killed in the first wait has posted nothing.
    tokio::time::sleep(network.think).await;
    let status = network.store(key, text);
    tokio::time::sleep(network.think).await;
    Ok(Json(status))
}

async fn credentials() -> Json<Value> {
    Json(json!({ "id": "7", "username": "me", "acct": "me", "url": "https://m.example/@me" }))
}

async fn timeline(State(network): State<Network>, Query(query): Query<BTreeMap<String, String>>) -> Json<Value> {
    let limit = query
        .get("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(20_usize);
    let before: usize = query.get("max_id").and_then(|id| id.parse().ok()).unwrap_or(usize::MAX);
    let world = network.lock();
    let older = |status: &&Value| {
        status["id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .is_some_and(|id: usize| id < before)
    };
    let newest = world.statuses.iter().rev().filter(older).take(limit.min(40));
    Json(newest.cloned().collect())
}
