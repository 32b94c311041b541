//! People's changes: edit, delete, and what was said before.

use super::page_reads::{CONTENT, GET_LOCKED, columns, content, locked_page, read_content, said, written};
use super::pages::{REVISE, keep, write_content};
use super::{Answers, Attempt, Batch, Cells, Landed, Origin, Value, among, begin, mark, statement, statuses, version};
use crate::{Content, Edit, Error, Field, Op, Page, PageId, PageRef, check, request};

/// The op lands when the page is at the version and one of the statuses `?7`, and the slug `?8` is no other page's.
const STEP: &str = begin!(
    keep: "NULL",
    when: concat!(
        "EXISTS (SELECT 1 FROM content_metadata c WHERE c.id = ?5 AND c.version = CAST(?6 AS BIGINT) AND ",
        among!("c.status", "?7"),
        " AND NOT EXISTS (SELECT 1 FROM content_metadata o WHERE o.site = c.site AND o.locale = c.locale ",
        "AND o.slug = ?8 AND o.id <> c.id))"
    )
);

const MOVED: &str = concat!(
    "INSERT INTO content_redirect (site, locale, slug, page_id, at_ms) ",
    "SELECT c.site, c.locale, c.slug, c.id, CAST(?5 AS BIGINT) FROM content_metadata c ",
    "WHERE c.id = ?3 AND c.slug <> ?4 AND c.published_at_ms IS NOT NULL AND ",
    mark!(),
    " ON CONFLICT (site, locale, slug) DO UPDATE SET page_id = excluded.page_id, at_ms = excluded.at_ms"
);

const IN_USE: &str = concat!(
    "DELETE FROM content_redirect WHERE slug = ?4 AND (site, locale) IN ",
    "(SELECT c.site, c.locale FROM content_metadata c WHERE c.id = ?3) AND ",
    mark!()
);

const EDIT: &str = concat!(
    "UPDATE content_metadata SET slug = COALESCE(?4, slug), version = version + 1, updated_at_ms = CAST(?5 AS BIGINT), ",
    write_content!(),
    "WHERE id = ?3 AND ",
    mark!()
);

const LOCK: &str = concat!(
    "INSERT INTO content_lock (content_id, fields_json) SELECT ?3, ?4 WHERE ",
    mark!(),
    " ON CONFLICT (content_id) DO UPDATE SET fields_json = excluded.fields_json"
);

const HOLDER: &str = "SELECT o.row_key FROM content_metadata c JOIN content_metadata o \
    ON o.site = c.site AND o.locale = c.locale AND o.slug = ?2 AND o.id <> c.id WHERE c.id = ?1";

/// The page that an edit starts from, with its locks.
pub(crate) fn get_locked(origin: &Origin, id: &PageId) -> Batch<Option<(Page, Vec<Field>)>> {
    let origin = origin.clone();
    Batch::new(vec![statement(GET_LOCKED, [(*id).into()])], move |mut answers| {
        locked_page(&origin, answers.last(0))
    })
}

/// `found` is what [`get_locked`] gave: when it is not the page at `page.version`, nothing is written.
pub(crate) fn edit(
    origin: &Origin,
    op: &Op,
    page: &PageRef,
    edit: &Edit,
    found: Option<(Page, Vec<Field>)>,
) -> Batch<Page> {
    let attempt = Attempt::new(origin, op, request::edit(page, edit));
    let (before, locks) = found.map_or_else(Default::default, |(page, locks)| (page.content, locks));
    let content = edit.apply(before.unwrap_or_default());
    let id: Value = page.id.into();
    let (at, slug) = (|| op.at_ms.into(), || edit.slug.as_ref().into());
    let hash = check::content_hash(&content);
    let begin = [id.clone(), version(page.version), statuses(check::EDITABLE), slug()];
    let mut statements = vec![attempt.begin(STEP, begin), keep(&attempt, &id, &hash)];
    if edit.slug.is_some() {
        statements.push(attempt.then(MOVED, [id.clone(), slug(), at()]));
        statements.push(attempt.then(IN_USE, [id.clone(), slug()]));
    }
    let mut change = attempt.then(EDIT, [id.clone(), slug(), at()]);
    change.args.extend(written(&content, &hash));
    let locks = serde_json::json!(edit.locks(&locks)).to_string();
    statements.extend([
        change,
        attempt.then(LOCK, [id.clone(), locks.into()]),
        attempt.then(REVISE, [id.clone(), edit.reason.as_ref().into(), at()]),
        attempt.ask(),
        statement(HOLDER, [id.clone(), slug()]),
        statement(GET_LOCKED, [id]),
    ]);
    let (page, slug) = (*page, edit.slug.clone().unwrap_or_default());
    Batch::new(statements, move |mut answers: Answers| {
        let origin = &attempt.origin;
        let landed = attempt.landed(answers.last(2))?;
        let Some((found, _)) = locked_page(origin, answers.last(0))? else {
            return Err(origin.missing("page", page.id));
        };
        if matches!(landed, Landed::Yes(_)) {
            return Ok(found);
        }
        check::edit_step(origin.store, &page, (found.version, found.status))?;
        match answers.last(1).into_iter().next() {
            Some(row) => Err(Error::Conflict {
                store: origin.store,
                field: "slug",
                value: slug,
                row_key: Cells::new(origin, row).text()?,
            }),
            None => Err(origin.corrupt("a legal edit was not made")),
        }
    })
}

const BEGIN_DELETE: &str = begin!(
    keep: "NULL",
    when: "EXISTS (SELECT 1 FROM content_metadata WHERE id = ?5 AND version = CAST(?6 AS BIGINT))"
);

const GONE: &str = concat!(
    "UPDATE content_redirect SET page_id = NULL, at_ms = CAST(?4 AS BIGINT) WHERE page_id = ?3 AND ",
    mark!()
);

const TOMBSTONE: &str = concat!(
    "INSERT INTO content_redirect (site, locale, slug, page_id, at_ms) ",
    "SELECT c.site, c.locale, c.slug, NULL, CAST(?4 AS BIGINT) FROM content_metadata c ",
    "WHERE c.id = ?3 AND c.published_at_ms IS NOT NULL AND ",
    mark!(),
    " ON CONFLICT (site, locale, slug) DO UPDATE SET page_id = NULL, at_ms = excluded.at_ms"
);

/// What goes with a page, and the page last.
const DELETE: [&str; 6] = [
    concat!(
        "DELETE FROM outbox WHERE status IN ('pending', 'claimed', 'dead') AND page_id = ?3 AND ",
        mark!()
    ),
    concat!(
        "DELETE FROM post_ledger WHERE page_id = ?3 AND status IN ('claimed', 'retry', 'rejected') AND ",
        mark!()
    ),
    concat!("DELETE FROM content_revision WHERE content_id = ?3 AND ", mark!()),
    concat!("DELETE FROM content_snapshot WHERE content_id = ?3 AND ", mark!()),
    concat!("DELETE FROM content_lock WHERE content_id = ?3 AND ", mark!()),
    concat!("DELETE FROM content_metadata WHERE id = ?3 AND ", mark!()),
];

pub(crate) fn delete(origin: &Origin, op: &Op, page: &PageRef) -> Batch<()> {
    let attempt = Attempt::new(origin, op, request::delete(page));
    let id: Value = page.id.into();
    let mut statements = vec![
        attempt.begin(BEGIN_DELETE, [id.clone(), version(page.version)]),
        attempt.then(GONE, [id.clone(), op.at_ms.into()]),
        attempt.then(TOMBSTONE, [id.clone(), op.at_ms.into()]),
    ];
    statements.extend(DELETE.map(|sql| attempt.then(sql, [id.clone()])));
    statements.extend([
        attempt.ask(),
        statement("SELECT c.version FROM content_metadata c WHERE c.id = ?1", [id]),
    ]);
    let page = *page;
    Batch::new(statements, move |mut answers: Answers| {
        let origin = &attempt.origin;
        if let Landed::Yes(_) = attempt.landed(answers.last(1))? {
            return Ok(());
        }
        let Some(row) = answers.last(0).into_iter().next() else {
            return Err(origin.missing("page", page.id));
        };
        let found = Cells::new(origin, row).count()?;
        Err(check::stale(
            origin.store,
            "page",
            page.id.to_string(),
            page.version,
            found,
        ))
    })
}

/// What is kept or, when nothing is, still stands; with the hash of each, by which the right one is known.
pub(crate) fn content_at(origin: &Origin, id: &PageId, at: u64) -> Batch<Option<Content>> {
    const REVISION: &str = "SELECT r.content_hash FROM content_revision r WHERE r.content_id = ?1 \
        AND r.version = CAST(?2 AS BIGINT)";
    const KEPT: &str = concat!(
        "SELECT ",
        content!(),
        " FROM content_snapshot c WHERE c.content_id = ?1 AND c.version >= CAST(?2 AS BIGINT) ORDER BY c.version LIMIT 1"
    );
    let id: Value = (*id).into();
    let ask = vec![
        statement(REVISION, [id.clone(), version(at)]),
        statement(KEPT, [id.clone(), version(at)]),
        statement(CONTENT, [id]),
    ];
    let origin = origin.clone();
    Batch::new(ask, move |mut answers| {
        let Some(row) = answers.last(2).into_iter().next() else {
            return Ok(None);
        };
        let Some(hash) = Cells::new(&origin, row).opt_text()? else {
            return Ok(None);
        };
        let (kept, current) = (answers.last(1), answers.last(0));
        let Some(row) = kept.into_iter().chain(current).next() else {
            return Ok(None);
        };
        let mut cells = Cells::new(&origin, row);
        if cells.opt_text()?.as_ref() != Some(&hash) {
            return Ok(None);
        }
        read_content(&mut cells).map(Some)
    })
}

pub(crate) fn locked(origin: &Origin, id: &PageId) -> Batch<Vec<Field>> {
    let ask = statement(
        "SELECT l.fields_json FROM content_lock l WHERE l.content_id = ?1",
        [(*id).into()],
    );
    let origin = origin.clone();
    Batch::new(vec![ask], move |mut answers| {
        let row = answers.last(0).into_iter().next();
        row.map_or(Ok(Vec::new()), |row| Cells::new(&origin, row).fields())
    })
}
