//! Pages written: claim, save, transition.

use super::page_reads::{ANSWER, GET, answered_page, columns, head, one_page, page, page_columns, said, written};
use super::{
    Answers, Attempt, Batch, Cells, Landed, Origin, Statement, Value, among, begin, mark, outbox, skip_locked, spend,
    statement, statuses, version,
};
use crate::{Claim, Content, Field, Op, Page, PageRef, SavePage, Status, Transition, check, request};

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
        "INSERT OR FAIL INTO content_revision (content_id, version, op_id, reason, status, content_hash, at_ms) "
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
    when: concat!("EXISTS (SELECT 1 FROM content_metadata WHERE id = ?5 AND version = CAST(?6 AS BIGINT) AND ",among!("status", "?7"), ")")
);

/// As [`STEP`], for the first content of a page.
const FIRST: &str = begin!(
    keep: "NULL",
    when: concat!("EXISTS (SELECT 1 FROM content_metadata WHERE id = ?5 AND version = CAST(?6 AS BIGINT) AND ",among!("status", "?7"), " AND content_hash IS NULL)")
);

/// Content as [`written`] gives it, from `?6` on; `?5` is the time.
macro_rules! write_content {
    () => {
        "modified_at_ms = CASE WHEN content_hash = ?6 THEN modified_at_ms ELSE CAST(?5 AS BIGINT) END, \
         content_hash = ?6, title = ?7, description = ?8, keywords_json = ?9, image_prompt = ?10, hooks_json = ?11, \
         canonical_url = ?12, quality_json = ?13, model = ?14, word_count = CAST(?15 AS BIGINT), body_html = ?16 "
    };
}

pub(super) use write_content;

const SAVE: &str = concat!(
    "UPDATE content_metadata SET status = ?4, version = version + 1, updated_at_ms = CAST(?5 AS BIGINT), ",
    "last_error = NULL, lease_owner = NULL, lease_until_ms = NULL, not_before_ms = NULL, ",
    "published_at_ms = CASE WHEN published_at_ms IS NULL AND ?4 = 'published' THEN CAST(?5 AS BIGINT) ",
    "ELSE published_at_ms END, ",
    write_content!(),
    "WHERE id = ?3 AND ",
    mark!()
);

/// Keeps what other content is about to replace.
const KEEP: &str = concat!(
    "INSERT INTO content_snapshot (content_id, version, content_hash, title, description, keywords_json, image_prompt, ",
    "hooks_json, canonical_url, quality_json, model, word_count, at_ms, body_html) ",
    "SELECT c.id, c.version, c.content_hash, c.title, c.description, c.keywords_json, c.image_prompt, c.hooks_json, ",
    "c.canonical_url, c.quality_json, c.model, c.word_count, CAST(?5 AS BIGINT), c.body_html ",
    "FROM content_metadata c WHERE c.id = ?3 AND c.content_hash <> ?4 AND ",
    mark!()
);

/// `hash` is the new content's.
pub(super) fn keep(attempt: &Attempt, id: &Value, hash: &str) -> Statement {
    attempt.then(KEEP, [id.clone(), hash.into(), attempt.op.at_ms.into()])
}

const TRANSITION: &str = concat!(
    "UPDATE content_metadata SET status = ?4, version = version + 1, updated_at_ms = CAST(?5 AS BIGINT), ",
    "last_error = ?6, lease_owner = NULL, lease_until_ms = NULL, not_before_ms = CAST(?7 AS BIGINT), ",
    "attempts = CASE WHEN ?4 = 'planned' AND status <> 'generating' THEN 0 ELSE attempts - CAST(?8 AS BIGINT) END, ",
    "published_at_ms = CASE WHEN published_at_ms IS NULL AND ?4 = 'published' THEN CAST(?5 AS BIGINT) ",
    "ELSE published_at_ms END WHERE id = ?3 AND ",
    mark!()
);

pub(super) const REVISE: &str = concat!(
    revise!(),
    "SELECT c.id, c.version, ?1, ?4, c.status, c.content_hash, CAST(?5 AS BIGINT) ",
    "FROM content_metadata c WHERE c.id = ?3 AND ",
    mark!()
);

/// As [`REVISE`], for a change that brings the content it speaks of.
const REVISE_SAVED: &str = concat!(
    revise!(),
    "SELECT ?3, CAST(?4 AS BIGINT), ?1, NULL, ?5, ?6, CAST(?7 AS BIGINT) WHERE ",
    mark!()
);

/// What became of a save.
#[allow(clippy::large_enum_variant)] // made once, moved once
pub(crate) enum Saved {
    Done(Page),
    /// Nothing was written, because the page said this before, with these fields locked: save over it.
    Over(Content, Vec<Field>),
}

/// Saves the first content of a page, or (`over`) puts it in place of what the page said.
pub(crate) fn save(origin: &Origin, op: &Op, page: &PageRef, save: &SavePage, over: bool) -> Batch<Saved> {
    let attempt = Attempt::new(origin, op, request::page("save", page, save.to));
    let (id, to, at): (Value, Value, Value) = (page.id.into(), save.to.as_str().into(), op.at_ms.into());
    let hash = check::content_hash(&save.content);
    let mut change = attempt.then(SAVE, [id.clone(), to.clone(), at.clone()]);
    change.args.extend(written(&save.content, &hash));
    let mut statements = Vec::with_capacity(8);
    if over {
        statements.push(begin(&attempt, page, (STEP, save.to, check::may_save)));
        statements.push(keep(&attempt, &id, &hash));
    } else {
        statements.push(begin(&attempt, page, (FIRST, save.to, check::may_save)));
    }
    statements.push(change);
    let next = version(page.version.saturating_add(1));
    statements.push(attempt.then(REVISE_SAVED, [id.clone(), next, to, hash.into(), at]));
    statements.extend(outbox::insert(&attempt, page.id, &save.outbox));
    statements.extend(spend::insert(&attempt, Some(page.id), &save.spend));
    statements.push(attempt.then(ANSWER, [id]));
    let (page, to, content) = (*page, save.to, save.content.clone());
    Batch::new(statements, move |mut answers: Answers| {
        let origin = &attempt.origin;
        let mut cells = Cells::new(origin, answers.last(0).into_iter().next().unwrap_or_default());
        let landed = attempt.landed_in(&mut cells)?;
        let Some((found, locked)) = answered_page(&mut cells, content)? else {
            return Err(origin.missing("page", page.id));
        };
        if matches!(landed, Landed::Yes(_)) {
            return Ok(Saved::Done(found));
        }
        check::page_step(origin.store, &page, (found.version, found.status), to, check::may_save)?;
        match found.content {
            Some(content) if !over => Ok(Saved::Over(content, locked)),
            _ => Err(origin.corrupt("a legal step was not taken")),
        }
    })
}

pub(crate) fn transition(origin: &Origin, op: &Op, page: &PageRef, change: &Transition) -> Batch<Page> {
    let attempt = Attempt::new(origin, op, request::page("move", page, change.to));
    let last_error = change.reason.as_deref().filter(|_| check::keeps_reason(change.to));
    let update = attempt.then(
        TRANSITION,
        [
            page.id.into(),
            change.to.as_str().into(),
            op.at_ms.into(),
            last_error.into(),
            change.not_before_ms.into(),
            u32::from(change.release).into(),
        ],
    );
    let id: Value = page.id.into();
    let revise = [id.clone(), change.reason.as_ref().into(), op.at_ms.into()];
    let mut statements = vec![
        begin(&attempt, page, (STEP, change.to, Status::may_transition)),
        update,
        attempt.then(REVISE, revise),
    ];
    statements.extend(outbox::insert(&attempt, page.id, &change.outbox));
    statements.extend(spend::insert(&attempt, Some(page.id), &change.spend));
    statements.extend([attempt.ask(), statement(GET, [id])]);
    let (page, to) = (*page, change.to);
    Batch::new(statements, move |mut answers: Answers| {
        let origin = &attempt.origin;
        let landed = attempt.landed(answers.last(1))?;
        let Some(found) = one_page(origin, answers.last(0))? else {
            return Err(origin.missing("page", page.id));
        };
        if matches!(landed, Landed::No) {
            check::page_step(
                origin.store,
                &page,
                (found.version, found.status),
                to,
                Status::may_transition,
            )?;
            return Err(origin.corrupt("a legal step was not taken"));
        }
        Ok(found)
    })
}

/// Begins a step of the page to `to` from every status that it may start from.
fn begin(
    attempt: &Attempt,
    page: &PageRef,
    (sql, to, legal): (&'static str, Status, fn(Status, Status) -> bool),
) -> Statement {
    let from = statuses(Status::ALL.into_iter().filter(|from| legal(*from, to)));
    attempt.begin(sql, [page.id.into(), version(page.version), from])
}
