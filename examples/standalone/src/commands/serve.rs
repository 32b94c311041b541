//! `presswork serve`: generator on a schedule, poster, relay and local site, supervised, until Ctrl-C.

use std::future::Future;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use croner::Cron;
use presswork_pipeline::{Generator, Poster, Relay};
use presswork_queue::{Queue, RunOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::Common;
use crate::commands::import;
use crate::exit::{BadSettings, Outcome};
use crate::interrupt::signal;
use crate::settings::Settings;
use crate::{compose, lock, output, web};

/// How often the outbox is looked at for what a refusing queue or a reviewer left there.
const RELAY_EVERY: Duration = Duration::from_secs(15);

/// Stays until Ctrl-C or SIGTERM; what is under way then is finished.
///
/// # Errors
/// When settings, store, queue or address cannot be used.
pub(crate) async fn run(common: &Common, listen: Option<SocketAddr>, now: bool) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    let schedule = Schedule::new(&settings)?;
    let model = compose::model(&settings)?;
    settings.make_data_folder()?;
    let _lock = lock::take(&settings)?;
    let targets = compose::targets(&settings)?;
    compose::check(&targets).await;
    let store = compose::store(&settings, true).await?;
    let queue = compose::queue(&settings, true).await?;
    import::from_settings(&settings, store.as_ref()).await?;
    let address = listen.unwrap_or(settings.serve.listen);
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let address = listener.local_addr()?;

    let (stopping, stop) = watch::channel(false);
    let config = Arc::new(settings.pipeline.clone());
    let sending: Arc<dyn Queue> = Arc::new(Arc::clone(&queue));
    let generator = Arc::new(Generator::new(
        Arc::clone(&config),
        Arc::clone(&store),
        Arc::clone(&sending),
        Arc::clone(&model),
    ));
    let poster = Arc::new(Poster::new(config, Arc::clone(&store), model, targets));
    let relay = Arc::new(Relay::new(Arc::clone(&store), sending));
    let drain = Duration::from_secs(settings.serve.drain_seconds);
    let settings = Arc::new(settings);

    let mut tasks = JoinSet::new();
    let generator_stop = generator.stop();
    {
        let stop = stop.clone();
        let first = Arc::new(AtomicBool::new(now));
        tasks.spawn(supervise("generator", stop.clone(), move || {
            draft_on_schedule(
                Arc::clone(&generator),
                schedule.clone(),
                Arc::clone(&first),
                stop.clone(),
            )
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
        store,
        queue,
    });
    let server = axum::serve(listener, routes).with_graceful_shutdown(stopped(stop));
    tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the local site ended");
        }
    });

    if !common.json {
        output::text(&format!(
            "site    http://{address}/\nstatus  http://{address}/-/status\ndrafts  {} ({})\nCtrl-C finishes what is under way and ends",
            settings.serve.schedule, settings.serve.time_zone
        ))?;
    } else {
        output::json(&serde_json::json!({ "site": format!("http://{address}/") }))?;
    }

    signal().await?;
    tracing::warn!("stopping; once more ends at once");
    generator_stop.store(true, Ordering::Relaxed);
    stopping.send_replace(true);
    let finished = async { while tasks.join_next().await.is_some() {} };
    tokio::select! {
        () = finished => {}
        () = tokio::time::sleep(drain + Duration::from_secs(5)) => tracing::warn!("not everything finished in time; it is taken up again at the next start"),
        _ = signal() => {}
    }
    Ok(Outcome::Done)
}

/// When the generator runs.
#[derive(Clone)]
struct Schedule {
    cron: Cron,
    zone: jiff::tz::TimeZone,
}

impl Schedule {
    fn new(settings: &Settings) -> anyhow::Result<Self> {
        let serve = &settings.serve;
        let cron = Cron::from_str(&serve.schedule).map_err(|error| {
            BadSettings(format!(
                "serve.schedule is {:?}: {error}; expected five cron fields, e.g. 0 6 * * *",
                serve.schedule
            ))
        })?;
        let zone = jiff::tz::TimeZone::get(&serve.time_zone).map_err(|_| {
            BadSettings(format!(
                "serve.time_zone is {:?}, expected an IANA name, e.g. Europe/Berlin",
                serve.time_zone
            ))
        })?;
        Ok(Self { cron, zone })
    }

    /// How long until the next time, and that time.
    fn next(&self) -> anyhow::Result<(Duration, jiff::Zoned)> {
        let now = jiff::Timestamp::now().to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&now, false)?;
        let wait = Duration::try_from(next.duration_since(&now)).unwrap_or_default();
        Ok((wait, next))
    }
}

async fn draft_on_schedule(
    generator: Arc<Generator>,
    schedule: Schedule,
    first: Arc<AtomicBool>,
    mut stop: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    loop {
        if !first.swap(false, Ordering::Relaxed) {
            let (wait, next) = schedule.next()?;
            tracing::info!(%next, "the generator waits");
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopped(stop.clone()) => return Ok(()),
            }
        }
        let report = generator.run(&|_| {}).await?;
        tracing::info!(
            published = report.published,
            in_review = report.in_review,
            failed = report.failed,
            "drafted"
        );
        for problem in &report.problems {
            tracing::warn!(problem, "a topic or the queue");
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
