//! The state as rows of the tables that other stores have.

use serde_json::{Map, Value, json};

use super::{Done, OpRow, PageRow, PostRow, Snapshot, State};
use crate::transfer::{Record, Shape};
use crate::{Content, NewSpend, Revision};

fn texts(list: &[String]) -> Value {
    json!(list).to_string().into()
}

/// What a repeat is answered from, as text.
fn kept(done: &Done) -> Option<String> {
    match done {
        Done::Plan(report) => {
            let counts = [report.created, report.unchanged, report.updated, report.existing];
            Some(json!(counts).to_string())
        }
        Done::Pages(ids) => Some(json!(ids).to_string()),
        Done::Outbox(ids) => Some(json!(ids).to_string()),
        Done::DeadLetters(ids) => Some(json!(ids).to_string()),
        Done::Count(count) => Some(count.to_string()),
        Done::Page(_) | Done::Post | Done::Spend | Done::DeadLetter | Done::Deleted => None,
    }
}

/// Columns of content; all null where there is none.
fn content_columns(content: Option<&Content>) -> Value {
    let content = content.map(|content| {
        json!({
            "title": content.title,
            "description": content.description,
            "keywords_json": texts(&content.keywords),
            "image_prompt": content.image_prompt,
            "hooks_json": texts(&content.hooks),
            "canonical_url": content.canonical_url,
            "quality_json": content.quality.to_string(),
            "model": content.model,
            "word_count": content.word_count,
            "body_html": content.body_html,
        })
    });
    content.unwrap_or_else(|| {
        json!({
            "title": null, "description": null, "keywords_json": null, "image_prompt": null, "hooks_json": null,
            "canonical_url": null, "quality_json": null, "model": null, "word_count": null, "body_html": null,
        })
    })
}

fn and(mut row: Value, more: Value) -> Value {
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    row
}

fn page(PageRow { page, source_hash }: &PageRow) -> Value {
    let row = json!({
        "id": page.id, "site": page.site, "locale": page.locale, "slug": page.slug, "row_key": page.row_key,
        "primary_keyword": page.primary_keyword, "source_hash": source_hash, "status": page.status,
        "version": page.version, "attempts": page.attempts, "last_error": page.last_error,
        "not_before_ms": page.not_before_ms, "lease_owner": page.lease_owner, "lease_until_ms": page.lease_until_ms,
        "content_hash": page.content_hash, "created_at_ms": page.created_at_ms, "updated_at_ms": page.updated_at_ms,
        "published_at_ms": page.published_at_ms, "modified_at_ms": page.modified_at_ms,
        "topic_json": sorted(&page.topic),
    });
    and(row, content_columns(page.content.as_ref()))
}

/// As a plan writes it.
fn sorted(topic: &Value) -> String {
    crate::text::json("topic", topic, usize::MAX).unwrap_or_default()
}

fn post(PostRow { record: post, last_op }: &PostRow) -> Value {
    json!({
        "id": post.id, "idem_key": post.key.idempotency_key(), "page_id": post.key.page_id, "target": post.key.target,
        "account": post.key.account, "campaign": post.key.campaign, "site": post.site, "status": post.status,
        "version": post.version, "last_op_id": last_op, "attempts": post.attempts, "not_before_ms": post.not_before_ms,
        "claim_owner": post.claim_owner, "claim_until_ms": post.claim_until_ms, "remote_id": post.remote_id,
        "remote_url": post.url, "last_error": post.last_error, "in_flight_at_ms": post.in_flight_at_ms,
        "posted_at_ms": post.posted_at_ms, "created_at_ms": post.created_at_ms, "updated_at_ms": post.updated_at_ms,
        "post_text": post.text, "payload_json": post.payload.to_string(), "evidence_json": post.evidence.to_string(),
    })
}

impl State {
    /// Every row of a table, by its key.
    pub(super) fn rows(&self, shape: &'static Shape) -> Vec<Record> {
        let rows: Vec<Value> = match shape.name {
            "content_op" => {
                let mut ops: Vec<_> = self.ops.iter().collect();
                ops.sort_unstable_by_key(|(id, _)| **id);
                let row = |(id, OpRow { used_for, done, at_ms }): (_, &OpRow)| json!({ "op_id": id, "request": used_for, "result": kept(done), "at_ms": at_ms });
                ops.into_iter().map(row).collect()
            }
            "content_metadata" => self.pages.values().map(page).collect(),
            "content_revision" => {
                let row = |((id, version), revision): (&(_, u64), &Revision)| {
                    json!({
                        "content_id": id, "version": version, "op_id": revision.op_id, "reason": revision.reason,
                        "status": revision.status, "content_hash": revision.content_hash, "at_ms": revision.at_ms,
                    })
                };
                self.revisions.iter().map(row).collect()
            }
            "outbox" => self.outbox.values().map(super::outbox::Row::to_row).collect(),
            "post_ledger" => self.posts.values().map(post).collect(),
            "spend_ledger" => {
                let row = |(id, row): (&String, &super::spend::Row)| {
                    let NewSpend {
                        page_id,
                        purpose,
                        provider,
                        model,
                        input_tokens,
                        output_tokens,
                        cost_micros,
                        outcome,
                        ..
                    } = &row.spend;
                    json!({
                        "id": id, "page_id": page_id, "site": row.site, "purpose": purpose, "provider": provider,
                        "model": model, "outcome": outcome, "input_tokens": input_tokens,
                        "output_tokens": output_tokens, "cost_micros": cost_micros, "at_ms": row.at_ms,
                    })
                };
                self.spend.iter().map(row).collect()
            }
            "spend_campaign" => {
                let named = self.spend.iter().filter(|(_, row)| !row.spend.campaign.is_empty());
                let row =
                    |(id, row): (_, &super::spend::Row)| json!({ "spend_id": id, "campaign": row.spend.campaign });
                named.map(row).collect()
            }
            "dead_letter" => self
                .dead_letters
                .values()
                .map(super::dead_letters::Row::to_row)
                .collect(),
            "content_redirect" => {
                let row = |((site, locale, slug), (page, at_ms)): (&super::Place, &(_, i64))| json!({ "site": site, "locale": locale, "slug": slug, "page_id": page, "at_ms": at_ms });
                self.redirects.iter().map(row).collect()
            }
            "content_lock" => {
                let row = |(id, fields)| json!({ "content_id": id, "fields_json": json!(fields).to_string() });
                self.locks.iter().map(row).collect()
            }
            "content_snapshot" => {
                let row = |((id, version), Snapshot { content, hash, at_ms }): (&(_, u64), &Snapshot)| {
                    let row = json!({ "content_id": id, "version": version, "content_hash": hash, "at_ms": at_ms });
                    and(row, content_columns(Some(content)))
                };
                self.snapshots.iter().map(row).collect()
            }
            _ => Vec::new(),
        };
        let record = |row: Value| -> Option<Record> {
            let row: Map<String, Value> = serde_json::from_value(row).ok()?;
            Record::named(shape, row).ok()
        };
        rows.into_iter().filter_map(record).collect()
    }
}
