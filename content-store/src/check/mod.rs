//! What every backend checks before it writes, and decides after it has read: one meaning for all of them.

mod dead_letters;
mod edits;
mod posts;

use std::collections::HashMap;

use crate::{
    Claim, Content, Error, NewOutbox, NewPage, NewSpend, Op, OutboxClaim, OutboxId, PageRef, Result, SavePage, Status,
    Transition, limits, text,
};

pub(crate) use dead_letters::*;
pub(crate) use edits::*;
pub(crate) use posts::*;

/// A topic, checked and ready to be stored.
pub(crate) struct PlanRow<'a> {
    pub(crate) page: &'a NewPage,
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres", feature = "d1", feature = "d1-http")),
        allow(dead_code)
    )]
    // for the stores that keep text
    pub(crate) topic: String,
    pub(crate) source_hash: String,
}

/// Checks one topic by itself; its data as text.
pub(crate) fn topic(page: &NewPage) -> Result<String> {
    text::key("site", &page.site)?;
    text::key("locale", &page.locale)?;
    text::slug(&page.slug)?;
    text::key("row_key", &page.row_key)?;
    text::key("primary_keyword", &page.primary_keyword)?;
    text::json("topic", &page.topic, limits::TOPIC)
}

pub(crate) fn plan<'a>(store: &'static str, op: &Op, topics: &'a [NewPage]) -> Result<Vec<PlanRow<'a>>> {
    text::op(op)?;
    text::count("topics", topics.len(), limits::MAX_ROWS)?;
    let mut seen = HashMap::new();
    let mut rows = Vec::with_capacity(topics.len());
    for page in topics {
        let topic = topic(page)?;
        for (field, value) in [
            ("row_key", &page.row_key),
            ("slug", &page.slug),
            ("primary_keyword", &page.primary_keyword),
        ] {
            if let Some(row_key) = seen.insert((&page.site, &page.locale, field, value), &page.row_key) {
                return Err(Error::Conflict {
                    store,
                    field,
                    value: value.clone(),
                    row_key: row_key.clone(),
                });
            }
        }
        let source_hash = text::sha256_hex([page.slug.as_str(), &page.primary_keyword, &topic]);
        rows.push(PlanRow {
            page,
            topic,
            source_hash,
        });
    }
    Ok(rows)
}

/// The end of the lease.
pub(crate) fn claim(op: &Op, claim: &Claim) -> Result<i64> {
    text::op(op)?;
    text::key("site", &claim.site)?;
    text::key("owner", &claim.owner)?;
    text::rows(claim.limit)?;
    attempts(claim.max_attempts)?;
    text::lease_end(op, claim.lease)
}

/// The end of the lease.
pub(crate) fn outbox_claim(op: &Op, claim: &OutboxClaim) -> Result<i64> {
    text::op(op)?;
    text::key("owner", &claim.owner)?;
    text::rows(claim.limit)?;
    attempts(claim.max_attempts)?;
    text::lease_end(op, claim.lease)
}

fn attempts(max: u32) -> Result<()> {
    if max == 0 {
        return Err(text::invalid("max_attempts", "is 0; nothing could ever be claimed"));
    }
    Ok(())
}

/// Why a page that was claimed too often failed, when nobody said why.
pub(crate) const GAVE_UP: &str = "every attempt ended without a result";

pub(crate) fn outbox_ids(op: &Op, owner: &str, ids: &[OutboxId]) -> Result<()> {
    text::op(op)?;
    text::key("owner", owner)?;
    text::count("ids", ids.len(), limits::MAX_ROWS)?;
    ids.iter().try_for_each(|id| text::key("outbox id", id.as_str()))
}

pub(crate) fn with_a_page(outbox: &[NewOutbox], costs: &[NewSpend]) -> Result<()> {
    text::count("outbox", outbox.len(), limits::WITH_A_PAGE)?;
    for row in outbox {
        text::key("outbox topic", &row.topic)?;
        text::json_size("outbox payload", &row.payload, limits::JSON)?;
    }
    text::count("spend", costs.len(), limits::WITH_A_PAGE)?;
    costs.iter().try_for_each(one_spend)
}

fn one_spend(spend: &NewSpend) -> Result<()> {
    text::key_or_empty("campaign", &spend.campaign)?;
    text::key("purpose", &spend.purpose)?;
    text::key("provider", &spend.provider)?;
    text::key("model", &spend.model)?;
    text::key("outcome", &spend.outcome)?;
    for (field, number) in [
        ("input_tokens", spend.input_tokens),
        ("output_tokens", spend.output_tokens),
        ("cost_micros", spend.cost_micros),
    ] {
        text::number(field, number.unwrap_or(0))?;
    }
    Ok(())
}

pub(crate) fn spend(op: &Op, spend: &[NewSpend]) -> Result<()> {
    text::op(op)?;
    text::count("spend", spend.len(), limits::MAX_ROWS)?;
    spend.iter().try_for_each(one_spend)
}

pub(crate) fn save(store: &'static str, op: &Op, save: &SavePage) -> Result<()> {
    text::op(op)?;
    content(&save.content)?;
    with_a_page(&save.outbox, &save.spend)?;
    if save.to.is_saved() {
        Ok(())
    } else {
        Err(illegal(store, Status::Generating, save.to))
    }
}

pub(crate) fn transition(op: &Op, change: &Transition) -> Result<()> {
    text::op(op)?;
    text::free("reason", change.reason.as_deref().unwrap_or(""), limits::TEXT)?;
    if change.release && change.to != Status::Planned {
        return Err(text::invalid("release", "goes with `to: planned` alone"));
    }
    match change.not_before_ms {
        Some(_) if change.to != Status::Planned => {
            return Err(text::invalid("not_before_ms", "goes with `to: planned` alone"));
        }
        Some(at_ms) => text::time("not_before_ms", at_ms)?,
        None => {}
    }
    with_a_page(&change.outbox, &change.spend)
}

/// Whether the reason of a step stays on the page as its last error.
pub(crate) fn keeps_reason(to: Status) -> bool {
    matches!(to, Status::Planned | Status::Failed | Status::Rejected)
}

fn content(content: &Content) -> Result<()> {
    text::free("title", &content.title, limits::TITLE)?;
    text::free("description", &content.description, limits::DESCRIPTION)?;
    text::free("body_html", &content.body_html, limits::BODY)?;
    text::free("image_prompt", &content.image_prompt, limits::TEXT)?;
    text::free("canonical_url", &content.canonical_url, limits::URL)?;
    text::free("model", &content.model, limits::KEY)?;
    for (field, list) in [("keywords", &content.keywords), ("hooks", &content.hooks)] {
        text::json_size(field, list, limits::LIST)?;
        list.iter().try_for_each(|text| text::free(field, text, limits::LIST))?;
    }
    text::json_size("quality", &content.quality, limits::JSON)
}

/// SHA-256 in hex over what a reader of the page or its posts can see.
pub(crate) fn content_hash(content: &Content) -> String {
    let keywords = content.keywords.len().to_string();
    let parts = [
        content.title.as_str(),
        &content.description,
        &content.body_html,
        &content.image_prompt,
        &content.canonical_url,
        &keywords,
    ];
    let lists = content.keywords.iter().chain(&content.hooks).map(String::as_str);
    text::sha256_hex(parts.into_iter().chain(lists))
}

/// Why a write on a page at `found` was refused, or nothing when the step is legal.
pub(crate) fn page_step(
    store: &'static str,
    page: &PageRef,
    found: (u64, Status),
    to: Status,
    legal: fn(Status, Status) -> bool,
) -> Result<()> {
    let (version, status) = found;
    if version != page.version {
        return Err(stale(store, "page", page.id.to_string(), page.version, version));
    }
    if legal(status, to) {
        Ok(())
    } else {
        Err(illegal(store, status, to))
    }
}

/// The steps of [`save`](crate::Pages::save).
pub(crate) fn may_save(from: Status, to: Status) -> bool {
    from == Status::Generating && to.is_saved()
}

fn illegal(store: &'static str, from: Status, to: Status) -> Error {
    Error::IllegalTransition {
        store,
        what: "page",
        from: from.as_str(),
        to: to.as_str(),
    }
}

pub(crate) fn stale(store: &'static str, what: &'static str, id: String, expected: u64, found: u64) -> Error {
    Error::StaleVersion {
        store,
        what,
        id,
        expected,
        found,
    }
}
