//! Leases of processes that are known to be dead.

use super::{Batch, Value, statement};

const PAGES: &str = "UPDATE content_metadata SET lease_until_ms = CAST(?1 AS BIGINT), attempts = attempts - 1 \
    WHERE status = 'generating' AND lease_until_ms > CAST(?1 AS BIGINT)";
const OUTBOX: &str = "UPDATE outbox SET claim_until_ms = CAST(?1 AS BIGINT) \
    WHERE status = 'claimed' AND claim_until_ms > CAST(?1 AS BIGINT)";
const POSTS: &str =
    "UPDATE post_ledger SET claim_until_ms = CAST(?1 AS BIGINT) WHERE claim_until_ms > CAST(?1 AS BIGINT)";

/// Ends every lease that would go on past `now_ms`.
pub(crate) fn release(now_ms: i64) -> Batch<()> {
    let ended = |sql: &'static str| statement(sql, [Value::from(now_ms)]);
    Batch::new(vec![ended(PAGES), ended(OUTBOX), ended(POSTS)], |_| Ok(()))
}
