//! `presswork status`.

use presswork_content_store::{FullStore, PostStatus, SpendBy, SpendQuery, SpendSum, SpendTotals, Status};
use presswork_queue::Inspect;
use serde::{Serialize, Serializer};

use crate::cli::Common;
use crate::compose::{self, WholeQueue};
use crate::exit::Outcome;
use crate::settings::Settings;
use crate::{export, output};

mod attention;

pub(crate) use attention::Attention;

/// How everything stands.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Pages by status, every status.
    #[serde(serialize_with = "object")]
    pub(crate) pages: Vec<(&'static str, u64)>,
    /// Messages in the outbox that are not in the queue yet.
    pub(crate) outbox_waiting: u64,
    /// Outbox rows that were given up.
    pub(crate) outbox_dead: u64,
    /// Messages that can be handled now.
    pub(crate) queue_ready: u64,
    /// Messages that wait for their time.
    pub(crate) queue_delayed: u64,
    /// Messages that somebody handles.
    pub(crate) queue_leased: u64,
    /// Messages that were given up.
    pub(crate) dead_letters: u64,
    /// Age of the oldest message, in seconds.
    pub(crate) oldest_message_seconds: Option<u64>,
    /// Posts by status, every status.
    #[serde(serialize_with = "object")]
    pub(crate) posts: Vec<(&'static str, u64)>,
    /// Model calls since the beginning.
    pub(crate) model_calls: u64,
    /// Tokens in.
    pub(crate) input_tokens: u64,
    /// Tokens out.
    pub(crate) output_tokens: u64,
    /// What they cost, in millionths of a dollar.
    pub(crate) cost_micros: u64,
    /// Calls without a known price.
    pub(crate) unpriced_calls: u64,
    /// What the calls since midnight (UTC) cost, in millionths of a dollar.
    pub(crate) cost_today_micros: u64,
    /// What the calls for each campaign cost, in millionths of a dollar; the empty name is no campaign.
    #[serde(serialize_with = "campaigns")]
    pub(crate) campaigns: Vec<SpendSum>,
    /// What waits for a person, a few of each kind.
    pub(crate) attention: Vec<Attention>,
}

impl Report {
    /// How many pages stand at a status.
    #[must_use]
    pub(crate) fn pages(&self, status: Status) -> u64 {
        count(&self.pages, status.as_str())
    }

    /// How many posts stand at a status.
    #[must_use]
    pub(crate) fn posts(&self, status: PostStatus) -> u64 {
        count(&self.posts, status.as_str())
    }
}

fn count(pairs: &[(&str, u64)], name: &str) -> u64 {
    pairs
        .iter()
        .filter(|(each, _)| *each == name)
        .map(|(_, count)| count)
        .sum()
}

/// Prints how everything stands.
///
/// # Errors
/// When store or queue cannot be read.
pub(crate) async fn run(common: &Common) -> anyhow::Result<Outcome> {
    let settings = Settings::load(common)?;
    settings.need_data_folder()?;
    let store = compose::full_store(&settings, false).await?;
    let queue = compose::queue(&settings, false).await?;
    let report = read(&settings, store.as_ref(), queue.as_ref()).await?;
    if common.json {
        output::json(&report)?;
    } else {
        output::text(&output::facts(rows(&report)).to_string())?;
        for item in &report.attention {
            output::text(&format!("  ! {} {}: {}", item.what, item.name, item.why))?;
            output::text(&format!("    {}", item.todo))?;
        }
    }
    Ok(Outcome::Done)
}

/// Reads how everything stands.
///
/// # Errors
/// When store or queue cannot be read.
pub(crate) async fn read(settings: &Settings, store: &dyn FullStore, queue: &dyn WholeQueue) -> anyhow::Result<Report> {
    let site = &settings.pipeline.site.id;
    let counts = store.counts(site).await?;
    let posts = store.post_counts().await?;
    let outbox = store.outbox_counts().await?;
    let depth = Inspect::depth(queue).await?;
    let since = |from_ms| SpendQuery {
        site: Some(site.clone()),
        from_ms,
        until_ms: export::FAR_FUTURE_MS,
    };
    let spent = store.spend(&since(0)).await?;
    let campaigns = store.spend_by(&since(0), SpendBy::Campaign).await?;
    let today = store.spend(&since(output::midnight_ms()?)).await?;
    Ok(Report {
        pages: Status::ALL
            .into_iter()
            .map(|status| (status.as_str(), counts.get(status)))
            .collect(),
        outbox_waiting: outbox.pending + outbox.claimed,
        outbox_dead: outbox.dead,
        queue_ready: depth.ready,
        queue_delayed: depth.delayed,
        queue_leased: depth.leased,
        dead_letters: depth.dead,
        oldest_message_seconds: depth.oldest_age.map(|age| age.as_secs()),
        posts: PostStatus::ALL
            .into_iter()
            .map(|status| (status.as_str(), posts.get(status)))
            .collect(),
        model_calls: spent.calls,
        input_tokens: spent.input_tokens,
        output_tokens: spent.output_tokens,
        cost_micros: spent.cost_micros,
        unpriced_calls: spent.unpriced_calls,
        cost_today_micros: today.cost_micros,
        campaigns,
        attention: attention::read(settings, store, queue).await?,
    })
}

/// A pair is a field, so that a reader finds a status by its name.
fn object<S: Serializer>(pairs: &[(&str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

/// Campaigns by name.
fn campaigns<S: Serializer>(sums: &[SpendSum], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(sums.iter().map(|sum| (&sum.of, sum.totals)))
}

/// The report as rows of two cells.
#[must_use]
pub(crate) fn rows(report: &Report) -> Vec<(&'static str, String)> {
    let list = |pairs: &[(&str, u64)]| {
        let some = pairs.iter().filter(|(_, count)| *count > 0);
        let some: Vec<_> = some
            .map(|(name, count)| format!("{count} {}", name.replace('_', " ")))
            .collect();
        if some.is_empty() {
            "none".to_owned()
        } else {
            some.join(", ")
        }
    };
    let mut queue = format!(
        "{} ready, {} delayed, {} leased, {} dead letters",
        report.queue_ready, report.queue_delayed, report.queue_leased, report.dead_letters
    );
    if let Some(seconds) = report.oldest_message_seconds {
        queue.push_str(&format!(", the oldest {} old", output::age(seconds)));
    }
    let mut rows = vec![
        ("Pages", list(&report.pages)),
        (
            "Outbox",
            format!("{} waiting, {} given up", report.outbox_waiting, report.outbox_dead),
        ),
        ("Queue", queue),
        ("Posts", list(&report.posts)),
        (
            "Model",
            format!(
                "{} calls, {} tokens in, {} out",
                report.model_calls, report.input_tokens, report.output_tokens
            ),
        ),
        (
            "Cost",
            format!(
                "{}, of it {} today",
                output::cost(report.cost_micros, report.unpriced_calls),
                output::cost(report.cost_today_micros, 0)
            ),
        ),
    ];
    rows.extend(named(report).map(|(name, sum)| {
        let cost = output::cost(sum.cost_micros, sum.unpriced_calls);
        ("Campaign", format!("{name}: {cost}, {} calls", sum.calls))
    }));
    rows
}

/// Campaigns and what they cost, when there is any.
pub(crate) fn named(report: &Report) -> impl Iterator<Item = (&str, &SpendTotals)> {
    let some = report.campaigns.iter().any(|sum| !sum.of.is_empty());
    report
        .campaigns
        .iter()
        .filter(move |_| some)
        .map(move |sum| (if sum.of.is_empty() { "no campaign" } else { &*sum.of }, &sum.totals))
}
