//! `presswork` and `presswork run`: one cycle, then out.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use async_trait::async_trait;
use indicatif::ProgressBar;
use presswork_content_store::{Counts, Status};
use presswork_pipeline::import::ImportReport;
use presswork_pipeline::{Generator, Poster, RunReport};
use presswork_queue::{Delivery, Handler, MessageId, Outcome as Verdict, Totals, process};
use serde_json::json;

use crate::cli::Common;
use crate::commands::import;
use crate::compose::{self, WholeQueue};
use crate::exit::Outcome;
use crate::settings::Settings;
use crate::{export, interrupt, lock, output, progress};

/// What one cycle did.
#[derive(Debug, Default)]
struct Cycle {
    imported: ImportReport,
    no_topics: bool,
    drafted: RunReport,
    posted: Totals,
    /// Messages whose last verdict in this run was that they are tried again.
    later: usize,
    counts: Counts,
    site_pages: u64,
    cost_micros: u64,
    unpriced_calls: u64,
    took: Duration,
}

/// One cycle; the import is left out when `pages` came from `presswork run`.
///
/// # Errors
/// When settings, store or queue cannot be used. Pages and posts that fail are in the report.
pub(crate) async fn run(common: &Common, with_import: bool, pages: Option<u32>) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let mut settings = Settings::load(common)?;
    if let Some(pages) = pages {
        settings.pipeline.generator.pages_per_run = pages;
        settings
            .pipeline
            .validate()
            .map_err(|error| crate::exit::BadSettings(error.to_string()))?;
    }
    // Everything the settings name is built before anything is written.
    let writer = compose::model(&settings)?;
    settings.make_data_folder()?;
    let _lock = lock::take(&settings)?;
    let targets = compose::targets(&settings)?;
    compose::check(&targets).await?;
    let store = compose::store(&settings, true).await?;
    let queue = compose::queue(&settings, true).await?;
    writer.enter_spent(store.as_ref()).await?;
    let model = writer.model;
    let config = Arc::new(settings.pipeline.clone());
    let began_ms = jiff::Timestamp::now().as_millisecond();

    let mut cycle = Cycle::default();
    if with_import {
        cycle.imported = import::from_settings(&settings, store.as_ref()).await?;
    }
    let queue_to_send: Arc<dyn presswork_queue::Queue> = Arc::new(Arc::clone(&queue));
    let generator = Generator::new(config, Arc::clone(&store), queue_to_send, Arc::clone(&model));
    let stop = generator.stop();
    interrupt::watch(Arc::clone(&stop));
    cycle.no_topics = with_import && settings.topics.is_none() && !settings.sample;
    cycle.drafted = draft(&generator, &settings).await?;
    let poster = compose::poster(&settings, Arc::clone(&store), model, targets);
    let concurrency = settings.pipeline.poster.concurrency as usize;
    (cycle.posted, cycle.later) = post(queue.as_ref(), &poster, concurrency, &stop).await?;

    let site = &settings.pipeline.site;
    cycle.site_pages = export::write(&settings, store.as_ref()).await?;
    cycle.counts = store.counts(&site.id).await?;
    let spent = presswork_content_store::SpendQuery {
        site: Some(site.id.clone()),
        from_ms: began_ms,
        until_ms: export::FAR_FUTURE_MS,
    };
    let spent = store.spend(&spent).await?;
    (cycle.cost_micros, cycle.unpriced_calls) = (spent.cost_micros, spent.unpriced_calls);
    cycle.took = started.elapsed();
    report(common, &settings, &cycle)?;

    let failed = cycle.drafted.failed + cycle.drafted.postponed + cycle.drafted.waiting > 0
        || cycle.posted.dead_lettered + cycle.posted.unsettled > 0
        || cycle.later > 0;
    Ok(if failed { Outcome::SomeFailed } else { Outcome::Done })
}

/// Drafts with a progress bar.
async fn draft(generator: &Generator, settings: &Settings) -> anyhow::Result<RunReport> {
    let bar = progress::items("pages", settings.pipeline.generator.pages_per_run.into());
    let report = generator.run(&|_| bar.inc(1)).await;
    bar.finish_and_clear();
    Ok(report?)
}

/// Handles messages until none is due or the program is told to stop.
async fn post(
    queue: &dyn WholeQueue,
    poster: &Poster,
    concurrency: usize,
    stop: &AtomicBool,
) -> anyhow::Result<(Totals, usize)> {
    let due = queue.depth().await?.ready;
    let bar = progress::items("posts", due);
    let handler = Counted {
        poster,
        bar: &bar,
        later: Mutex::default(),
    };
    let mut totals = Totals::default();
    while !stop.load(Ordering::Relaxed) {
        let deliveries = queue
            .receive(concurrency, Duration::ZERO)
            .await
            .context("cannot receive messages")?;
        if deliveries.is_empty() {
            break;
        }
        let report = process(&queue, deliveries, &handler, concurrency).await;
        for unsettled in &report.unsettled {
            tracing::warn!(error = %unsettled.error, messages = unsettled.ids.len(), "not settled; they come again");
        }
        totals += report.totals;
    }
    bar.finish_and_clear();
    let later = handler.later.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((totals, later.len()))
}

struct Counted<'a> {
    poster: &'a Poster,
    bar: &'a ProgressBar,
    /// A message that is tried again at once, and then done, is nothing that is left.
    later: Mutex<HashSet<MessageId>>,
}

#[async_trait]
impl Handler for Counted<'_> {
    async fn handle(&self, delivery: &Delivery) -> Verdict {
        let verdict = self.poster.handle(delivery).await;
        self.bar.inc(1);
        let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Retry { .. } => later.insert(delivery.id().clone()),
            _ => later.remove(delivery.id()),
        };
        verdict
    }
}

fn report(common: &Common, settings: &Settings, cycle: &Cycle) -> anyhow::Result<()> {
    let Cycle {
        imported,
        drafted,
        posted,
        counts,
        ..
    } = cycle;
    let planned = counts.get(Status::Planned);
    let new = if cycle.no_topics {
        tracing::warn!("no topics file is set: set `topics`, or plan with `presswork import FILE`");
        "no topics file is set".to_owned()
    } else {
        format!("{} new", imported.created)
    };
    if common.json {
        return output::json(&json!({
            "imported": imported,
            "pages": drafted,
            "posts": {
                "messages": posted.received, "acknowledged": posted.acked, "later": cycle.later,
                "dead_letters": posted.dead_lettered, "unsettled": posted.unsettled,
            },
            "topics_left": planned,
            "site_pages": cycle.site_pages,
            "cost_micros": cycle.cost_micros,
            "unpriced_calls": cycle.unpriced_calls,
            "seconds": cycle.took.as_secs_f64(),
        }));
    }
    let mut rows = vec![
        ("Topics", format!("{new}, {planned} left to draft")),
        (
            "Pages",
            format!(
                "{} published, {} in review, {} on the site",
                drafted.published, drafted.in_review, cycle.site_pages
            ),
        ),
        ("Gates", gates(drafted)),
        (
            "Posts",
            format!(
                "{} pages posted, {} to try again, {} dead letters",
                posted.acked, cycle.later, posted.dead_lettered
            ),
        ),
        ("Failures", format!("{}", drafted.failed + posted.dead_lettered)),
        ("Cost", output::cost(cycle.cost_micros, cycle.unpriced_calls)),
        ("Time", format!("{:.2} s", cycle.took.as_secs_f64())),
    ];
    if drafted.waiting > 0 {
        rows.push((
            "Waiting",
            format!(
                "{} messages; the queue refused them, the outbox keeps them",
                drafted.waiting
            ),
        ));
    }
    output::text(&output::facts(rows).to_string())?;
    for problem in &drafted.problems {
        output::text(&format!("  ! {}", output::plain(problem)))?;
    }
    output::text(&next(settings, cycle, planned))
}

fn gates(drafted: &RunReport) -> String {
    match drafted.postponed + drafted.failed {
        0 => "all passed".into(),
        held => format!("{held} topics held back, {} will be tried again", drafted.postponed),
    }
}

/// Where to look, and what to do next.
fn next(settings: &Settings, cycle: &Cycle, planned: u64) -> String {
    let data = settings.data.display();
    let mut lines = vec![
        String::new(),
        format!("Look at  `presswork serve` and open http://{}/", settings.serve.listen),
        format!("         {data}/site            the site as files, ready to be uploaded"),
    ];
    if settings.pipeline.targets.is_empty() {
        lines.push(format!(
            "         {data}/posts.jsonl     the posts, in a file because no target is set"
        ));
    }
    let mut then = Vec::new();
    if cycle.drafted.in_review > 0 {
        then.push("`presswork review` shows the pages that wait for you".to_owned());
    }
    if settings.pipeline.model.provider == "template" {
        then.push(
            "no model wrote these pages: set OPENAI_API_KEY and [model] in presswork.toml to let one write".to_owned(),
        );
    }
    if settings.pipeline.targets.is_empty() {
        then.push("add a [[target]] in presswork.toml to post to a network".to_owned());
    }
    if planned > 0 {
        then.push(format!(
            "run it again for the next {}",
            planned.min(settings.pipeline.generator.pages_per_run.into())
        ));
    }
    for (index, line) in then.iter().enumerate() {
        lines.push(format!("{} {line}", if index == 0 { "Next    " } else { "        " }));
    }
    lines.join("\n")
}
