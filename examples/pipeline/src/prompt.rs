//! What a model is told.

use std::time::Duration;

use presswork_ai_adapter::TextRequest;
use presswork_content_store::Page;
use serde_json::{Value, json};

use crate::config::Config;
use crate::gates::GateReport;

/// Asks for one page about `page`'s topic. The facts stand as one fenced JSON block at the end of the message:
/// a language model reads them there, and so does the offline writer.
#[must_use]
pub fn page(config: &Config, page: &Page) -> TextRequest {
    let gates = &config.gates;
    let facts = json!({ "topic": page.topic, "site": { "name": config.site.name, "base_url": config.site.base_url } });
    let system = format!(
        "You write reference pages for {name}, in the language {locale}. \
         State only what the facts say or what follows from them by arithmetic. Plain words, no marketing. \
         The title has {tmin} to {tmax} characters, the description {dmin} to {dmax}, the body at least {words} words. \
         Headings begin at h2 and skip no level.",
        name = config.site.name,
        locale = config.site.locale,
        tmin = gates.title_min,
        tmax = gates.title_max,
        dmin = gates.description_min,
        dmax = gates.description_max,
        words = gates.words_min,
    );
    let ask = format!(
        "Write the page that answers {:?}. The facts:\n{}",
        page.primary_keyword,
        fenced(&facts)
    );
    request(config, ask).system(system)
}

/// Sends a draft back with what the gates found.
#[must_use]
pub fn repair(config: &Config, planned: &Page, body: &Value, report: &GateReport) -> TextRequest {
    let facts =
        json!({ "topic": planned.topic, "site": { "name": config.site.name, "base_url": config.site.base_url } });
    let ask = format!(
        "This draft of the page that answers {:?} is not fit to publish: {}.\n{}\nWrite the whole page again, mended. The facts:\n{}",
        planned.primary_keyword,
        report.summary(),
        fenced(body),
        fenced(&facts),
    );
    request(config, ask)
}

/// Asks for the text of one post of at most `limit` characters as the network counts them, the link not included.
#[must_use]
pub fn post(config: &Config, page: &Page, network: &str, limit: usize) -> TextRequest {
    let content = page.content.as_ref();
    let facts = json!({
        "topic": page.topic,
        "site": { "name": config.site.name, "base_url": config.site.base_url },
        "page": {
            "title": content.map(|content| &content.title),
            "description": content.map(|content| &content.description),
            "hooks": content.map(|content| &content.hooks),
        },
        "network": network,
        "limit": limit,
    });
    let ask = format!(
        "Write one post for {network} about this page, at most {limit} characters, no link, no hashtags. The facts:\n{}",
        fenced(&facts)
    );
    request(config, ask).system(format!(
        "You write short posts for {}, in the language {}.",
        config.site.name, config.site.locale
    ))
}

fn request(config: &Config, ask: String) -> TextRequest {
    TextRequest::user(ask)
        .max_output_tokens(config.model.max_output_tokens)
        .timeout(Duration::from_secs(config.model.timeout_seconds.into()))
}

fn fenced(facts: &Value) -> String {
    format!("```json\n{facts:#}\n```")
}
