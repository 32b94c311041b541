//! `presswork serve`: generator on a schedule, poster, relay and local site, supervised, until Ctrl-C.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use presswork_content_store::ContentStore;
use presswork_pipeline::{Generator, Relay};
use presswork_queue::{Queue, RunOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::Common;
use crate::commands::import;
use crate::exit::Outcome;
use crate::interrupt::Signals;
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::{compose, export, lock, output, web};

/// How often the outbox is looked at for what a refusing queue or a reviewer left there.
const RELAY_EVERY: Duration = Duration::from_secs(15);

/// How long answers of the local site may take after Ctrl-C; a connection that asks for nothing would stay for ever.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// Stays until Ctrl-C or SIGTERM; what is under way then is finished.
///
/// # Errors
/// When settings, store, queue or address cannot be used.
pub(crate) async fn run(common: &Common, listen: Option<SocketAddr>, now: bool) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    let schedule = Schedule::new(&settings.serve)?;
    let writer = compose::model(&settings)?;
    settings.make_data_folder()?;
    let _lock = lock::take(&settings)?;
    let targets = compose::targets(&settings)?;
    compose::check(&targets).await?;
    let whole_store = compose::full_store(&settings, true).await?;
    let store: Arc<dyn ContentStore> = whole_store.clone();
    let queue = compose::queue(&settings, true).await?;
    writer.enter_spent(store.as_ref()).await?;
    let model = writer.model;
    import::from_settings(&settings, store.as_ref()).await?;
    let address = listen.unwrap_or(settings.serve.listen);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;

    let (stopping, stop) = watch::channel(false);
    let config = Arc::new(settings.pipeline.clone());
    let sending: Arc<dyn Queue> = Arc::new(Arc::clone(&queue));
    let generator = Generator::new(config, Arc::clone(&store), Arc::clone(&sending), Arc::clone(&model));
    let generator_stop = generator.stop();
    let poster = Arc::new(compose::poster(&settings, Arc::clone(&store), model, targets));
    let relay = Arc::new(Relay::new(Arc::clone(&store), sending));
    let drain = Duration::from_secs(settings.serve.drain_seconds);
    let settings = Arc::new(settings);

    let mut tasks = JoinSet::new();
    {
        let stop = stop.clone();
        let drafting = Arc::new(Drafting {
            generator,
            schedule,
            settings: Arc::clone(&settings),
            store: Arc::clone(&store),
            due: AtomicBool::new(now),
            last: Mutex::default(),
        });
        tasks.spawn(supervise("generator", stop.clone(), move || {
            draft_on_schedule(Arc::clone(&drafting), stop.clone())
        }));
    }
    {
        let (queue, stop) = (Arc::clone(&queue), stop.clone());
        let concurrency = settings.pipeline.poster.concurrency as usize;
        tasks.spawn(supervise("poster", stop.clone(), move || {
            let (queue, poster, stop) = (Arc::clone(&queue), Arc::clone(&poster), stop.clone());
            async move {
                let options = RunOptions {
                    batch: concurrency * 2,
                    concurrency,
                    drain,
                    ..RunOptions::default()
                };
                presswork_queue::run(&queue, &poster, &options, stopped(stop)).await?;
                Ok(())
            }
        }));
    }
    {
        let stop = stop.clone();
        tasks.spawn(supervise("relay", stop.clone(), move || {
            relay_on(Arc::clone(&relay), stop.clone())
        }));
    }
    let routes = web::routes(web::Site {
        settings: Arc::clone(&settings),
        store: whole_store,
        queue,
    });
    let server = axum::serve(listener, routes).with_graceful_shutdown(stopped(stop.clone()));
    tasks.spawn(async move {
        let late = async {
            stopped(stop).await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            result = server.into_future() => {
                if let Err(error) = result {
                    tracing::error!(%error, "the local site ended");
                }
            }
            () = late => {}
        }
    });

    // Before anybody is told that it runs, or a quick Ctrl-C would end it in the middle.
    let mut signals = Signals::new()?;
    if !common.json {
        output::text(&format!(
            "site    http://{address}/\nstatus  http://{address}/-/status\ndrafts  {} ({})\nCtrl-C finishes what is under way and ends",
            settings.serve.schedule, settings.serve.time_zone
        ))?;
    } else {
        output::json(&serde_json::json!({ "site": format!("http://{address}/") }))?;
    }

    signals.next().await?;
    tracing::warn!("stopping; once more ends at once");
    generator_stop.store(true, Ordering::Relaxed);
    stopping.send_replace(true);
    let finished = async { while tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = finished => {}
        () = tokio::time::sleep(drain + Duration::from_secs(5)) => tracing::warn!("not everything finished in time; it is taken up again at the next start"),
        _ = signals.next() => {}
    }
    Ok(Outcome::Done)
}

/// What the generator's task needs, and what it must not forget when it starts again.
struct Drafting {
    generator: Generator,
    schedule: Schedule,
    settings: Arc<Settings>,
    store: Arc<dyn ContentStore>,
    /// Whether a run is due; it stays so until one succeeds.
    due: AtomicBool,
    /// The time of the schedule that came last.
    last: Mutex<Option<Timestamp>>,
}

async fn draft_on_schedule(drafting: Arc<Drafting>, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        if !drafting.due.load(Ordering::Relaxed) {
            let last = *drafting.last.lock().unwrap_or_else(PoisonError::into_inner);
            let (wait, next) = drafting.schedule.next(Timestamp::now(), last)?;
            tracing::info!(%next, "the generator waits");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopped(stop.clone()) => return Ok(()),
            }
            *drafting.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(next.timestamp());
            drafting.due.store(true, Ordering::Relaxed);
        }
        let report = drafting.generator.run(&|_| {}).await?;
        drafting.due.store(false, Ordering::Relaxed);
        tracing::info!(
            published = report.published,
            in_review = report.in_review,
            failed = report.failed,
            "drafted"
        );
        for problem in &report.problems {
            tracing::warn!(problem, "a topic or the queue");
        }
        // Nothing is drafted again because a file could not be written; the next run writes it.
        if let Err(error) = export::write(&drafting.settings, drafting.store.as_ref()).await {
            tracing::error!(error = format!("{error:#}"), "the site folder is not up to date");
        }
        if *stop.borrow_and_update() {
            return Ok(());
        }
    }
}

async fn relay_on(relay: Arc<Relay>, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    loop {
        relay.drain().await?;
        tokio::select! {
            () = tokio::time::sleep(RELAY_EVERY) => {}
            () = stopped(stop.clone()) => return Ok(()),
        }
    }
}

/// Runs a task again when it fails or panics, after a wait that doubles to five minutes, until it is told to stop.
async fn supervise<F, T>(name: &'static str, stop: watch::Receiver<bool>, task: F)
where
    F: Fn() -> T + Send + 'static,
    T: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let mut wait = Duration::from_secs(1);
    loop {
        let started = std::time::Instant::now();
        match tokio::spawn(task()).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::error!(task = name, error = format!("{error:#}"), "failed; it starts again"),
            Err(error) => tracing::error!(task = name, %error, "panicked; it starts again"),
        }
        if started.elapsed() > Duration::from_secs(300) {
            wait = Duration::from_secs(1);
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopped(stop.clone()) => return,
        }
        wait = (wait * 2).min(Duration::from_secs(300));
    }
}

/// Ends when the program is told to stop.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error means that the sender is gone, which is the end as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
