//! The spend ledger.

use serde_json::json;

use super::{Attempt, Batch, Cells, Landed, Origin, Statement, Value, begin, mark, rows_json, statement};
use crate::request;
use crate::spend::date;
use crate::{NewSpend, Op, PageId, SpendBy, SpendQuery, SpendSum, SpendTotals};

/// Columns of a cost in the JSON parameter: 0 id, 1 page, then as in the table.
const INSERT: &str = concat!(
    "INSERT INTO spend_ledger (id, page_id, site, purpose, provider, model, outcome, input_tokens, output_tokens, ",
    "cost_micros, at_ms) SELECT n.value ->> 0, n.value ->> 1, ",
    "(SELECT c.site FROM content_metadata c WHERE c.id = n.value ->> 1), n.value ->> 2, n.value ->> 3, n.value ->> 4, ",
    "n.value ->> 5, CAST(n.value ->> 6 AS BIGINT), CAST(n.value ->> 7 AS BIGINT), CAST(n.value ->> 8 AS BIGINT), ",
    "CAST(?3 AS BIGINT) FROM json_each(?4) n WHERE ",
    mark!(),
    // An op whose record was pruned is not known any more, but its costs are: they count once.
    " ON CONFLICT (id) DO NOTHING"
);

/// Costs, if there are any; those that name no page are `page`'s.
pub(super) fn insert(attempt: &Attempt, page: Option<PageId>, costs: &[NewSpend]) -> Vec<Statement> {
    if costs.is_empty() {
        return Vec::new();
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
    let mut statements = vec![attempt.then(INSERT, [attempt.op.at_ms.into(), rows])];
    statements.extend(campaigns(attempt, costs));
    statements
}

const CAMPAIGNS: &str = concat!(
    "INSERT INTO spend_campaign (spend_id, campaign) SELECT n.value ->> 0, n.value ->> 1 FROM json_each(?3) n WHERE ",
    mark!(),
    " ON CONFLICT (spend_id) DO NOTHING"
);

/// The campaigns of costs, where one has a campaign.
fn campaigns(attempt: &Attempt, costs: &[NewSpend]) -> Option<Statement> {
    let named = costs.iter().enumerate().filter(|(_, cost)| !cost.campaign.is_empty());
    let rows: Vec<_> = named
        .map(|(n, cost)| json!([format!("{}/{n:03}", attempt.op.id), cost.campaign]))
        .collect();
    (!rows.is_empty()).then(|| attempt.then(CAMPAIGNS, [rows_json(rows)]))
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

macro_rules! sums {
    () => {
        "count(*), CAST(COALESCE(sum(input_tokens), 0) AS BIGINT), CAST(COALESCE(sum(output_tokens), 0) AS BIGINT), \
         CAST(COALESCE(sum(cost_micros), 0) AS BIGINT), count(*) - count(cost_micros) FROM spend_ledger s "
    };
}

macro_rules! between {
    ($site:literal) => {
        concat!(
            "WHERE at_ms >= CAST(?1 AS BIGINT) AND at_ms < CAST(?2 AS BIGINT)",
            $site
        )
    };
}

macro_rules! sum {
    ($site:literal) => {
        concat!("SELECT ", sums!(), between!($site))
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
        read(&mut Cells::new(&origin, row))
    })
}

fn read(cells: &mut Cells<'_>) -> crate::Result<SpendTotals> {
    Ok(SpendTotals {
        calls: cells.count()?,
        input_tokens: cells.count()?,
        output_tokens: cells.count()?,
        cost_micros: cells.count()?,
        unpriced_calls: cells.count()?,
    })
}

macro_rules! sum_by {
    ($of:literal, $join:literal, $site:literal) => {
        concat!(
            "SELECT ",
            $of,
            " AS summed, ",
            sums!(),
            $join,
            between!($site),
            " GROUP BY ",
            $of
        )
    };
}

macro_rules! both {
    ($of:literal, $join:literal) => {
        [sum_by!($of, $join, ""), sum_by!($of, $join, " AND s.site = ?3")]
    };
}

const BY_DAY: [&str; 2] = both!("s.at_ms / 86400000", "");
const BY_SITE: [&str; 2] = both!("COALESCE(s.site, '')", "");
const BY_CAMPAIGN: [&str; 2] = both!(
    "COALESCE(x.campaign, '')",
    "LEFT JOIN spend_campaign x ON x.spend_id = s.id "
);

pub(crate) fn by(origin: &Origin, query: &SpendQuery, by: SpendBy) -> Batch<Vec<SpendSum>> {
    let [all, of_site] = match by {
        SpendBy::Day => BY_DAY,
        SpendBy::Site => BY_SITE,
        SpendBy::Campaign => BY_CAMPAIGN,
    };
    let (from, until): (Value, Value) = (query.from_ms.into(), query.until_ms.into());
    let ask = match &query.site {
        None => statement(all, [from, until]),
        Some(site) => statement(of_site, [from, until, site.into()]),
    };
    let origin = origin.clone();
    Batch::new(vec![ask], move |mut answers| {
        let sum = |row| {
            let mut cells = Cells::new(&origin, row);
            let of = match by {
                SpendBy::Day => date(cells.int()?),
                SpendBy::Site | SpendBy::Campaign => cells.text()?,
            };
            let totals = read(&mut cells)?;
            Ok(SpendSum { of, totals })
        };
        let mut sums = answers
            .last(0)
            .into_iter()
            .map(sum)
            .collect::<crate::Result<Vec<_>>>()?;
        sums.sort_unstable_by(|one, other| one.of.cmp(&other.of));
        Ok(sums)
    })
}
