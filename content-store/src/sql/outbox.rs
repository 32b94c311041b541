//! The outbox.

use serde_json::json;

use super::{
    Attempt, Batch, Cells, Landed, Origin, Row, Statement, Value, begin, json_text, mark, rows_json, skip_locked,
    statement,
};
use crate::request;
use crate::{NewOutbox, Op, OutboxClaim, OutboxCounts, OutboxId, OutboxRow, PageId, Result};

const INSERT: &str = concat!(
    "INSERT INTO outbox (id, topic, page_id, payload_json, status, attempts, available_at_ms, created_at_ms) ",
    "SELECT n.value ->> 0, n.value ->> 1, ?3, n.value ->> 2, 'pending', 0, CAST(?4 AS BIGINT), CAST(?4 AS BIGINT) ",
    "FROM json_each(?5) n WHERE ",
    mark!()
);

/// As [`INSERT`], for one.
const INSERT_ONE: &str = concat!(
    "INSERT OR FAIL INTO outbox (id, topic, page_id, payload_json, status, attempts, available_at_ms, created_at_ms) ",
    "SELECT ?5, ?6, ?3, ?7, 'pending', 0, CAST(?4 AS BIGINT), CAST(?4 AS BIGINT) WHERE ",
    mark!()
);

/// The messages that go with a page, if there are any. Most pages send one, and a list of one costs more than it.
pub(super) fn insert(attempt: &Attempt, page: PageId, messages: &[NewOutbox]) -> Option<Statement> {
    if messages.is_empty() {
        return None;
    }
    let (page, at): (Value, Value) = (page.into(), attempt.op.at_ms.into());
    if let [message] = messages {
        let id = OutboxId::nth(&attempt.op.id, 0);
        let args = [
            page,
            at,
            id.as_str().into(),
            (&message.topic).into(),
            json_text(&message.payload),
        ];
        return Some(attempt.then(INSERT_ONE, args));
    }
    let row = |(n, row): (usize, &NewOutbox)| {
        json!([
            OutboxId::nth(&attempt.op.id, n).as_str(),
            row.topic,
            row.payload.to_string()
        ])
    };
    let rows = rows_json(messages.iter().enumerate().map(row).collect());
    Some(attempt.then(INSERT, [page, at, rows]))
}

/// A row that may be claimed at `?4`. The first condition names the partial index.
macro_rules! ready {
    () => {
        "status IN ('pending', 'claimed') AND ((status = 'pending' AND available_at_ms <= CAST(?4 AS BIGINT)) OR \
         (status = 'claimed' AND COALESCE(claim_until_ms, 0) <= CAST(?4 AS BIGINT)))"
    };
}

const CLAIM: &str = begin!(
    keep: concat!(
        "(SELECT json_group_array(id) FROM (SELECT id FROM outbox WHERE ", ready!(),
        " AND attempts < CAST(?5 AS BIGINT) ORDER BY available_at_ms, id LIMIT CAST(?6 AS BIGINT) ", skip_locked!(), ") AS free)"
    ),
    when: concat!("EXISTS (SELECT 1 FROM outbox WHERE ", ready!(), ")")
);

const BURY: &str = concat!(
    "UPDATE outbox SET status = 'dead', claim_owner = NULL, claim_until_ms = NULL WHERE ",
    ready!(),
    " AND attempts >= CAST(?3 AS BIGINT) AND ",
    mark!()
);

const LEASE: &str = concat!(
    "UPDATE outbox SET status = 'claimed', attempts = attempts + 1, claim_owner = ?3, ",
    "claim_until_ms = CAST(?4 AS BIGINT), last_op_id = ?1 WHERE id IN ",
    "(SELECT value FROM json_each((SELECT result FROM content_op WHERE op_id = ?1 AND nonce = ?2)))"
);

const CLAIMED: &str = "SELECT id, topic, page_id, payload_json, attempts, created_at_ms FROM outbox \
    WHERE last_op_id = ?1 AND id IN (SELECT value FROM json_each((SELECT result FROM content_op WHERE op_id = ?1))) \
    ORDER BY available_at_ms, id";

pub(crate) fn claim(origin: &Origin, op: &Op, claim: &OutboxClaim, until_ms: i64) -> Batch<Vec<OutboxRow>> {
    let attempt = Attempt::new(origin, op, request::claim_outbox(claim));
    let statements = vec![
        attempt.begin(CLAIM, [claim.max_attempts.into(), claim.limit.into()]),
        attempt.then(BURY, [claim.max_attempts.into(), op.at_ms.into()]),
        attempt.then(LEASE, [(&claim.owner).into(), until_ms.into()]),
        attempt.ask(),
        statement(CLAIMED, [attempt.op()]),
    ];
    Batch::new(statements, move |mut answers| {
        match attempt.landed(answers.last(1))? {
            Landed::No => Ok(Vec::new()),
            Landed::Yes(_) => answers
                .last(0)
                .into_iter()
                .map(|row| outbox_row(&attempt.origin, row))
                .collect(),
        }
    })
}

fn outbox_row(origin: &Origin, row: Row) -> Result<OutboxRow> {
    let mut cells = Cells::new(origin, row);
    Ok(OutboxRow {
        id: OutboxId::from_row(cells.text()?),
        topic: cells.text()?,
        page_id: cells.id()?,
        payload: cells.json()?,
        attempts: cells.count()?,
        created_at_ms: cells.int()?,
    })
}

macro_rules! held {
    ($owner:literal, $ids:literal) => {
        concat!(
            "status = 'claimed' AND claim_owner = ",
            $owner,
            " AND id IN (SELECT value FROM json_each(",
            $ids,
            "))"
        )
    };
}

const LET_GO: &str = begin!(
    keep: concat!("(SELECT CAST(count(*) AS TEXT) FROM outbox WHERE ", held!("?5", "?6"), ")"),
    when: "1 = 1"
);

const SENT: &str = concat!(
    "UPDATE outbox SET status = 'sent', claim_owner = NULL, claim_until_ms = NULL, last_op_id = ?1 WHERE ",
    held!("?3", "?4"),
    " AND ",
    mark!()
);

const RELEASE: &str = concat!(
    "UPDATE outbox SET status = 'pending', claim_owner = NULL, claim_until_ms = NULL, last_op_id = ?1, ",
    "last_error = ?5, available_at_ms = CAST(?6 AS BIGINT) WHERE ",
    held!("?3", "?4"),
    " AND ",
    mark!()
);

/// Ends claims: with `back`, rows wait with that error until that time; without, they are sent.
pub(crate) fn let_go(origin: &Origin, op: &Op, owner: &str, ids: &[OutboxId], back: Option<(&str, i64)>) -> Batch<u64> {
    let verb = if back.is_some() { "release" } else { "mark sent" };
    let attempt = Attempt::new(origin, op, request::outbox(verb, owner, ids));
    let json = || rows_json(ids.iter().map(|id| id.as_str().into()).collect());
    let change = match back {
        None => attempt.then(SENT, [owner.into(), json()]),
        Some((error, at_ms)) => attempt.then(RELEASE, [owner.into(), json(), error.into(), at_ms.into()]),
    };
    let statements = vec![attempt.begin(LET_GO, [owner.into(), json()]), change, attempt.ask()];
    Batch::new(statements, move |mut answers| {
        let count = match attempt.landed(answers.last(0))? {
            Landed::Yes(Some(count)) => count.parse().ok(),
            Landed::Yes(None) | Landed::No => None,
        };
        count.ok_or_else(|| {
            attempt
                .origin
                .corrupt("the record of a settled outbox row is not readable")
        })
    })
}

pub(crate) fn counts(origin: &Origin) -> Batch<OutboxCounts> {
    let origin = origin.clone();
    let sql = "SELECT status, count(*), min(created_at_ms) FROM outbox GROUP BY status";
    Batch::new(vec![statement(sql, [])], move |mut answers| {
        let mut counts = OutboxCounts::default();
        for row in answers.last(0) {
            let mut cells = Cells::new(&origin, row);
            let (status, count, oldest) = (cells.text()?, cells.count()?, cells.opt_int()?);
            match status.as_str() {
                "pending" => (counts.pending, counts.oldest_pending_ms) = (count, oldest),
                "claimed" => counts.claimed = count,
                "sent" => counts.sent = count,
                _ => counts.dead = count,
            }
        }
        Ok(counts)
    })
}
