//! The status page: what waits for a person first, then every count.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use presswork_content_store::{PostStatus, Status};
use presswork_pipeline::site;

use crate::commands::status::{self, Report};
use crate::output;
use crate::settings::Settings;

/// Besides the style of the site.
const STYLE: &str = "\
.page>*{max-width:64rem}.bar{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;align-items:baseline}\
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem;margin:1.5rem 0}\
.cards div{border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}\
.cards dt{color:var(--soft);font-size:.95rem}.cards dd{margin:0;font-size:1.5rem;font-variant-numeric:tabular-nums}\
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:0 2rem}\
.number{text-align:right;padding-right:0;font-variant-numeric:tabular-nums}code{font-size:.9rem;overflow-wrap:anywhere}\
tbody th{font-weight:400}.why{overflow-wrap:anywhere}";

/// Seconds between two readings where the reader asks for it.
const EVERY: u32 = 5;

/// The document; it reads itself again `every` that many seconds.
#[must_use]
pub(super) fn render(settings: &Settings, report: &Report, every: Option<u32>) -> String {
    let name = &settings.pipeline.site.name;
    let now = jiff::Timestamp::now();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                @if let Some(every) = every { meta http-equiv="refresh" content=(every.max(1)); }
                title { "Status of " (name) }
                style { (PreEscaped(site::STYLE)) (PreEscaped(STYLE)) }
            }
            body {
                div.page {
                    header { a href="/" { (name) } }
                    main {
                        h1 { "Status" }
                        p.bar {
                            span.soft { "Read at " time datetime=(now) { (now.strftime("%H:%M:%S")) " UTC" } }
                            a href="/-/status" { @if every.is_some() { "Stop refreshing" } @else { "Refresh" } }
                            @if every.is_none() { a href={ "/-/status?every=" (EVERY) } { "Refresh every " (EVERY) " s" } }
                            a href="/-/status.json" { "JSON" }
                        }
                        (cards(report))
                        (attention(report))
                        div.tables {
                            (counts("Pages", report.pages.iter().copied()))
                            (counts("Posts", report.posts.iter().copied()))
                            (counts("Messages", messages(report)))
                            (counts("Model", model(report)))
                            (campaigns(report))
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

fn cards(report: &Report) -> Markup {
    let oldest = report.oldest_message_seconds.map_or("none".into(), output::age);
    let cards = [
        ("Topics left", report.pages(Status::Planned).to_string()),
        ("Published", report.pages(Status::Published).to_string()),
        ("In review", report.pages(Status::InReview).to_string()),
        ("Posted", report.posts(PostStatus::Posted).to_string()),
        (
            "Messages waiting",
            (report.queue_ready + report.queue_delayed).to_string(),
        ),
        ("Oldest message", oldest),
        ("Dead letters", report.dead_letters.to_string()),
        ("Spent today", dollars(report.cost_today_micros)),
        ("Spent in all", dollars(report.cost_micros)),
    ];
    html! { dl.cards { @for (name, value) in cards { div { dt { (name) } dd { (value) } } } } }
}

fn attention(report: &Report) -> Markup {
    html! {
        h2 { "Needs you" }
        @if report.attention.is_empty() { p.soft { "Nothing waits for a person." } }
        @else {
            div.scroll {
                table {
                    thead { tr { th scope="col" { "What" } th scope="col" { "Which" } th scope="col" { "Why" } th scope="col" { "What to do" } } }
                    tbody {
                        @for item in &report.attention {
                            tr {
                                td { (item.what) }
                                td { @if item.visible { a href={ "/" (item.name) "/" } { (item.name) } } @else { (item.name) } }
                                td.why { (item.why) }
                                td { code { (item.todo) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn messages(report: &Report) -> impl Iterator<Item = (&'static str, u64)> {
    [
        ("ready", report.queue_ready),
        ("delayed", report.queue_delayed),
        ("leased", report.queue_leased),
        ("dead letters", report.dead_letters),
        ("in the outbox", report.outbox_waiting),
        ("given up in the outbox", report.outbox_dead),
    ]
    .into_iter()
}

fn model(report: &Report) -> impl Iterator<Item = (&'static str, u64)> {
    [
        ("calls", report.model_calls),
        ("tokens in", report.input_tokens),
        ("tokens out", report.output_tokens),
        ("calls without a price", report.unpriced_calls),
    ]
    .into_iter()
}

/// What each campaign cost, where there are any.
fn campaigns(report: &Report) -> Markup {
    let named: Vec<_> = status::named(report).collect();
    html! {
        @if !named.is_empty() {
            section {
                h2 { "Campaigns" }
                table {
                    tbody {
                        @for (name, sum) in named { tr { th scope="row" { (name) } td.number { (dollars(sum.cost_micros)) } } }
                    }
                }
            }
        }
    }
}

fn counts(title: &str, rows: impl Iterator<Item = (&'static str, u64)>) -> Markup {
    html! {
        section {
            h2 { (title) }
            table {
                tbody {
                    @for (name, count) in rows {
                        tr { th scope="row" { (name.replace('_', " ")) } td.number { (count) } }
                    }
                }
            }
        }
    }
}

/// To the cent; the command `presswork status` is exact.
fn dollars(micros: u64) -> String {
    let cents = micros.div_ceil(10_000);
    format!("${}.{:02}", cents / 100, cents % 100)
}
