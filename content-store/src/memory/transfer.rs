use std::str::FromStr;

use async_trait::async_trait;
use serde_json::Value;

use super::{Done, MemoryStore, OpRow, PageRow, PostRow, STORE, Snapshot, State, dead_letters, outbox, place, spend};
use crate::transfer::{Exported, Imported, Mark, Record, Transfer};
use crate::{
    Content, DeadLetterId, Error, Field, NewSpend, OpId, OutboxId, Page, PageId, PlanReport, PostKey, PostRecord,
    PostStatus, Result, Revision, Status, limits, text,
};

#[async_trait]
impl Transfer for MemoryStore {
    async fn export<'a>(&self, after: Option<&'a Mark>, limit: u32) -> Result<Exported> {
        let limit = text::rows(limit)?;
        let (shape, key) = Mark::position(after)?;
        let mut records = self.lock().rows(shape);
        if let Some(key) = key {
            records.retain(|record| order(&record.key(), &key).is_gt());
        }
        records.truncate(limit);
        let next = Mark::after(shape, &records, limit);
        Ok(Exported { records, next })
    }

    async fn import(&self, records: &[Record]) -> Result<Imported> {
        text::count("records", records.len(), limits::MAX_ROWS)?;
        let mut state = self.lock();
        let mut imported = Imported::default();
        for record in records {
            let found = state
                .rows(record.shape())
                .into_iter()
                .find(|found| found.key() == record.key());
            match found {
                Some(found) if found == *record => imported.known += 1,
                Some(_) => return Err(record.differs(STORE)),
                None => {
                    state.take_in(record)?;
                    imported.written += 1;
                }
            }
        }
        Ok(imported)
    }
}

fn order(one: &[Value], other: &[Value]) -> std::cmp::Ordering {
    let part = |(one, other): (&Value, &Value)| match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_i64().cmp(&other.as_i64()),
        (one, other) => one.as_str().cmp(&other.as_str()),
    };
    let parts = one.iter().zip(other).map(part);
    parts.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
}

/// The cells of a record by their names.
pub(super) struct Cells<'a>(&'a Record);

impl Cells<'_> {
    fn cell(&self, name: &str) -> &Value {
        let columns = self.0.shape().columns.iter().map(|column| column.name);
        columns
            .zip(self.0.cells())
            .find(|(column, _)| *column == name)
            .map_or(&Value::Null, |(_, cell)| cell)
    }

    fn wrong(&self, name: &str) -> Error {
        text::invalid("record", format!("has no good `{name}` of `{}`", self.0.shape().name))
    }

    pub(super) fn opt_text(&self, name: &str) -> Option<String> {
        self.cell(name).as_str().map(str::to_owned)
    }

    pub(super) fn text(&self, name: &str) -> Result<String> {
        self.opt_text(name).ok_or_else(|| self.wrong(name))
    }

    pub(super) fn opt_int(&self, name: &str) -> Option<i64> {
        self.cell(name).as_i64()
    }

    pub(super) fn int<T: TryFrom<i64>>(&self, name: &str) -> Result<T> {
        let number = self.opt_int(name).and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| self.wrong(name))
    }

    pub(super) fn opt_id<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let id = self.cell(name).as_str().map(T::from_str);
        id.transpose().map_err(|_| self.wrong(name))
    }

    pub(super) fn id<T: FromStr>(&self, name: &str) -> Result<T> {
        self.opt_id(name)?.ok_or_else(|| self.wrong(name))
    }

    pub(super) fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<T> {
        serde_json::from_str(&self.text(name)?).map_err(|_| self.wrong(name))
    }

    fn content(&self) -> Result<Content> {
        Ok(Content {
            title: self.text("title")?,
            description: self.text("description")?,
            keywords: self.json("keywords_json")?,
            body_html: self.text("body_html")?,
            image_prompt: self.text("image_prompt")?,
            hooks: self.json("hooks_json")?,
            canonical_url: self.text("canonical_url")?,
            quality: self.json("quality_json")?,
            model: self.text("model")?,
            word_count: self.int("word_count")?,
        })
    }
}

impl State {
    fn take_in(&mut self, record: &Record) -> Result<()> {
        let cells = Cells(record);
        match record.shape().name {
            "content_op" => {
                let used_for = cells.text("request")?;
                let done = done(&cells, &used_for)?;
                let at_ms = cells.int("at_ms")?;
                self.ops.insert(cells.id("op_id")?, OpRow { used_for, done, at_ms });
            }
            "content_metadata" => self.take_in_page(record, &cells)?,
            "content_revision" => {
                let revision = Revision {
                    version: cells.int("version")?,
                    op_id: cells.id("op_id")?,
                    status: status(&cells)?,
                    reason: cells.opt_text("reason"),
                    content_hash: cells.opt_text("content_hash"),
                    at_ms: cells.int("at_ms")?,
                };
                self.revisions
                    .insert((cells.id("content_id")?, revision.version), revision);
            }
            "outbox" => {
                let row = outbox::Row::from_row(&cells)?;
                self.outbox.insert(row.id(), row);
            }
            "post_ledger" => {
                let row = post(&cells)?;
                let idem_key = row.record.key.idempotency_key();
                if self.post_keys.contains_key(&idem_key) {
                    return Err(record.differs(STORE));
                }
                self.post_keys.insert(idem_key, row.record.id);
                self.posts.insert(row.record.id, row);
            }
            "spend_ledger" => {
                let spend = NewSpend {
                    page_id: cells.opt_id("page_id")?,
                    campaign: String::new(),
                    purpose: cells.text("purpose")?,
                    provider: cells.text("provider")?,
                    model: cells.text("model")?,
                    input_tokens: cells.opt_int("input_tokens").and_then(|tokens| tokens.try_into().ok()),
                    output_tokens: cells.opt_int("output_tokens").and_then(|tokens| tokens.try_into().ok()),
                    cost_micros: cells.opt_int("cost_micros").and_then(|micros| micros.try_into().ok()),
                    outcome: cells.text("outcome")?,
                };
                let (site, at_ms) = (cells.opt_text("site"), cells.int("at_ms")?);
                self.spend.insert(cells.text("id")?, spend::Row { spend, site, at_ms });
            }
            "spend_campaign" => {
                let row = self.spend.get_mut(&cells.text("spend_id")?);
                let row = row.ok_or_else(|| text::invalid("record", "names a cost that is not there"))?;
                row.spend.campaign = cells.text("campaign")?;
            }
            "dead_letter" => {
                let row = dead_letters::Row::from_row(&cells)?;
                if self.dead_letters.values().any(|known| known.is_of(&row)) {
                    return Err(record.differs(STORE));
                }
                self.dead_letters.insert(cells.id("id")?, row);
            }
            "content_redirect" => {
                let place = (cells.text("site")?, cells.text("locale")?, cells.text("slug")?);
                self.redirects
                    .insert(place, (cells.opt_id("page_id")?, cells.int("at_ms")?));
            }
            "content_lock" => {
                let fields: Vec<Field> = cells.json("fields_json")?;
                self.locks.insert(cells.id("content_id")?, fields);
            }
            "content_snapshot" => {
                let kept = Snapshot {
                    content: cells.content()?,
                    hash: cells.text("content_hash")?,
                    at_ms: cells.int("at_ms")?,
                };
                self.snapshots
                    .insert((cells.id("content_id")?, cells.int("version")?), kept);
            }
            other => return Err(text::invalid("record", format!("is of the table `{other}`"))),
        }
        Ok(())
    }

    fn take_in_page(&mut self, record: &Record, cells: &Cells<'_>) -> Result<()> {
        let content_hash = cells.opt_text("content_hash");
        let page = Page {
            id: cells.id("id")?,
            site: cells.text("site")?,
            locale: cells.text("locale")?,
            slug: cells.text("slug")?,
            row_key: cells.text("row_key")?,
            primary_keyword: cells.text("primary_keyword")?,
            topic: cells.json("topic_json")?,
            status: status(cells)?,
            version: cells.int("version")?,
            attempts: cells.int("attempts")?,
            last_error: cells.opt_text("last_error"),
            not_before_ms: cells.opt_int("not_before_ms"),
            lease_owner: cells.opt_text("lease_owner"),
            lease_until_ms: cells.opt_int("lease_until_ms"),
            content: content_hash.is_some().then(|| cells.content()).transpose()?,
            content_hash,
            created_at_ms: cells.int("created_at_ms")?,
            updated_at_ms: cells.int("updated_at_ms")?,
            published_at_ms: cells.opt_int("published_at_ms"),
            modified_at_ms: cells.opt_int("modified_at_ms"),
        };
        let places = [&page.row_key, &page.slug, &page.primary_keyword].map(|value| place(&page, value));
        let maps = [&mut self.row_keys, &mut self.slugs, &mut self.keywords];
        if maps.iter().zip(&places).any(|(map, place)| map.contains_key(place)) {
            return Err(record.differs(STORE));
        }
        for (map, place) in maps.into_iter().zip(places) {
            map.insert(place, page.id);
        }
        if matches!(page.status, Status::Planned | Status::Generating) {
            self.open.insert((page.site.clone(), page.created_at_ms, page.id));
        }
        let source_hash = cells.text("source_hash")?;
        self.pages.insert(page.id, PageRow { page, source_hash });
        Ok(())
    }
}

fn status(cells: &Cells<'_>) -> Result<Status> {
    Status::parse(&cells.text("status")?).ok_or_else(|| cells.wrong("status"))
}

/// What a repeat is answered from, by the words of the request.
fn done(cells: &Cells<'_>, request: &str) -> Result<Done> {
    let verb = request.split(' ').next().unwrap_or_default();
    Ok(match verb {
        "plan" => {
            let [created, unchanged, updated, existing] = cells.json("result")?;
            Done::Plan(PlanReport {
                created,
                updated,
                unchanged,
                existing,
            })
        }
        "claim" if request.starts_with("claim post ") => Done::Post,
        "claim" => match cells.json::<Vec<OutboxId>>("result")? {
            rows if rows.iter().any(|id| id.as_str().contains('/')) => Done::Outbox(rows),
            _ => Done::Pages(cells.json("result")?),
        },
        "mark" | "release" | "remove" => {
            let count = cells.text("result")?.parse();
            Done::Count(count.map_err(|_| cells.wrong("result"))?)
        }
        "save" | "move" | "edit" => {
            let page = request.split([' ', '@']).nth(1).map(PageId::from_str);
            Done::Page(page.transpose()?.ok_or_else(|| cells.wrong("request"))?)
        }
        "delete" => Done::Deleted,
        "take" => Done::DeadLetters(cells.json::<Vec<DeadLetterId>>("result")?),
        "dead" => Done::DeadLetter,
        "spend" => Done::Spend,
        "post" => Done::Post,
        _ => return Err(cells.wrong("request")),
    })
}

fn post(cells: &Cells<'_>) -> Result<PostRow> {
    let status = PostStatus::parse(&cells.text("status")?).ok_or_else(|| cells.wrong("status"))?;
    let record = PostRecord {
        id: cells.id("id")?,
        key: PostKey {
            page_id: cells.id("page_id")?,
            target: cells.text("target")?,
            account: cells.text("account")?,
            campaign: cells.text("campaign")?,
        },
        site: cells.text("site")?,
        status,
        version: cells.int("version")?,
        attempts: cells.int("attempts")?,
        text: cells.opt_text("post_text"),
        payload: cells.json("payload_json")?,
        not_before_ms: cells.opt_int("not_before_ms"),
        claim_owner: cells.opt_text("claim_owner"),
        claim_until_ms: cells.opt_int("claim_until_ms"),
        remote_id: cells.opt_text("remote_id"),
        url: cells.opt_text("remote_url"),
        evidence: cells.json("evidence_json")?,
        last_error: cells.opt_text("last_error"),
        in_flight_at_ms: cells.opt_int("in_flight_at_ms"),
        posted_at_ms: cells.opt_int("posted_at_ms"),
        created_at_ms: cells.int("created_at_ms")?,
        updated_at_ms: cells.int("updated_at_ms")?,
    };
    let last_op: OpId = cells.id("last_op_id")?;
    Ok(PostRow { record, last_op })
}
