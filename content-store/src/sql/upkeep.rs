//! History deleted.

use super::{Batch, Value, statement};
use crate::{PrunePlan, Pruned};

const OPS: &str = "DELETE FROM content_op WHERE op_id IN (SELECT o.op_id FROM content_op o \
    WHERE o.at_ms < CAST(?1 AS BIGINT) ORDER BY o.op_id LIMIT CAST(?2 AS BIGINT)) RETURNING op_id";

const OUTBOX: &str = "DELETE FROM outbox WHERE id IN (SELECT o.id FROM outbox o WHERE o.status = 'sent' \
    AND o.created_at_ms < CAST(?1 AS BIGINT) ORDER BY o.created_at_ms, o.id LIMIT CAST(?2 AS BIGINT)) RETURNING id";

const REVISIONS: &str = "DELETE FROM content_revision WHERE (content_id, version) IN (SELECT r.content_id, r.version \
    FROM content_revision r JOIN content_metadata c ON c.id = r.content_id WHERE r.version < c.version \
    AND r.at_ms < CAST(?1 AS BIGINT) ORDER BY r.content_id, r.version LIMIT CAST(?2 AS BIGINT)) RETURNING content_id";

const CONTENTS: &str = "DELETE FROM content_snapshot WHERE (content_id, version) IN (SELECT s.content_id, s.version \
    FROM content_snapshot s WHERE s.at_ms < CAST(?1 AS BIGINT) ORDER BY s.content_id, s.version \
    LIMIT CAST(?2 AS BIGINT)) RETURNING content_id";

pub(crate) fn prune(plan: &PrunePlan) -> Batch<Pruned> {
    let delete = |sql: &'static str| statement(sql, [Value::from(plan.before_ms), plan.limit.into()]);
    let statements = vec![delete(OPS), delete(OUTBOX), delete(REVISIONS), delete(CONTENTS)];
    Batch::new(statements, |mut answers| {
        Ok(Pruned {
            ops: answers.last(3).len() as u64,
            outbox: answers.last(2).len() as u64,
            revisions: answers.last(1).len() as u64,
            contents: answers.last(0).len() as u64,
        })
    })
}
