//! Dead letters.

use super::{
    Attempt, Batch, Cells, Landed, Origin, Row, Statement, Value, begin, mark, rows_json, skip_locked, statement,
};
use crate::{
    Cursor, DeadLetter, DeadLetterClaim, DeadLetterId, DeadLetterList, NewDeadLetter, Op, Result, check, request,
};

macro_rules! letter_columns {
    () => {
        "d.id, d.queue, d.message_id, d.body_json, d.reason, d.attempts, d.last_error, d.first_enqueued_ms, \
         d.dead_at_ms, d.claim_owner, d.claim_until_ms"
    };
}

fn letter(origin: &Origin, row: Row) -> Result<DeadLetter> {
    let mut cells = Cells::new(origin, row);
    Ok(DeadLetter {
        id: cells.id()?,
        letter: NewDeadLetter {
            queue: cells.text()?,
            message_id: cells.text()?,
            body: cells.json_text()?,
            reason: cells.text()?,
            attempts: cells.count()?,
            last_error: cells.opt_text()?,
            first_enqueued_ms: cells.int()?,
        },
        dead_at_ms: cells.int()?,
        claim_owner: cells.opt_text()?,
        claim_until_ms: cells.opt_int()?,
    })
}

const RECORD: &str = begin!(keep: "NULL", when: "1 = 1");

const PUT: &str = concat!(
    "INSERT INTO dead_letter (id, queue, message_id, body_json, reason, attempts, last_error, first_enqueued_ms, ",
    "dead_at_ms) SELECT ?3, ?4, ?5, ?6, ?7, CAST(?8 AS BIGINT), ?9, CAST(?10 AS BIGINT), CAST(?11 AS BIGINT) WHERE ",
    mark!(),
    " ON CONFLICT (queue, message_id) DO UPDATE SET body_json = excluded.body_json, reason = excluded.reason, ",
    "attempts = excluded.attempts, last_error = excluded.last_error, dead_at_ms = excluded.dead_at_ms, ",
    "claim_owner = NULL, claim_until_ms = NULL"
);

const BY_MESSAGE: &str = concat!(
    "SELECT ",
    letter_columns!(),
    " FROM dead_letter d WHERE d.queue = ?1 AND d.message_id = ?2"
);

pub(crate) fn record(origin: &Origin, op: &Op, new: &NewDeadLetter) -> Batch<DeadLetter> {
    let attempt = Attempt::new(origin, op, request::dead_letter(new));
    let put: [Value; 9] = [
        DeadLetterId::new().to_string().into(),
        (&new.queue).into(),
        (&new.message_id).into(),
        check::json_string(&new.body).into(),
        (&new.reason).into(),
        new.attempts.into(),
        new.last_error.as_ref().into(),
        new.first_enqueued_ms.into(),
        op.at_ms.into(),
    ];
    let statements = vec![
        attempt.begin(RECORD, []),
        attempt.then(PUT, put),
        attempt.ask(),
        statement(BY_MESSAGE, [(&new.queue).into(), (&new.message_id).into()]),
    ];
    let message_id = new.message_id.clone();
    Batch::new(statements, move |mut answers| {
        attempt.landed(answers.last(1))?;
        let row = answers.last(0).into_iter().next();
        let row = row.ok_or_else(|| attempt.origin.missing("dead letter", message_id))?;
        letter(&attempt.origin, row)
    })
}

/// One row more than asked for tells whether there is a next piece.
pub(crate) fn list(
    origin: &Origin,
    queue: Option<&str>,
    filter: String,
    after: Option<String>,
    limit: usize,
) -> Batch<DeadLetterList> {
    let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut sql = concat!("SELECT ", letter_columns!(), " FROM dead_letter d WHERE d.id > ?1").to_owned();
    let mut args: Vec<Value> = vec![after.unwrap_or_default().into(), more.into()];
    if let Some(queue) = queue {
        args.push(queue.into());
        sql += " AND d.queue = ?3";
    }
    sql += " ORDER BY d.id LIMIT CAST(?2 AS BIGINT)";
    let origin = origin.clone();
    Batch::new(vec![Statement { sql: sql.into(), args }], move |mut answers| {
        let rows = answers.last(0);
        let has_more = rows.len() > limit;
        let read = |row| letter(&origin, row);
        let items = rows.into_iter().take(limit).map(read).collect::<Result<Vec<_>>>()?;
        let next = items
            .last()
            .filter(|_| has_more)
            .map(|letter| Cursor::after(&filter, &letter.id.to_string()));
        Ok(DeadLetterList { items, next })
    })
}

const CLAIM: &str = begin!(
    keep: concat!(
        "(SELECT json_group_array(id) FROM (SELECT d.id FROM dead_letter d WHERE d.id IN ",
        "(SELECT value FROM json_each(?5)) AND COALESCE(d.claim_until_ms, 0) <= CAST(?4 AS BIGINT) ORDER BY d.id ",
        skip_locked!(), ") AS free)"
    ),
    when: "1 = 1"
);

const TAKE: &str = concat!(
    "UPDATE dead_letter SET claim_owner = ?3, claim_until_ms = CAST(?4 AS BIGINT), last_op_id = ?1 WHERE id IN ",
    "(SELECT value FROM json_each((SELECT result FROM content_op WHERE op_id = ?1 AND nonce = ?2)))"
);

const TAKEN: &str = concat!(
    "SELECT ",
    letter_columns!(),
    " FROM dead_letter d WHERE d.last_op_id = ?1 AND d.claim_owner IS NOT NULL AND d.id IN ",
    "(SELECT value FROM json_each((SELECT result FROM content_op WHERE op_id = ?1))) ORDER BY d.id"
);

pub(crate) fn take(origin: &Origin, op: &Op, claim: &DeadLetterClaim, until_ms: i64) -> Batch<Vec<DeadLetter>> {
    let attempt = Attempt::new(origin, op, request::dead_letters("take", &claim.owner, &claim.ids));
    let statements = vec![
        attempt.begin(CLAIM, [ids_json(&claim.ids)]),
        attempt.then(TAKE, [(&claim.owner).into(), until_ms.into()]),
        attempt.ask(),
        statement(TAKEN, [attempt.op()]),
    ];
    Batch::new(statements, move |mut answers| {
        attempt.landed(answers.last(1))?;
        let read = |row| letter(&attempt.origin, row);
        answers.last(0).into_iter().map(read).collect()
    })
}

macro_rules! held {
    ($owner:literal, $ids:literal, $now:literal) => {
        concat!(
            "id IN (SELECT value FROM json_each(",
            $ids,
            ")) AND CASE WHEN ",
            $owner,
            " = '' THEN ",
            "COALESCE(claim_until_ms, 0) <= CAST(",
            $now,
            " AS BIGINT) ELSE claim_owner = ",
            $owner,
            " END"
        )
    };
}

const LET_GO: &str = begin!(
    keep: concat!("(SELECT CAST(count(*) AS TEXT) FROM dead_letter WHERE ", held!("?5", "?6", "?4"), ")"),
    when: "1 = 1"
);

const REMOVE: &str = concat!(
    "DELETE FROM dead_letter WHERE ",
    held!("?3", "?4", "?5"),
    " AND ",
    mark!()
);

pub(crate) fn remove(origin: &Origin, op: &Op, owner: Option<&str>, ids: &[DeadLetterId]) -> Batch<u64> {
    // No owner has an empty name.
    let owner = owner.unwrap_or_default();
    let attempt = Attempt::new(origin, op, request::dead_letters("remove", owner, ids));
    let statements = vec![
        attempt.begin(LET_GO, [owner.into(), ids_json(ids)]),
        attempt.then(REMOVE, [owner.into(), ids_json(ids), op.at_ms.into()]),
        attempt.ask(),
    ];
    Batch::new(statements, move |mut answers| {
        let count = match attempt.landed(answers.last(0))? {
            Landed::Yes(Some(count)) => count.parse().ok(),
            Landed::Yes(None) | Landed::No => None,
        };
        count.ok_or_else(|| {
            attempt
                .origin
                .corrupt("the record of a removed dead letter is not readable")
        })
    })
}

fn ids_json(ids: &[DeadLetterId]) -> Value {
    rows_json(ids.iter().map(|id| id.to_string().into()).collect())
}

pub(crate) fn count(origin: &Origin, queue: Option<&str>) -> Batch<u64> {
    let ask = match queue {
        None => statement("SELECT count(*) FROM dead_letter", []),
        Some(queue) => statement("SELECT count(*) FROM dead_letter d WHERE d.queue = ?1", [queue.into()]),
    };
    let origin = origin.clone();
    Batch::new(vec![ask], move |mut answers| {
        Cells::new(&origin, answers.last(0).into_iter().next().unwrap_or_default()).count()
    })
}
