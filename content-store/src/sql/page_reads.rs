//! Pages read.

use super::{Batch, Cells, Origin, Row, Value, json_text, statement};
use crate::{
    Content, Counts, Cursor, Field, Page, PageId, PageList, PageQuery, PageSummary, Redirect, Result, Revision,
};

/// Columns of `$of`, each with a comma behind it.
macro_rules! columns {
    ($of:literal => $($column:ident)*) => {
        concat!($($of, ".", stringify!($column), ", "),*)
    };
}

/// What [`read_head`] reads.
macro_rules! head {
    ($of:literal) => {
        columns!($of => id site locale slug row_key primary_keyword topic_json status version attempts last_error
            not_before_ms lease_owner lease_until_ms created_at_ms updated_at_ms published_at_ms modified_at_ms content_hash)
    };
}

/// What [`read_content`] reads.
macro_rules! said {
    () => {
        concat!(
            columns!("c" => title description keywords_json image_prompt hooks_json canonical_url quality_json model word_count),
            "c.body_html"
        )
    };
}

/// The hash and what [`read_content`] reads.
macro_rules! content {
    () => {
        concat!("c.content_hash, ", said!())
    };
}

macro_rules! page_columns {
    () => {
        concat!(head!("c"), said!())
    };
}

pub(super) use {columns, content, head, page_columns, said};

pub(super) fn page(origin: &Origin, row: Row) -> Result<Page> {
    read_page(&mut Cells::new(origin, row))
}

fn read_page(cells: &mut Cells<'_>) -> Result<Page> {
    let mut page = read_head(cells)?;
    if page.content_hash.is_some() {
        page.content = Some(read_content(cells)?);
    }
    Ok(page)
}

/// A page without its content.
fn read_head(cells: &mut Cells<'_>) -> Result<Page> {
    Ok(Page {
        id: cells.id()?,
        site: cells.text()?,
        locale: cells.text()?,
        slug: cells.text()?,
        row_key: cells.text()?,
        primary_keyword: cells.text()?,
        topic: cells.json()?,
        status: cells.status()?,
        version: cells.count()?,
        attempts: cells.count()?,
        last_error: cells.opt_text()?,
        not_before_ms: cells.opt_int()?,
        lease_owner: cells.opt_text()?,
        lease_until_ms: cells.opt_int()?,
        created_at_ms: cells.int()?,
        updated_at_ms: cells.int()?,
        published_at_ms: cells.opt_int()?,
        modified_at_ms: cells.opt_int()?,
        content_hash: cells.opt_text()?,
        content: None,
    })
}

pub(super) fn read_content(cells: &mut Cells<'_>) -> Result<Content> {
    Ok(Content {
        title: cells.text()?,
        description: cells.text()?,
        keywords: cells.list()?,
        image_prompt: cells.text()?,
        hooks: cells.list()?,
        canonical_url: cells.text()?,
        quality: cells.json()?,
        model: cells.text()?,
        word_count: cells.count()?,
        body_html: cells.text()?,
    })
}

/// Content as parameters: its hash, then in the order of its columns.
pub(super) fn written(content: &Content, hash: &str) -> [Value; 11] {
    [
        hash.into(),
        (&content.title).into(),
        (&content.description).into(),
        json_text(&content.keywords),
        (&content.image_prompt).into(),
        json_text(&content.hooks),
        (&content.canonical_url).into(),
        json_text(&content.quality),
        (&content.model).into(),
        content.word_count.into(),
        (&content.body_html).into(),
    ]
}

/// A page with its locks before it.
pub(super) const GET_LOCKED: &str = concat!(
    "SELECT (SELECT l.fields_json FROM content_lock l WHERE l.content_id = c.id) AS locked, ",
    page_columns!(),
    " FROM content_metadata c WHERE c.id = ?1"
);

pub(super) fn locked_page(origin: &Origin, rows: Vec<Row>) -> Result<Option<(Page, Vec<Field>)>> {
    let Some(row) = rows.into_iter().next() else {
        return Ok(None);
    };
    let mut cells = Cells::new(origin, row);
    let locks = cells.fields()?;
    Ok(Some((read_page(&mut cells)?, locks)))
}

/// The op `?1` and, however far it came, the page `?3` with its locks. What the attempt of the nonce `?2` has just written
/// is known, and not read again.
pub(super) const ANSWER: &str = concat!(
    "SELECT o.request, o.result, CASE WHEN p.id IS NULL THEN 0 WHEN c.id IS NULL THEN 1 ELSE 2 END AS found, ",
    "(SELECT l.fields_json FROM content_lock l WHERE l.content_id = c.id) AS locked, ",
    head!("p"),
    said!(),
    " FROM (SELECT 1 AS n) one LEFT JOIN content_op o ON o.op_id = ?1 LEFT JOIN content_metadata p ON p.id = ?3 ",
    "LEFT JOIN content_metadata c ON c.id = ?3 AND COALESCE(o.nonce, '') <> ?2"
);

/// What [`ANSWER`] says of the page after its op; `known` is what this attempt wrote, if it did.
pub(super) fn answered_page(cells: &mut Cells<'_>, known: Content) -> Result<Option<(Page, Vec<Field>)>> {
    let found = cells.int()?;
    if found == 0 {
        return Ok(None);
    }
    let locks = cells.fields()?;
    if found == 2 {
        return Ok(Some((read_page(cells)?, locks)));
    }
    let page = read_head(cells)?;
    Ok(Some((
        Page {
            content: Some(known),
            ..page
        },
        locks,
    )))
}

pub(super) const CONTENT: &str = concat!("SELECT ", content!(), " FROM content_metadata c WHERE c.id = ?1");

pub(super) fn one_page(origin: &Origin, rows: Vec<Row>) -> Result<Option<Page>> {
    rows.into_iter().next().map(|row| page(origin, row)).transpose()
}

pub(super) const GET: &str = concat!("SELECT ", page_columns!(), " FROM content_metadata c WHERE c.id = ?1");

pub(crate) fn get(origin: &Origin, id: &PageId) -> Batch<Option<Page>> {
    let origin = origin.clone();
    Batch::new(vec![statement(GET, [(*id).into()])], move |mut answers| {
        one_page(&origin, answers.last(0))
    })
}

pub(crate) fn get_by_slug(origin: &Origin, site: &str, locale: &str, slug: &str) -> Batch<Option<Page>> {
    const SQL: &str = concat!(
        "SELECT ",
        page_columns!(),
        " FROM content_metadata c WHERE c.site = ?1 AND c.locale = ?2 AND c.slug = ?3"
    );
    let origin = origin.clone();
    let ask = statement(SQL, [site.into(), locale.into(), slug.into()]);
    Batch::new(vec![ask], move |mut answers| one_page(&origin, answers.last(0)))
}

pub(crate) fn redirect(origin: &Origin, site: &str, locale: &str, slug: &str) -> Batch<Option<Redirect>> {
    const SQL: &str = "SELECT c.slug FROM content_redirect r LEFT JOIN content_metadata c ON c.id = r.page_id \
        WHERE r.site = ?1 AND r.locale = ?2 AND r.slug = ?3 AND NOT EXISTS (SELECT 1 FROM content_metadata u \
        WHERE u.site = r.site AND u.locale = r.locale AND u.slug = r.slug)";
    let origin = origin.clone();
    let ask = statement(SQL, [site.into(), locale.into(), slug.into()]);
    Batch::new(vec![ask], move |mut answers| {
        let Some(row) = answers.last(0).into_iter().next() else {
            return Ok(None);
        };
        let to = Cells::new(&origin, row).opt_text()?;
        Ok(Some(to.map_or(Redirect::Gone, Redirect::To)))
    })
}

macro_rules! summary {
    () => {
        "c.id, c.site, c.locale, c.slug, c.row_key, c.primary_keyword, c.status, c.version, c.attempts, c.last_error, \
         c.title, c.description, c.canonical_url, c.created_at_ms, c.updated_at_ms, c.published_at_ms, c.modified_at_ms"
    };
}

macro_rules! list {
    ($filter:literal) => {
        concat!(
            "SELECT ",
            summary!(),
            " FROM content_metadata c WHERE c.site = ?1 AND c.id > ?2 ",
            $filter,
            "ORDER BY c.id LIMIT CAST(?3 AS BIGINT)"
        )
    };
}

/// One row more than asked for tells whether there is a next piece.
pub(crate) fn list(
    origin: &Origin,
    query: &PageQuery,
    filter: String,
    after: Option<String>,
    limit: usize,
) -> Batch<PageList> {
    let origin = origin.clone();
    let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let (site, after): (Value, Value) = ((&query.site).into(), after.unwrap_or_default().into());
    let ask = match query.status {
        None => statement(list!(""), [site, after, more.into()]),
        Some(status) => statement(
            // Said twice: without statistics Postgres takes the index of the whole site for as good, and reads all of it.
            list!("AND c.status = ?4 AND (c.status, c.id) > (?4, ?2) "),
            [site, after, more.into(), status.as_str().into()],
        ),
    };
    Batch::new(vec![ask], move |mut answers| {
        let rows = answers.last(0);
        let has_more = rows.len() > limit;
        let items = rows
            .into_iter()
            .take(limit)
            .map(|row| summary(&origin, row))
            .collect::<Result<Vec<_>>>()?;
        let next = items
            .last()
            .filter(|_| has_more)
            .map(|page| Cursor::after(&filter, &page.id.to_string()));
        Ok(PageList { items, next })
    })
}

/// By the time of the last change, then by id: the order of `ix_content_due`.
pub(crate) fn due(
    origin: &Origin,
    (site, before_ms): (&str, i64),
    filter: String,
    after: Option<(i64, String)>,
    limit: usize,
) -> Batch<PageList> {
    const SQL: &str = concat!(
        "SELECT ",
        summary!(),
        " FROM content_metadata c WHERE c.site = ?1 AND c.status = 'published' AND c.modified_at_ms < CAST(?2 AS BIGINT) ",
        "AND (c.modified_at_ms, c.id) > (CAST(?3 AS BIGINT), ?4) ORDER BY c.modified_at_ms, c.id LIMIT CAST(?5 AS BIGINT)"
    );
    let (at_ms, id) = after.unwrap_or((-1, String::new()));
    let more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let ask = statement(
        SQL,
        [site.into(), before_ms.into(), at_ms.into(), id.into(), more.into()],
    );
    let origin = origin.clone();
    Batch::new(vec![ask], move |mut answers| {
        let rows = answers.last(0);
        let has_more = rows.len() > limit;
        let items = rows.into_iter().take(limit).map(|row| summary(&origin, row));
        let items = items.collect::<Result<Vec<_>>>()?;
        let next = items
            .last()
            .filter(|_| has_more)
            .map(|page| Cursor::after_page(&filter, page));
        Ok(PageList { items, next })
    })
}

fn summary(origin: &Origin, row: Row) -> Result<PageSummary> {
    let mut cells = Cells::new(origin, row);
    Ok(PageSummary {
        id: cells.id()?,
        site: cells.text()?,
        locale: cells.text()?,
        slug: cells.text()?,
        row_key: cells.text()?,
        primary_keyword: cells.text()?,
        status: cells.status()?,
        version: cells.count()?,
        attempts: cells.count()?,
        last_error: cells.opt_text()?,
        title: cells.opt_text()?,
        description: cells.opt_text()?,
        canonical_url: cells.opt_text()?,
        created_at_ms: cells.int()?,
        updated_at_ms: cells.int()?,
        published_at_ms: cells.opt_int()?,
        modified_at_ms: cells.opt_int()?,
    })
}

pub(crate) fn counts(origin: &Origin, site: &str) -> Batch<Counts> {
    let origin = origin.clone();
    let sql = "SELECT c.status, count(*) FROM content_metadata c WHERE c.site = ?1 GROUP BY c.status";
    Batch::new(vec![statement(sql, [site.into()])], move |mut answers| {
        let read = |row| {
            let mut cells = Cells::new(&origin, row);
            Ok((cells.status()?, cells.count()?))
        };
        answers.last(0).into_iter().map(read).collect()
    })
}

pub(crate) fn revisions(origin: &Origin, id: &PageId) -> Batch<Vec<Revision>> {
    let origin = origin.clone();
    let sql = "SELECT version, op_id, status, reason, content_hash, at_ms FROM content_revision \
               WHERE content_id = ?1 ORDER BY version";
    Batch::new(vec![statement(sql, [(*id).into()])], move |mut answers| {
        let read = |row| {
            let mut cells = Cells::new(&origin, row);
            Ok(Revision {
                version: cells.count()?,
                op_id: cells.id()?,
                status: cells.status()?,
                reason: cells.opt_text()?,
                content_hash: cells.opt_text()?,
                at_ms: cells.int()?,
            })
        };
        answers.last(0).into_iter().map(read).collect()
    })
}
