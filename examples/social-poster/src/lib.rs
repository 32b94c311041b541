//! The Worker that turns queued pages into posts, each exactly once.

#[path = "../../pseo-generator/src/model/mod.rs"]
mod model;
mod targets;

use std::sync::Arc;

use presswork_content_store::{D1Start, D1Store};
use presswork_pipeline::{Poster, dead_letters, message, worker as pipeline, worker::Bound};
use presswork_queue::{CloudflareQueue, Delivery, PushedBatch, process};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::Env;
use worker::wasm_bindgen_futures; // named by what the attribute of `queue` writes

/// The queue of pages, as dead letters name it.
const QUEUE: &str = "social-queue";

/// The queue that failed messages end in.
const DEAD_LETTERS: &str = "social-dlq";

/// Runs once for each instance.
#[wasm_bindgen(start)]
pub fn start() {
    pipeline::log_to_console();
}

/// A batch of either queue. Exported by hand: the macro hides how often a message was tried, and turns an error into a
/// panic of the whole instance. Never fails: what is not settled here the batch retries when it is dropped. The entry that
/// the build writes calls it for one message at a time, so a panic, which ends the instance, costs that message a retry.
#[wasm_bindgen]
pub async fn queue(batch: JsValue, env: Env, _context: JsValue) {
    if let Err(why) = handle(batch, &env).await {
        tracing::error!("{why}");
    }
}

async fn handle(batch: JsValue, env: &Env) -> Result<(), String> {
    let mut need = Bound::to(env);
    let (batch, deliveries) =
        PushedBatch::new(batch, need.queue("DEAD_LETTERS").map(CloudflareQueue::new)).map_err(text)?;
    if batch.queue() == DEAD_LETTERS {
        let database = need.d1("DB");
        let store = D1Store::new(need.whole(database)?);
        return dead_letters::record(&store, &batch, QUEUE, &deliveries)
            .await
            .map_err(text);
    }
    let poster = poster(&mut need, &deliveries)?;
    let report = process(&batch, deliveries, &poster, 1).await;
    tracing::info!(totals = ?report.totals, "a batch ended");
    let unsettled = report.unsettled.first();
    unsettled.map_or(Ok(()), |unsettled| Err(format!("{unsettled:?}")))
}

fn poster(need: &mut Bound<'_>, deliveries: &[Delivery]) -> Result<Poster, String> {
    let (config, database) = (need.config(), need.d1("DB"));
    need.unused("POSTER_CONCURRENCY", "a batch's messages run one after the other");
    need.unused("POSTER_MAX_ATTEMPTS", "max_retries of the queue's consumer says so");
    let (model, targets) = (model::model(need), targets::targets(need));
    let (((config, database), model), targets) = need.whole(config.zip(database).zip(model).zip(targets))?;
    let mut store = D1Store::new(database);
    if let [delivery] = deliveries
        && let Some(bookmark) = message::bookmark(delivery)
    {
        store = store.session(&D1Start::After(bookmark)).map_err(text)?;
    }
    Ok(Poster::new(Arc::new(config), Arc::new(store), model, targets))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
