use async_trait::async_trait;

use serde_json::{Value, json};

use super::transfer::Cells;
use super::{Done, MemoryStore, STORE};
use crate::{
    Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, DeadLetters, Error, NewDeadLetter, Op, OpId,
    Result, check, cursor, request, text,
};

#[derive(Debug)]
pub(super) struct Row {
    letter: DeadLetter,
    last_op: Option<OpId>,
}

impl Row {
    pub(super) fn is_of(&self, other: &Self) -> bool {
        let of = |row: &Self| (row.letter.letter.queue.clone(), row.letter.letter.message_id.clone());
        of(self) == of(other)
    }

    pub(super) fn to_row(&self) -> Value {
        let DeadLetter { id, letter, .. } = &self.letter;
        json!({
            "id": id, "queue": letter.queue, "message_id": letter.message_id, "reason": letter.reason,
            "attempts": letter.attempts, "last_error": letter.last_error,
            "first_enqueued_ms": letter.first_enqueued_ms, "dead_at_ms": self.letter.dead_at_ms,
            "claim_owner": self.letter.claim_owner, "claim_until_ms": self.letter.claim_until_ms,
            "last_op_id": self.last_op, "body_json": json!(letter.body).to_string(),
        })
    }

    pub(super) fn from_row(cells: &Cells<'_>) -> Result<Self> {
        let letter = NewDeadLetter {
            queue: cells.text("queue")?,
            message_id: cells.text("message_id")?,
            body: cells.json("body_json")?,
            reason: cells.text("reason")?,
            attempts: cells.int("attempts")?,
            last_error: cells.opt_text("last_error"),
            first_enqueued_ms: cells.int("first_enqueued_ms")?,
        };
        let letter = DeadLetter {
            id: cells.id("id")?,
            letter,
            dead_at_ms: cells.int("dead_at_ms")?,
            claim_owner: cells.opt_text("claim_owner"),
            claim_until_ms: cells.opt_int("claim_until_ms"),
        };
        let last_op = cells.opt_id("last_op_id")?;
        Ok(Self { letter, last_op })
    }
}

fn free(letter: &DeadLetter, now_ms: i64) -> bool {
    letter.claim_until_ms.is_none_or(|until| until <= now_ms)
}

#[async_trait]
impl DeadLetters for MemoryStore {
    async fn record_dead_letter(&self, op: &Op, new: &NewDeadLetter) -> Result<DeadLetter> {
        check::dead_letter(op, new)?;
        let same = |letter: &DeadLetter| letter.letter.queue == new.queue && letter.letter.message_id == new.message_id;
        self.once(
            op,
            request::dead_letter(new),
            |state| {
                let known = state.dead_letters.values().find(|row| same(&row.letter));
                let letter = DeadLetter {
                    id: known.map_or_else(DeadLetterId::new, |row| row.letter.id),
                    letter: NewDeadLetter {
                        first_enqueued_ms: known
                            .map_or(new.first_enqueued_ms, |row| row.letter.letter.first_enqueued_ms),
                        ..new.clone()
                    },
                    dead_at_ms: op.at_ms,
                    claim_owner: None,
                    claim_until_ms: None,
                };
                let last_op = known.and_then(|row| row.last_op);
                state.dead_letters.insert(letter.id, Row { letter, last_op });
                Ok(Some(Done::DeadLetter))
            },
            |state, _| {
                let found = state.dead_letters.values().find(|row| same(&row.letter));
                found.map(|row| row.letter.clone()).ok_or_else(|| Error::NotFound {
                    store: STORE,
                    what: "dead letter",
                    id: new.message_id.clone(),
                })
            },
        )
    }

    async fn list_dead_letters<'a>(
        &self,
        queue: Option<&'a str>,
        after: Option<&'a Cursor>,
        limit: u32,
    ) -> Result<DeadLetterList> {
        let limit = text::rows(limit)?;
        let filter = cursor::dead_letters_filter(queue);
        let after = after.map(|cursor| cursor.position(&filter)).transpose()?;
        let after: Option<DeadLetterId> = after.map(|id| id.parse()).transpose()?;
        let state = self.lock();
        let mut found = state.dead_letters.values().map(|row| &row.letter).filter(|letter| {
            after.is_none_or(|after| letter.id > after) && queue.is_none_or(|queue| letter.letter.queue == queue)
        });
        let items: Vec<_> = found.by_ref().take(limit).cloned().collect();
        let more = found.next().is_some();
        let next = items
            .last()
            .filter(|_| more)
            .map(|letter| Cursor::after(&filter, &letter.id.to_string()));
        Ok(DeadLetterList { items, next })
    }

    async fn take_dead_letters(&self, op: &Op, claim: &DeadLetterClaim) -> Result<Vec<DeadLetter>> {
        let until_ms = check::dead_letter_claim(op, claim)?;
        self.once(
            op,
            request::dead_letters("take", &claim.owner, &claim.ids),
            |state| {
                let mut ids = claim.ids.clone();
                ids.sort_unstable();
                ids.dedup();
                ids.retain(|id| {
                    state
                        .dead_letters
                        .get(id)
                        .is_some_and(|row| free(&row.letter, op.at_ms))
                });
                for id in &ids {
                    if let Some(row) = state.dead_letters.get_mut(id) {
                        row.letter.claim_owner = Some(claim.owner.clone());
                        row.letter.claim_until_ms = Some(until_ms);
                        row.last_op = Some(op.id);
                    }
                }
                Ok(Some(Done::DeadLetters(ids)))
            },
            |state, done| {
                let Some(Done::DeadLetters(ids)) = done else {
                    return Ok(Vec::new());
                };
                let ours = ids.iter().filter_map(|id| state.dead_letters.get(id));
                Ok(ours
                    .filter(|row| row.last_op == Some(op.id) && row.letter.claim_owner.is_some())
                    .map(|row| row.letter.clone())
                    .collect())
            },
        )
    }

    async fn remove_dead_letters<'a>(&self, op: &Op, owner: Option<&'a str>, ids: &[DeadLetterId]) -> Result<u64> {
        check::dead_letter_ids(op, owner, ids)?;
        self.once(
            op,
            request::dead_letters("remove", owner.unwrap_or_default(), ids),
            |state| {
                let before = state.dead_letters.len();
                state.dead_letters.retain(|id, row| {
                    let held = match owner {
                        Some(owner) => row.letter.claim_owner.as_deref() == Some(owner),
                        None => free(&row.letter, op.at_ms),
                    };
                    !(held && ids.contains(id))
                });
                Ok(Some(Done::Count((before - state.dead_letters.len()) as u64)))
            },
            |_, done| Ok(if let Some(Done::Count(count)) = done { *count } else { 0 }),
        )
    }

    async fn count_dead_letters<'a>(&self, queue: Option<&'a str>) -> Result<u64> {
        let state = self.lock();
        let wanted = state
            .dead_letters
            .values()
            .filter(|row| queue.is_none_or(|queue| row.letter.letter.queue == queue));
        Ok(wanted.count() as u64)
    }
}
