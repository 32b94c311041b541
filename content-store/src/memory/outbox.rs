use async_trait::async_trait;

use serde_json::{Value, json};

use super::transfer::Cells;
use super::{Done, MemoryStore, State};
use crate::{NewOutbox, Op, Outbox, OutboxClaim, OutboxCounts, OutboxId, OutboxRow, PageId, Result, limits, text};
use crate::{check, request};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Pending,
    Claimed,
    Sent,
    Dead,
}

#[derive(Debug)]
pub(super) struct Row {
    row: OutboxRow,
    standing: Standing,
    available_at_ms: i64,
    owner: Option<String>,
    until_ms: i64,
    last_op: Option<crate::OpId>,
    last_error: Option<String>,
}

impl Row {
    pub(super) fn new(op: &Op, id: OutboxId, page_id: PageId, new: &NewOutbox) -> Self {
        let (topic, payload) = (new.topic.clone(), new.payload.clone());
        Self {
            row: OutboxRow {
                id,
                topic,
                page_id,
                payload,
                attempts: 0,
                created_at_ms: op.at_ms,
            },
            standing: Standing::Pending,
            available_at_ms: op.at_ms,
            owner: None,
            until_ms: 0,
            last_op: None,
            last_error: None,
        }
    }

    fn free(&self, now_ms: i64) -> bool {
        match self.standing {
            Standing::Pending => self.available_at_ms <= now_ms,
            Standing::Claimed => self.until_ms <= now_ms,
            Standing::Sent | Standing::Dead => false,
        }
    }

    pub(super) fn id(&self) -> OutboxId {
        self.row.id.clone()
    }

    pub(super) fn to_row(&self) -> Value {
        let status = match self.standing {
            Standing::Pending => "pending",
            Standing::Claimed => "claimed",
            Standing::Sent => "sent",
            Standing::Dead => "dead",
        };
        json!({
            "id": self.row.id, "topic": self.row.topic, "page_id": self.row.page_id,
            "payload_json": self.row.payload.to_string(), "status": status, "attempts": self.row.attempts,
            "available_at_ms": self.available_at_ms, "claim_owner": self.owner,
            "claim_until_ms": self.owner.is_some().then_some(self.until_ms), "last_op_id": self.last_op,
            "last_error": self.last_error, "created_at_ms": self.row.created_at_ms,
        })
    }

    pub(super) fn from_row(cells: &Cells<'_>) -> Result<Self> {
        let standing = match cells.text("status")?.as_str() {
            "pending" => Standing::Pending,
            "claimed" => Standing::Claimed,
            "sent" => Standing::Sent,
            _ => Standing::Dead,
        };
        Ok(Self {
            row: OutboxRow {
                id: serde_json::from_value(cells.text("id")?.into())
                    .map_err(|_| text::invalid("record", "has no good id"))?,
                topic: cells.text("topic")?,
                page_id: cells.id("page_id")?,
                payload: cells.json("payload_json")?,
                attempts: cells.int("attempts")?,
                created_at_ms: cells.int("created_at_ms")?,
            },
            standing,
            available_at_ms: cells.int("available_at_ms")?,
            owner: cells.opt_text("claim_owner"),
            until_ms: cells.opt_int("claim_until_ms").unwrap_or(0),
            last_op: cells.opt_id("last_op_id")?,
            last_error: cells.opt_text("last_error"),
        })
    }

    pub(super) fn is_sent(&self) -> bool {
        self.standing == Standing::Sent
    }

    pub(super) fn page_id(&self) -> PageId {
        self.row.page_id
    }

    /// When it was written and its id, once it is sent.
    pub(super) fn sent(&self) -> Option<(i64, OutboxId)> {
        self.is_sent().then(|| (self.row.created_at_ms, self.row.id.clone()))
    }

    fn held_by(&self, owner: &str) -> bool {
        self.standing == Standing::Claimed && self.owner.as_deref() == Some(owner)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn claim_outbox(&self, op: &Op, claim: &OutboxClaim) -> Result<Vec<OutboxRow>> {
        let until_ms = check::outbox_claim(op, claim)?;
        self.once(
            op,
            request::claim_outbox(claim),
            |state| Ok(state.claim_outbox(op, claim, until_ms)),
            |state, done| {
                let Some(Done::Outbox(ids)) = done else {
                    return Ok(Vec::new());
                };
                let ours = ids.iter().filter_map(|id| state.outbox.get(id));
                Ok(ours
                    .filter(|row| row.last_op == Some(op.id))
                    .map(|row| row.row.clone())
                    .collect())
            },
        )
    }

    async fn mark_sent(&self, op: &Op, owner: &str, ids: &[OutboxId]) -> Result<u64> {
        check::outbox_ids(op, owner, ids)?;
        self.once(
            op,
            request::outbox("mark sent", owner, ids),
            |state| Ok(Some(state.let_go(op, owner, ids, |row| row.standing = Standing::Sent))),
            |_, done| Ok(count(done)),
        )
    }

    async fn release_outbox(
        &self,
        op: &Op,
        owner: &str,
        ids: &[OutboxId],
        error: &str,
        not_before_ms: i64,
    ) -> Result<u64> {
        check::outbox_ids(op, owner, ids)?;
        text::free("error", error, limits::TEXT)?;
        text::time("not_before_ms", not_before_ms)?;
        let back = |row: &mut Row| {
            row.standing = Standing::Pending;
            row.available_at_ms = not_before_ms;
            row.last_error = Some(error.to_owned());
        };
        self.once(
            op,
            request::outbox("release", owner, ids),
            |state| Ok(Some(state.let_go(op, owner, ids, back))),
            |_, done| Ok(count(done)),
        )
    }

    async fn outbox_counts(&self) -> Result<OutboxCounts> {
        let mut counts = OutboxCounts::default();
        for row in self.lock().outbox.values() {
            match row.standing {
                Standing::Pending => {
                    counts.pending += 1;
                    let at_ms = row.row.created_at_ms;
                    counts.oldest_pending_ms = Some(counts.oldest_pending_ms.map_or(at_ms, |old| old.min(at_ms)));
                }
                Standing::Claimed => counts.claimed += 1,
                Standing::Sent => counts.sent += 1,
                Standing::Dead => counts.dead += 1,
            }
        }
        Ok(counts)
    }
}

fn count(done: Option<&Done>) -> u64 {
    if let Some(Done::Count(count)) = done { *count } else { 0 }
}

impl State {
    fn claim_outbox(&mut self, op: &Op, claim: &OutboxClaim, until_ms: i64) -> Option<Done> {
        let mut free: Vec<_> = self.outbox.values_mut().filter(|row| row.free(op.at_ms)).collect();
        if free.is_empty() {
            return None;
        }
        free.sort_by(|one, other| (one.available_at_ms, &one.row.id).cmp(&(other.available_at_ms, &other.row.id)));
        let mut ids = Vec::new();
        for row in free {
            if row.row.attempts >= claim.max_attempts {
                row.standing = Standing::Dead;
                row.owner = None;
            } else if ids.len() < claim.limit as usize {
                row.standing = Standing::Claimed;
                row.row.attempts += 1;
                row.owner = Some(claim.owner.clone());
                row.until_ms = until_ms;
                row.last_op = Some(op.id);
                ids.push(row.row.id.clone());
            }
        }
        Some(Done::Outbox(ids))
    }

    fn let_go(&mut self, op: &Op, owner: &str, ids: &[OutboxId], change: impl Fn(&mut Row)) -> Done {
        let mut count = 0;
        for id in ids {
            if let Some(row) = self.outbox.get_mut(id).filter(|row| row.held_by(owner)) {
                change(row);
                row.owner = None;
                row.last_op = Some(op.id);
                count += 1;
            }
        }
        Done::Count(count)
    }
}
