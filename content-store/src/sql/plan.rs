//! Topics into planned pages.

use serde_json::json;

use super::{Attempt, Batch, Cells, Landed, Origin, Value, begin, mark, rows_json, statement};
use crate::check::PlanRow;
use crate::request;
use crate::{Error, Op, PageId, PlanReport, Result};

/// The longest JSON parameter: D1 takes 2,000,000 bytes. A thousand rows without topics stay below it by their limits.
const PART: usize = 1_900_000;

/// Columns of a topic in the JSON parameter: 0 id, 1 site, 2 locale, 3 slug, 4 row key, 5 keyword, 6 topic, 7 hash.
/// The topic is null where names are enough.
const TOPIC: usize = 6;

macro_rules! known {
    () => {
        "c.site = n.value ->> 1 AND c.locale = n.value ->> 2 AND c.row_key = n.value ->> 4"
    };
}

macro_rules! taken {
    ($column:literal, $at:literal) => {
        concat!(
            "c.site = n.value ->> 1 AND c.locale = n.value ->> 2 AND c.",
            $column,
            " = n.value ->> ",
            $at,
            " AND c.row_key <> n.value ->> 4"
        )
    };
}

const BEGIN: &str = begin!(
    keep: concat!(
        "(SELECT '[' || count(CASE WHEN c.id IS NULL THEN 1 END) || ',' || ",
        "count(CASE WHEN c.source_hash = n.value ->> 7 THEN 1 END) || ',' || ",
        "count(CASE WHEN c.source_hash <> n.value ->> 7 AND c.status IN ('planned', 'failed') THEN 1 END) || ',' || ",
        "count(CASE WHEN c.source_hash <> n.value ->> 7 AND c.status NOT IN ('planned', 'failed') THEN 1 END) || ']' ",
        "FROM json_each(?5) n LEFT JOIN content_metadata c ON ", known!(), ")"
    ),
    when: concat!(
        "NOT EXISTS (SELECT 1 FROM json_each(?5) n CROSS JOIN content_metadata c WHERE ", taken!("slug", "3"), ") ",
        "AND NOT EXISTS (SELECT 1 FROM json_each(?5) n CROSS JOIN content_metadata c WHERE ",
        taken!("primary_keyword", "5"), ")"
    )
);

macro_rules! replaceable {
    () => {
        concat!(
            known!(),
            " AND c.source_hash <> n.value ->> 7 AND c.status IN ('planned', 'failed') AND ",
            mark!()
        )
    };
}

const REVISE: &str = concat!(
    "INSERT INTO content_revision (content_id, version, op_id, reason, status, content_hash, at_ms) ",
    "SELECT c.id, c.version + 1, ?1, NULL, c.status, c.content_hash, CAST(?3 AS BIGINT) ",
    "FROM json_each(?4) n CROSS JOIN content_metadata c WHERE ",
    replaceable!()
);

const REPLACE: &str = concat!(
    "UPDATE content_metadata AS c SET slug = n.value ->> 3, primary_keyword = n.value ->> 5, topic_json = n.value ->> 6, ",
    "source_hash = n.value ->> 7, version = version + 1, updated_at_ms = CAST(?3 AS BIGINT) ",
    "FROM json_each(?4) n WHERE ",
    replaceable!()
);

const CREATE: &str = concat!(
    "INSERT INTO content_metadata (id, site, locale, slug, row_key, primary_keyword, topic_json, source_hash, status, ",
    "version, attempts, created_at_ms, updated_at_ms) ",
    "SELECT n.value ->> 0, n.value ->> 1, n.value ->> 2, n.value ->> 3, n.value ->> 4, n.value ->> 5, n.value ->> 6, ",
    "n.value ->> 7, 'planned', 1, 0, CAST(?3 AS BIGINT), CAST(?3 AS BIGINT) FROM json_each(?4) n ",
    "WHERE NOT EXISTS (SELECT 1 FROM content_metadata c WHERE ",
    known!(),
    ") AND ",
    mark!()
);

const REVISE_NEW: &str = concat!(
    "INSERT INTO content_revision (content_id, version, op_id, reason, status, content_hash, at_ms) ",
    "SELECT c.id, 1, ?1, NULL, 'planned', NULL, CAST(?3 AS BIGINT) ",
    "FROM json_each(?4) n CROSS JOIN content_metadata c WHERE c.id = n.value ->> 0 AND ",
    mark!()
);

/// A slug that a page has leads to that page.
const IN_USE: &str = concat!(
    "DELETE FROM content_redirect WHERE (site, locale, slug) IN ",
    "(SELECT n.value ->> 1, n.value ->> 2, n.value ->> 3 FROM json_each(?3) n) ",
    "AND EXISTS (SELECT 1 FROM content_metadata c WHERE c.site = content_redirect.site ",
    "AND c.locale = content_redirect.locale AND c.slug = content_redirect.slug) AND ",
    mark!()
);

/// Names the row that has what a topic wants; nothing when the plan was written.
const WHY_NOT: &str = concat!(
    "SELECT n.key, 'slug', n.value ->> 3, c.row_key FROM json_each(?2) n CROSS JOIN content_metadata c ",
    "WHERE NOT EXISTS (SELECT 1 FROM content_op WHERE op_id = ?1) AND ",
    taken!("slug", "3"),
    " UNION ALL SELECT n.key, 'primary_keyword', n.value ->> 5, c.row_key ",
    "FROM json_each(?2) n CROSS JOIN content_metadata c ",
    "WHERE NOT EXISTS (SELECT 1 FROM content_op WHERE op_id = ?1) AND ",
    taken!("primary_keyword", "5"),
    " ORDER BY 1, 2 DESC LIMIT 1"
);

pub(crate) fn plan(origin: &Origin, op: &Op, rows: &[PlanRow<'_>]) -> Batch<PlanReport> {
    let attempt = Attempt::new(origin, op, request::plan(rows));
    let mut rows: Vec<_> = rows.iter().map(row_json).collect();
    let topics = in_parts(&rows);
    for row in &mut rows {
        row[TOPIC].take();
    }
    let names = rows_json(rows);
    let at = || op.at_ms.into();
    let mut statements = vec![
        attempt.begin(BEGIN, [names.clone()]),
        attempt.then(REVISE, [at(), names.clone()]),
    ];
    for write in [REPLACE, CREATE] {
        statements.extend(topics.iter().map(|part| attempt.then(write, [at(), part.clone()])));
    }
    statements.extend([
        attempt.then(REVISE_NEW, [at(), names.clone()]),
        attempt.then(IN_USE, [names.clone()]),
        attempt.ask(),
        statement(WHY_NOT, [attempt.op(), names]),
    ]);
    Batch::new(statements, move |mut answers| {
        match attempt.landed(answers.last(1))? {
            Landed::Yes(kept) => report(&attempt.origin, kept.as_deref()),
            Landed::No => {
                let row = answers.last(0).into_iter().next().unwrap_or_default();
                let mut cells = Cells::new(&attempt.origin, row);
                let _at = cells.int()?;
                let field = if cells.text()? == "slug" {
                    "slug"
                } else {
                    "primary_keyword"
                };
                let (value, row_key) = (cells.text()?, cells.text()?);
                Err(Error::Conflict {
                    store: attempt.origin.store,
                    field,
                    value,
                    row_key,
                })
            }
        }
    })
}

/// Rows as JSON parameters of at most [`PART`] bytes. Statements that write topics run once for each; the others read
/// all rows at once, without their topics.
fn in_parts(rows: &[serde_json::Value]) -> Vec<Value> {
    let mut parts = Vec::new();
    let mut part = String::from("[");
    for row in rows {
        let row = row.to_string();
        if part.len() > 1 && part.len() + row.len() >= PART {
            part.push(']');
            parts.push(std::mem::replace(&mut part, String::from("[")).into());
        }
        if part.len() > 1 {
            part.push(',');
        }
        part.push_str(&row);
    }
    part.push(']');
    parts.push(part.into());
    parts
}

fn row_json(row: &PlanRow<'_>) -> serde_json::Value {
    let page = row.page;
    json!([
        PageId::new(),
        page.site,
        page.locale,
        page.slug,
        page.row_key,
        page.primary_keyword,
        row.topic,
        row.source_hash
    ])
}

fn report(origin: &Origin, kept: Option<&str>) -> Result<PlanReport> {
    match serde_json::from_str::<[u64; 4]>(kept.unwrap_or_default()) {
        Ok([created, unchanged, updated, existing]) => Ok(PlanReport {
            created,
            updated,
            unchanged,
            existing,
        }),
        Err(_) => Err(origin.corrupt("the record of a plan is not readable")),
    }
}
