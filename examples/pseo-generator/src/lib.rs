//! The Worker that drafts pages on a schedule, stores them in D1, queues their ids, and serves the site.

mod compose;
mod site;

use presswork_pipeline::{RunReport, import};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::wasm_bindgen_futures;
use worker::{Context, Env, Method, Request, Response, console_error, console_log, event, send::IntoSendFuture as _}; // named by what the attribute of `scheduled` writes

/// The cron. Exported by hand: the macro drops the result, and a failed run would be reported as a good one.
///
/// # Errors
/// One line that says what is missing, or why the run ended early.
#[wasm_bindgen]
pub async fn scheduled(_event: JsValue, env: Env, _context: JsValue) -> Result<(), JsValue> {
    let report = run(&env).await.inspect_err(|why| console_error!("{why}"))?;
    report.stopped.map_or(Ok(()), |why| Err(why.into()))
}

#[event(fetch, respond_with_errors)]
async fn fetch(mut request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    let answer = match (request.method(), request.path().as_str()) {
        (Method::Get | Method::Head, "/healthz") => return Response::ok("ok\n"),
        (Method::Get | Method::Head, path) => site::answer(&request, &env, path).await,
        (Method::Post, "/run" | "/topics") if !site::authorised(&request, &env) => {
            return Response::error("the bearer secret RUN_SECRET is needed\n", 401);
        }
        (Method::Post, "/run") => run(&env).await.and_then(|report| json(&report)),
        (Method::Post, "/topics") => topics(&mut request, &env).await,
        _ => return Response::error("no such thing\n", 405),
    };
    // The log has the reason; a visitor learns that it is not their fault.
    answer.or_else(|why| {
        console_error!("{why}");
        Response::error("try again in a moment\n", 503)
    })
}

async fn run(env: &Env) -> Result<RunReport, String> {
    let run = compose::generator(env)?.run(&|_| ()).await;
    let report = run.map_err(|error| error.to_string())?;
    console_log!("{}", serde_json::to_string(&report).unwrap_or_default());
    Ok(report)
}

/// Plans the topics of a CSV file, the body of the request.
async fn topics(request: &mut Request, env: &Env) -> Result<Response, String> {
    let (config, store) = compose::site(env)?;
    let csv = request.bytes().into_send().await.map_err(|error| error.to_string())?;
    match import::import(&store, &config.site, "topics.csv", || Ok(csv.as_slice()), &|_| ()).await {
        Ok(report) => json(&report),
        Err(error) => Response::error(format!("{error}\n"), 422).map_err(|error| error.to_string()),
    }
}

fn json(value: &impl serde::Serialize) -> Result<Response, String> {
    Response::from_json(value).map_err(|error| error.to_string())
}
