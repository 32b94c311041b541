//! The post ledger.

use serde_json::Value as Json;

use super::{Attempt, Batch, Cells, Landed, Origin, Row, Statement, Value, begin, mark, statement, version};
use crate::{
    Counts, Cursor, Op, PostClaim, PostId, PostKey, PostList, PostOutcome, PostQuery, PostRecord, PostRef, PostStatus,
    Result,
};
use crate::{check, request};

macro_rules! post_columns {
    () => {
        "p.id, p.page_id, p.target, p.account, p.campaign, p.site, p.status, p.version, p.attempts, p.post_text, \
         p.payload_json, p.not_before_ms, p.claim_owner, p.claim_until_ms, p.remote_id, p.remote_url, \
         p.evidence_json, p.last_error, p.in_flight_at_ms, p.posted_at_ms, p.created_at_ms, p.updated_at_ms, p.last_op_id"
    };
}

/// The record, and the op that wrote it.
fn record(origin: &Origin, row: Row) -> Result<(PostRecord, String)> {
    let mut cells = Cells::new(origin, row);
    let record = PostRecord {
        id: cells.id()?,
        key: PostKey {
            page_id: cells.id()?,
            target: cells.text()?,
            account: cells.text()?,
            campaign: cells.text()?,
        },
        site: cells.text()?,
        status: cells.post_status()?,
        version: cells.count()?,
        attempts: cells.count()?,
        text: cells.opt_text()?,
        payload: cells.json()?,
        not_before_ms: cells.opt_int()?,
        claim_owner: cells.opt_text()?,
        claim_until_ms: cells.opt_int()?,
        remote_id: cells.opt_text()?,
        url: cells.opt_text()?,
        evidence: cells.json()?,
        last_error: cells.opt_text()?,
        in_flight_at_ms: cells.opt_int()?,
        posted_at_ms: cells.opt_int()?,
        created_at_ms: cells.int()?,
        updated_at_ms: cells.int()?,
    };
    Ok((record, cells.text()?))
}

fn one(origin: &Origin, rows: Vec<Row>) -> Result<Option<(PostRecord, String)>> {
    rows.into_iter().next().map(|row| record(origin, row)).transpose()
}

const CLAIM: &str = begin!(
    keep: "NULL",
    when: "(EXISTS (SELECT 1 FROM content_metadata WHERE id = ?5) OR EXISTS (SELECT 1 FROM post_ledger \
           WHERE idem_key = ?6)) AND NOT EXISTS (SELECT 1 FROM post_ledger \
           WHERE idem_key = ?6 AND NOT (status IN ('claimed', 'in_flight', 'unknown', 'retry') \
           AND COALESCE(claim_until_ms, 0) <= CAST(?4 AS BIGINT) AND COALESCE(not_before_ms, 0) <= CAST(?4 AS BIGINT)))"
);

const CREATE: &str = concat!(
    "INSERT INTO post_ledger (id, idem_key, page_id, target, account, campaign, site, status, version, last_op_id, ",
    "attempts, payload_json, evidence_json, created_at_ms, updated_at_ms) ",
    "SELECT ?3, ?4, c.id, ?6, ?7, ?8, c.site, 'claimed', 0, ?1, 0, 'null', 'null', CAST(?9 AS BIGINT), CAST(?9 AS BIGINT) ",
    "FROM content_metadata c WHERE c.id = ?5 AND ",
    mark!(),
    " ON CONFLICT (idem_key) DO NOTHING"
);

const TAKE: &str = concat!(
    "UPDATE post_ledger SET status = CASE WHEN status IN ('in_flight', 'unknown') THEN 'unknown' ELSE 'claimed' END, ",
    "version = version + 1, last_op_id = ?1, claim_owner = ?4, claim_until_ms = CAST(?5 AS BIGINT), not_before_ms = NULL, ",
    "updated_at_ms = CAST(?6 AS BIGINT) WHERE idem_key = ?3 AND ",
    mark!()
);

const BY_KEY: &str = concat!("SELECT ", post_columns!(), " FROM post_ledger p WHERE p.idem_key = ?1");
const BY_ID: &str = concat!("SELECT ", post_columns!(), " FROM post_ledger p WHERE p.id = ?1");

pub(crate) fn claim(origin: &Origin, op: &Op, key: &PostKey, owner: &str, until_ms: i64) -> Batch<PostClaim> {
    let attempt = Attempt::new(origin, op, request::claim_post(key, owner));
    let idem_key = key.idempotency_key();
    let page_id = key.page_id.to_string();
    let create: [Value; 7] = [
        PostId::new().into(),
        (&idem_key).into(),
        (&page_id).into(),
        (&key.target).into(),
        (&key.account).into(),
        (&key.campaign).into(),
        op.at_ms.into(),
    ];
    let statements = vec![
        attempt.begin(CLAIM, [(&page_id).into(), (&idem_key).into()]),
        attempt.then(CREATE, create),
        attempt.then(
            TAKE,
            [(&idem_key).into(), owner.into(), until_ms.into(), op.at_ms.into()],
        ),
        attempt.ask(),
        statement(BY_KEY, [idem_key.into()]),
    ];
    Batch::new(statements, move |mut answers| {
        let landed = attempt.landed(answers.last(1))?;
        let Some((post, last_op)) = one(&attempt.origin, answers.last(0))? else {
            return Err(attempt.origin.missing("page", page_id));
        };
        let ours = matches!(landed, Landed::Yes(_)) && last_op == attempt.op.id.to_string();
        Ok(if ours {
            check::held(post)
        } else {
            check::moved_on(&post, attempt.op.at_ms)
        })
    })
}

/// The op lands when the post is at the version and one of the statuses `?7`.
const STEP: &str = begin!(
    keep: "NULL",
    when: "EXISTS (SELECT 1 FROM post_ledger WHERE id = ?5 AND version = CAST(?6 AS BIGINT) \
           AND status IN (SELECT value FROM json_each(?7)))"
);

const ARM: &str = concat!(
    "UPDATE post_ledger SET status = 'in_flight', version = version + 1, last_op_id = ?1, attempts = attempts + 1, ",
    "post_text = ?4, payload_json = ?5, claim_until_ms = CAST(?6 AS BIGINT), in_flight_at_ms = CAST(?7 AS BIGINT), ",
    "updated_at_ms = CAST(?7 AS BIGINT) WHERE id = ?3 AND ",
    mark!()
);

const SETTLE: &str = concat!(
    "UPDATE post_ledger SET status = ?4, version = version + 1, last_op_id = ?1, claim_owner = NULL, ",
    "claim_until_ms = NULL, not_before_ms = CAST(?6 AS BIGINT), last_error = ?7, ",
    "evidence_json = COALESCE(?8, evidence_json), remote_id = ?9, remote_url = ?10, ",
    "posted_at_ms = CASE WHEN ?4 = 'posted' THEN CAST(?5 AS BIGINT) END, updated_at_ms = CAST(?5 AS BIGINT) ",
    "WHERE id = ?3 AND ",
    mark!()
);

pub(crate) fn arm(
    origin: &Origin,
    op: &Op,
    post: &PostRef,
    text: &str,
    payload: &Json,
    until_ms: i64,
) -> Batch<PostRecord> {
    let attempt = Attempt::new(origin, op, request::post(post, PostStatus::InFlight));
    let id: Value = post.id.into();
    let args = [
        id,
        text.into(),
        payload.to_string().into(),
        until_ms.into(),
        op.at_ms.into(),
    ];
    let change = attempt.then(ARM, args);
    step(attempt, post, PostStatus::InFlight, check::may_arm, change)
}

pub(crate) fn settle(origin: &Origin, op: &Op, post: &PostRef, outcome: &PostOutcome) -> Batch<PostRecord> {
    let attempt = Attempt::new(origin, op, request::post(post, outcome.status()));
    // Not before, error, evidence, remote id, URL.
    let said: [Value; 5] = match outcome {
        PostOutcome::Posted { remote_id, url } => [
            Value::Null,
            Value::Null,
            Value::Null,
            remote_id.into(),
            url.as_ref().into(),
        ],
        PostOutcome::Retry { error, not_before_ms } => [
            (*not_before_ms).into(),
            error.into(),
            Value::Null,
            Value::Null,
            Value::Null,
        ],
        PostOutcome::Unknown {
            evidence,
            error,
            not_before_ms,
        } => [
            (*not_before_ms).into(),
            error.into(),
            evidence.to_string().into(),
            Value::Null,
            Value::Null,
        ],
        PostOutcome::Rejected { error } | PostOutcome::Parked { error } => {
            [Value::Null, error.into(), Value::Null, Value::Null, Value::Null]
        }
    };
    let mut change = attempt.then(
        SETTLE,
        [post.id.into(), outcome.status().as_str().into(), op.at_ms.into()],
    );
    change.args.extend(said);
    step(attempt, post, outcome.status(), PostStatus::may_settle, change)
}

fn step(
    attempt: Attempt,
    post: &PostRef,
    to: PostStatus,
    legal: fn(PostStatus, PostStatus) -> bool,
    change: Statement,
) -> Batch<PostRecord> {
    let from: Vec<_> = PostStatus::ALL
        .into_iter()
        .filter(|from| legal(*from, to))
        .map(PostStatus::as_str)
        .collect();
    let id: Value = post.id.into();
    let version = version(post.version);
    let statements = vec![
        attempt.begin(STEP, [id.clone(), version, serde_json::json!(from).to_string().into()]),
        change,
        attempt.ask(),
        statement(BY_ID, [id]),
    ];
    let post = *post;
    Batch::new(statements, move |mut answers| {
        let origin = &attempt.origin;
        let landed = attempt.landed(answers.last(1))?;
        let Some((found, _)) = one(origin, answers.last(0))? else {
            return Err(origin.missing("post", post.id));
        };
        if matches!(landed, Landed::No) {
            check::post_step(origin.store, &post, (found.version, found.status), to, legal)?;
            return Err(origin.corrupt("a legal step was not taken"));
        }
        Ok(found)
    })
}

pub(crate) fn get(origin: &Origin, key: &PostKey) -> Batch<Option<PostRecord>> {
    let origin = origin.clone();
    Batch::new(
        vec![statement(BY_KEY, [key.idempotency_key().into()])],
        move |mut answers| Ok(one(&origin, answers.last(0))?.map(|(post, _)| post)),
    )
}

/// One row more than asked for tells whether there is a next piece.
pub(crate) fn list(
    origin: &Origin,
    query: &PostQuery,
    filter: String,
    after: Option<String>,
    limit: usize,
) -> Batch<PostList> {
    let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut sql = concat!("SELECT ", post_columns!(), " FROM post_ledger p WHERE p.id > ?1").to_owned();
    let mut args: Vec<Value> = vec![after.unwrap_or_default().into(), more.into()];
    let page_id = query.page_id.map(|id| id.to_string());
    for (column, value) in [
        ("site", query.site.as_deref()),
        ("page_id", page_id.as_deref()),
        ("target", query.target.as_deref()),
        ("status", query.status.map(PostStatus::as_str)),
    ] {
        if let Some(value) = value {
            args.push(value.into());
            sql += &format!(" AND p.{column} = ?{}", args.len());
        }
    }
    sql += " ORDER BY p.id LIMIT CAST(?2 AS BIGINT)";
    let origin = origin.clone();
    Batch::new(vec![Statement { sql: sql.into(), args }], move |mut answers| {
        let rows = answers.last(0);
        let has_more = rows.len() > limit;
        let read = |row| record(&origin, row).map(|(post, _)| post);
        let items = rows.into_iter().take(limit).map(read).collect::<Result<Vec<_>>>()?;
        let next = items
            .last()
            .filter(|_| has_more)
            .map(|post| Cursor::after(&filter, &post.id.to_string()));
        Ok(PostList { items, next })
    })
}

pub(crate) fn counts(origin: &Origin) -> Batch<Counts<PostStatus>> {
    let origin = origin.clone();
    let ask = statement("SELECT p.status, count(*) FROM post_ledger p GROUP BY p.status", []);
    Batch::new(vec![ask], move |mut answers| {
        let read = |row| {
            let mut cells = Cells::new(&origin, row);
            Ok((cells.post_status()?, cells.count()?))
        };
        answers.last(0).into_iter().map(read).collect()
    })
}
