//! The Worker that drafts pages on a schedule, stores them in D1, queues their ids, and serves the site.

mod model;

use std::sync::Arc;

use presswork_content_store::{D1Start, D1Store};
use presswork_pipeline::{Config, Generator, RunReport, serve::serve, worker as pipeline, worker::Bound};
use presswork_queue::CloudflareQueue;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures; // named by what the attribute of `scheduled` writes
use worker::{Context, Env, Request, Response, event};

/// The queue behind the binding `SOCIAL_QUEUE`, as dead letters name it.
const QUEUE: &str = "social-queue";

/// Runs once for each instance.
#[wasm_bindgen(start)]
pub fn start() {
    pipeline::log_to_console();
}

/// The cron. Exported by hand: the macro drops the result, and a failed run would be reported as a good one.
///
/// # Errors
/// One line that says what is missing, or why the run ended early.
#[wasm_bindgen]
pub async fn scheduled(_event: JsValue, env: Env, _context: JsValue) -> Result<(), JsValue> {
    let report = run(&env).await.inspect_err(|why| tracing::error!("{why}"))?;
    report.stopped.map_or(Ok(()), |why| Err(why.into()))
}

#[event(fetch, respond_with_errors)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let asked = pipeline::asked(request).await?;
    let mut need = Bound::to(&env);
    let secret = need.optional_secret("RUN_SECRET").unwrap_or_default(); // without it nobody is the owner
    let answer = match site(&mut need) {
        Err(why) => Err(why),
        Ok(((config, store), queue)) => {
            let run = async || run(&env).await;
            serve(&asked, &secret, &config.site, &store, (&queue, QUEUE), run)
                .await
                .map_err(text)
        }
    };
    pipeline::respond(answer)
}

async fn run(env: &Env) -> Result<RunReport, String> {
    let report = generator(env)?.run(&|_| ()).await.map_err(text)?;
    tracing::info!(
        report = serde_json::to_string(&report).unwrap_or_default(),
        "a run ended"
    );
    Ok(report)
}

type Site = ((Config, D1Store), CloudflareQueue);

fn site(need: &mut Bound<'_>) -> Result<Site, String> {
    let (config, store) = (need.config(), need.d1("DB").map(D1Store::new));
    let queue = need.queue("SOCIAL_QUEUE").map(CloudflareQueue::new);
    need.whole(config.zip(store).zip(queue))
}

fn generator(env: &Env) -> Result<Generator, String> {
    let mut need = Bound::to(env);
    let (model, site) = (model::model(&mut need), site(&mut need).ok()); // what is missing is noted
    let (model, ((config, store), queue)) = need.whole(model.zip(site))?;
    let store = Arc::new(store.session(&D1Start::Newest).map_err(text)?);
    let seen = Arc::clone(&store);
    let generator = Generator::new(Arc::new(config), store, Arc::new(queue), model);
    // Replicas may answer the poster's reads, but none that has not seen the page.
    Ok(generator.bookmark(move || seen.bookmark().ok().flatten()))
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
