//! The spend ledger.

use serde_json::json;

use super::{Attempt, Batch, Cells, Landed, Origin, Statement, Value, begin, mark, rows_json, statement};
use crate::request;
use crate::{NewSpend, Op, PageId, SpendQuery, SpendTotals};

/// Columns of a cost in the JSON parameter: 0 id, 1 page, then as in the table.
const INSERT: &str = concat!(
    "INSERT INTO spend_ledger (id, page_id, site, purpose, provider, model, outcome, input_tokens, output_tokens, ",
    "cost_micros, at_ms) SELECT n.value ->> 0, n.value ->> 1, ",
    "(SELECT c.site FROM content_metadata c WHERE c.id = n.value ->> 1), n.value ->> 2, n.value ->> 3, n.value ->> 4, ",
    "n.value ->> 5, CAST(n.value ->> 6 AS BIGINT), CAST(n.value ->> 7 AS BIGINT), CAST(n.value ->> 8 AS BIGINT), ",
    "CAST(?3 AS BIGINT) FROM json_each(?4) n WHERE ",
    mark!()
);

/// Costs, if there are any; those that name no page are `page`'s.
pub(super) fn insert(attempt: &Attempt, page: Option<PageId>, costs: &[NewSpend]) -> Option<Statement> {
    if costs.is_empty() {
        return None;
    }
    let row = |(n, cost): (usize, &NewSpend)| {
        json!([
            format!("{}/{n:03}", attempt.op.id),
            cost.page_id.or(page),
            cost.purpose,
            cost.provider,
            cost.model,
            cost.outcome,
            cost.input_tokens,
            cost.output_tokens,
            cost.cost_micros,
        ])
    };
    let rows = rows_json(costs.iter().enumerate().map(row).collect());
    Some(attempt.then(INSERT, [attempt.op.at_ms.into(), rows]))
}

const RECORD: &str = begin!(keep: "NULL", when: "1 = 1");

pub(crate) fn record(origin: &Origin, op: &Op, costs: &[NewSpend]) -> Batch<()> {
    let attempt = Attempt::new(origin, op, request::spend(costs.len()));
    let mut statements = vec![attempt.begin(RECORD, [])];
    statements.extend(insert(&attempt, None, costs));
    statements.push(attempt.ask());
    Batch::new(statements, move |mut answers| {
        match attempt.landed(answers.last(0))? {
            Landed::Yes(_) => Ok(()),
            Landed::No => Err(attempt.origin.corrupt("a cost was not written")),
        }
    })
}

macro_rules! sum {
    ($site:literal) => {
        concat!(
            "SELECT count(*), CAST(COALESCE(sum(input_tokens), 0) AS BIGINT), \
             CAST(COALESCE(sum(output_tokens), 0) AS BIGINT), CAST(COALESCE(sum(cost_micros), 0) AS BIGINT), count(*) - count(cost_micros) FROM spend_ledger \
             WHERE at_ms >= CAST(?1 AS BIGINT) AND at_ms < CAST(?2 AS BIGINT)",
            $site
        )
    };
}

pub(crate) fn totals(origin: &Origin, query: &SpendQuery) -> Batch<SpendTotals> {
    let (from, until): (Value, Value) = (query.from_ms.into(), query.until_ms.into());
    let ask = match &query.site {
        None => statement(sum!(""), [from, until]),
        Some(site) => statement(sum!(" AND site = ?3"), [from, until, site.into()]),
    };
    let origin = origin.clone();
    Batch::new(vec![ask], move |mut answers| {
        let row = answers.last(0).into_iter().next().unwrap_or_default();
        let mut cells = Cells::new(&origin, row);
        Ok(SpendTotals {
            calls: cells.count()?,
            input_tokens: cells.count()?,
            output_tokens: cells.count()?,
            cost_micros: cells.count()?,
            unpriced_calls: cells.count()?,
        })
    })
}
