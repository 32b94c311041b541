//! A Worker for tests: runs one case of a suite for each request, on the bindings it has. Never deployed.

// Test code: a case that fails panics, and the entry answers with an error.
#![allow(clippy::expect_used, clippy::future_not_send)]

mod content_store;
#[path = "../../../pseo-generator/src/model/mod.rs"]
mod model;
mod queue;

use presswork_ai_adapter::TextRequest;
use presswork_pipeline::worker::{Bound, log_to_console};
use serde_json::json;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures; // named by what the attribute of `queue` writes
use worker::{Context, Env, Request, Response, event};

/// Runs once for each instance.
#[wasm_bindgen(start)]
pub fn start() {
    log_to_console();
}

/// `/` names the cases; `/content-store/<case>` and `/queue/<case>` run one and answer when it holds; `/model/<text>` is
/// answered by the model that the settings name.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let path = request.path();
    match path.trim_matches('/').split_once('/') {
        None => {
            return Response::from_json(&json!({
                "content-store": content_store::names(),
                "queue": queue::names(),
                "others": queue::others(),
            }));
        }
        Some(("content-store", case)) => content_store::run(&env, case).await,
        Some(("model", text)) => {
            let mut need = Bound::to(&env);
            let model = model::model(&mut need);
            return match need.whole(model) {
                Ok(model) => Response::ok(
                    model
                        .generate(&TextRequest::user(text))
                        .await
                        .map_or_else(text_of, |said| said.text),
                ),
                Err(why) => Response::error(why, 503),
            };
        }
        Some(("queue", case)) => queue::run(&env, case).await,
        Some((suite, _)) => return Response::error(format!("there is no suite {suite}"), 404),
    }
    Response::ok("it holds")
}

fn text_of(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A batch for the case that runs.
#[wasm_bindgen]
pub async fn queue(batch: JsValue, env: Env, _context: JsValue) {
    queue::pushed(batch, &env).await;
}
