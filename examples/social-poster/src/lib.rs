//! The Worker that turns queued pages into posts, each exactly once.

mod compose;

use presswork_queue::{CloudflareQueue, Delivery, Outcome, PushedBatch, Settle as _, Settlement, process};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures; // named by what the attribute of `queue` writes
use worker::{Env, console_error, console_log};

/// The queue that failed messages end in.
const DEAD_LETTERS: &str = "social-dlq";

/// A batch of either queue. Exported by hand: the macro hides how often a message was tried, and turns an error into a
/// panic of the whole instance. Never fails: what is not settled here the batch retries when it is dropped.
#[wasm_bindgen]
pub async fn queue(batch: JsValue, env: Env, _context: JsValue) {
    if let Err(why) = handle(batch, &env).await {
        console_error!("{why}");
    }
}

async fn handle(batch: JsValue, env: &Env) -> Result<(), String> {
    let dead_letters = env.queue("DEAD_LETTERS").ok().map(CloudflareQueue::new);
    let missing = dead_letters.is_none();
    let (batch, deliveries) = PushedBatch::new(batch, dead_letters).map_err(|error| error.to_string())?;
    if batch.queue() == DEAD_LETTERS {
        return record(&batch, deliveries).await;
    }
    if missing {
        return Err("the queue binding DEAD_LETTERS is missing".to_owned());
    }
    let (poster, concurrency) = compose::poster(env)?;
    let report = process(&batch, deliveries, &poster, concurrency).await;
    console_log!("{:?}", report.totals);
    report
        .unsettled
        .first()
        .map_or(Ok(()), |unsettled| Err(format!("{unsettled:?}")))
}

/// Writes each dead letter to the log, whole, and acknowledges it.
async fn record(batch: &PushedBatch, deliveries: Vec<Delivery>) -> Result<(), String> {
    for delivery in &deliveries {
        let headers = delivery.headers();
        let reason = headers
            .get(PushedBatch::DEAD_REASON)
            .map_or("delivered too often", String::as_str);
        let body = String::from_utf8_lossy(delivery.body());
        console_error!("dead letter {}: {reason}: {body}", delivery.id());
    }
    let acks: Vec<_> = deliveries
        .iter()
        .map(|delivery| Settlement::new(delivery.lease().clone(), Outcome::Ack))
        .collect();
    batch.settle(&acks).await.map(drop).map_err(|error| error.to_string())
}
