//! Pages written: claim, save, transition.

use super::page_reads::{GET, one_page, page, page_columns};
use super::{
    Answers, Attempt, Batch, Landed, Origin, Statement, Value, begin, mark, outbox, skip_locked, spend, statement,
    version,
};
use crate::{Claim, Op, Page, PageRef, SavePage, Status, Transition, check, request};

/// A page that may be claimed at `?4`. The first condition names the partial index.
macro_rules! claimable {
    () => {
        "c.status IN ('planned', 'generating') AND \
         ((c.status = 'planned' AND COALESCE(c.not_before_ms, 0) <= CAST(?4 AS BIGINT)) OR \
         (c.status = 'generating' AND COALESCE(c.lease_until_ms, 0) <= CAST(?4 AS BIGINT)))"
    };
}

/// The ids that this attempt chose.
macro_rules! chosen {
    () => {
        "(SELECT value FROM json_each((SELECT result FROM content_op WHERE op_id = ?1 AND nonce = ?2)))"
    };
}

macro_rules! revise {
    () => {
        "INSERT INTO content_revision (content_id, version, op_id, reason, status, content_hash, at_ms) "
    };
}

const CLAIM: &str = begin!(
    keep: concat!(
        "(SELECT json_group_array(id) FROM (SELECT c.id FROM content_metadata c WHERE c.site = ?5 AND ", claimable!(),
        " AND c.attempts < CAST(?6 AS BIGINT) ORDER BY c.created_at_ms, c.id LIMIT CAST(?7 AS BIGINT) ", skip_locked!(), ") AS free)"
    ),
    when: concat!("EXISTS (SELECT 1 FROM content_metadata c WHERE c.site = ?5 AND ", claimable!(), ")")
);

const REVISE_GIVEN_UP: &str = concat!(
    revise!(),
    "SELECT c.id, c.version + 1, ?1, COALESCE(c.last_error, ?6), 'failed', c.content_hash, CAST(?4 AS BIGINT) ",
    "FROM content_metadata c WHERE c.site = ?3 AND ",
    claimable!(),
    " AND c.attempts >= CAST(?5 AS BIGINT) AND ",
    mark!()
);

const GIVE_UP: &str = concat!(
    "UPDATE content_metadata AS c SET status = 'failed', version = version + 1, last_error = COALESCE(last_error, ?6), ",
    "lease_owner = NULL, lease_until_ms = NULL, not_before_ms = NULL, updated_at_ms = CAST(?4 AS BIGINT) ",
    "WHERE c.site = ?3 AND ",
    claimable!(),
    " AND c.attempts >= CAST(?5 AS BIGINT) AND ",
    mark!()
);

const LEASE: &str = concat!(
    "UPDATE content_metadata SET status = 'generating', version = version + 1, attempts = attempts + 1, ",
    "lease_owner = ?3, lease_until_ms = CAST(?4 AS BIGINT), not_before_ms = NULL, updated_at_ms = CAST(?5 AS BIGINT) ",
    "WHERE id IN ",
    chosen!()
);

const REVISE_LEASED: &str = concat!(
    revise!(),
    "SELECT c.id, c.version, ?1, NULL, c.status, c.content_hash, CAST(?3 AS BIGINT) ",
    "FROM content_metadata c WHERE c.id IN ",
    chosen!()
);

const CLAIMED: &str = concat!(
    "SELECT ",
    page_columns!(),
    " FROM content_metadata c JOIN content_revision r ON r.content_id = c.id ",
    "AND r.version = c.version WHERE r.op_id = ?1 AND c.id IN ",
    "(SELECT value FROM json_each((SELECT result FROM content_op WHERE op_id = ?1))) ORDER BY c.created_at_ms, c.id"
);

pub(crate) fn claim(origin: &Origin, op: &Op, claim: &Claim, until_ms: i64) -> Batch<Vec<Page>> {
    let attempt = Attempt::new(origin, op, request::claim(claim));
    let give_up = || -> [Value; 4] {
        [
            (&claim.site).into(),
            op.at_ms.into(),
            claim.max_attempts.into(),
            check::GAVE_UP.into(),
        ]
    };
    let statements = vec![
        attempt.begin(
            CLAIM,
            [(&claim.site).into(), claim.max_attempts.into(), claim.limit.into()],
        ),
        attempt.then(REVISE_GIVEN_UP, give_up()),
        attempt.then(GIVE_UP, give_up()),
        attempt.then(LEASE, [(&claim.owner).into(), until_ms.into(), op.at_ms.into()]),
        attempt.then(REVISE_LEASED, [op.at_ms.into()]),
        attempt.ask(),
        statement(CLAIMED, [attempt.op()]),
    ];
    Batch::new(statements, move |mut answers| {
        match attempt.landed(answers.last(1))? {
            Landed::No => Ok(Vec::new()),
            Landed::Yes(_) => answers
                .last(0)
                .into_iter()
                .map(|row| page(&attempt.origin, row))
                .collect(),
        }
    })
}

/// The op lands when the page is at the version and one of the statuses `?7`.
const STEP: &str = begin!(
    keep: "NULL",
    when: "EXISTS (SELECT 1 FROM content_metadata WHERE id = ?5 AND version = CAST(?6 AS BIGINT) \
           AND status IN (SELECT value FROM json_each(?7)))"
);

const SAVE: &str = concat!(
    "UPDATE content_metadata SET status = ?4, version = version + 1, updated_at_ms = CAST(?5 AS BIGINT), ",
    "last_error = NULL, lease_owner = NULL, lease_until_ms = NULL, not_before_ms = NULL, ",
    "published_at_ms = CASE WHEN published_at_ms IS NULL AND ?4 = 'published' THEN CAST(?5 AS BIGINT) ",
    "ELSE published_at_ms END, ",
    "modified_at_ms = CASE WHEN content_hash = ?6 THEN modified_at_ms ELSE CAST(?5 AS BIGINT) END, ",
    "content_hash = ?6, title = ?7, description = ?8, keywords_json = ?9, image_prompt = ?10, hooks_json = ?11, ",
    "canonical_url = ?12, quality_json = ?13, model = ?14, word_count = CAST(?15 AS BIGINT), body_html = ?16 ",
    "WHERE id = ?3 AND ",
    mark!()
);

const TRANSITION: &str = concat!(
    "UPDATE content_metadata SET status = ?4, version = version + 1, updated_at_ms = CAST(?5 AS BIGINT), ",
    "last_error = ?6, lease_owner = NULL, lease_until_ms = NULL, not_before_ms = CAST(?7 AS BIGINT), ",
    "attempts = CASE WHEN ?4 = 'planned' AND status <> 'generating' THEN 0 ELSE attempts - CAST(?8 AS BIGINT) END, ",
    "published_at_ms = CASE WHEN published_at_ms IS NULL AND ?4 = 'published' THEN CAST(?5 AS BIGINT) ",
    "ELSE published_at_ms END WHERE id = ?3 AND ",
    mark!()
);

const REVISE: &str = concat!(
    revise!(),
    "SELECT c.id, c.version, ?1, ?4, c.status, c.content_hash, CAST(?5 AS BIGINT) ",
    "FROM content_metadata c WHERE c.id = ?3 AND ",
    mark!()
);

pub(crate) fn save(origin: &Origin, op: &Op, page: &PageRef, save: &SavePage) -> Batch<Page> {
    let content = &save.content;
    let attempt = Attempt::new(origin, op, request::page("save", page, save.to));
    let change = attempt.then(
        SAVE,
        [
            page.id.to_string().into(),
            save.to.as_str().into(),
            op.at_ms.into(),
            check::content_hash(content).into(),
            (&content.title).into(),
            (&content.description).into(),
            list_json(&content.keywords),
            (&content.image_prompt).into(),
            list_json(&content.hooks),
            (&content.canonical_url).into(),
            content.quality.to_string().into(),
            (&content.model).into(),
            content.word_count.into(),
            (&content.body_html).into(),
        ],
    );
    let with = (save.outbox.as_slice(), save.spend.as_slice());
    step(attempt, page, save.to, check::may_save, change, None, with)
}

pub(crate) fn transition(origin: &Origin, op: &Op, page: &PageRef, change: &Transition) -> Batch<Page> {
    let attempt = Attempt::new(origin, op, request::page("move", page, change.to));
    let last_error = change.reason.as_deref().filter(|_| check::keeps_reason(change.to));
    let update = attempt.then(
        TRANSITION,
        [
            page.id.to_string().into(),
            change.to.as_str().into(),
            op.at_ms.into(),
            last_error.into(),
            change.not_before_ms.into(),
            u32::from(change.release).into(),
        ],
    );
    let with = (change.outbox.as_slice(), change.spend.as_slice());
    step(
        attempt,
        page,
        change.to,
        Status::may_transition,
        update,
        change.reason.as_deref(),
        with,
    )
}

fn step(
    attempt: Attempt,
    page: &PageRef,
    to: Status,
    legal: fn(Status, Status) -> bool,
    change: Statement,
    reason: Option<&str>,
    (messages, costs): (&[crate::NewOutbox], &[crate::NewSpend]),
) -> Batch<Page> {
    let from: Vec<_> = Status::ALL
        .into_iter()
        .filter(|from| legal(*from, to))
        .map(Status::as_str)
        .collect();
    let id: Value = page.id.to_string().into();
    let version = version(page.version);
    let mut statements = vec![
        attempt.begin(STEP, [id.clone(), version, serde_json::json!(from).to_string().into()]),
        change,
        attempt.then(REVISE, [id.clone(), reason.into(), attempt.op.at_ms.into()]),
    ];
    statements.extend(outbox::insert(&attempt, page.id, messages));
    statements.extend(spend::insert(&attempt, Some(page.id), costs));
    statements.extend([attempt.ask(), statement(GET, [id])]);
    let page = *page;
    Batch::new(statements, move |mut answers: Answers| {
        let origin = &attempt.origin;
        let landed = attempt.landed(answers.last(1))?;
        let Some(found) = one_page(origin, answers.last(0))? else {
            return Err(origin.missing("page", page.id));
        };
        if matches!(landed, Landed::No) {
            check::page_step(origin.store, &page, (found.version, found.status), to, legal)?;
            return Err(origin.corrupt("a legal step was not taken"));
        }
        Ok(found)
    })
}

fn list_json(list: &[String]) -> Value {
    serde_json::json!(list).to_string().into()
}
