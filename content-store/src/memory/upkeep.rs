use async_trait::async_trait;

use super::{MemoryStore, outbox};
use crate::{OpId, OutboxId, PageId, PrunePlan, Pruned, Result, Upkeep, text};

#[async_trait]
impl Upkeep for MemoryStore {
    async fn prune(&self, plan: &PrunePlan) -> Result<Pruned> {
        let limit = text::rows(plan.limit)?;
        text::time("before_ms", plan.before_ms)?;
        let mut state = self.lock();
        let old = |at_ms: i64| at_ms < plan.before_ms;

        let mut ops: Vec<OpId> = state
            .ops
            .iter()
            .filter(|(_, op)| old(op.at_ms))
            .map(|(id, _)| *id)
            .collect();
        ops.sort_unstable();
        ops.truncate(limit);
        ops.iter().for_each(|id| drop(state.ops.remove(id)));

        let mut sent: Vec<(i64, OutboxId)> = state
            .outbox
            .values()
            .filter_map(outbox::Row::sent)
            .filter(|row| old(row.0))
            .collect();
        sent.sort_unstable();
        sent.truncate(limit);
        sent.iter().for_each(|(_, id)| drop(state.outbox.remove(id)));

        let newest = |page: &PageId| state.pages.get(page).map(|row| row.page.version);
        let revisions: Vec<(PageId, u64)> = state
            .revisions
            .iter()
            .filter(|((page, version), revision)| {
                old(revision.at_ms) && newest(page).is_some_and(|newest| *version < newest)
            })
            .map(|(key, _)| *key)
            .take(limit)
            .collect();
        revisions.iter().for_each(|key| drop(state.revisions.remove(key)));

        let contents: Vec<(PageId, u64)> = state
            .snapshots
            .iter()
            .filter(|(_, kept)| old(kept.at_ms))
            .map(|(key, _)| *key)
            .take(limit)
            .collect();
        contents.iter().for_each(|key| drop(state.snapshots.remove(key)));

        Ok(Pruned {
            ops: ops.len() as u64,
            outbox: sent.len() as u64,
            revisions: revisions.len() as u64,
            contents: contents.len() as u64,
        })
    }
}
