use async_trait::async_trait;

use super::{Done, MemoryStore, State};
use crate::{NewSpend, Op, Result, SpendLedger, SpendQuery, SpendTotals};
use crate::{check, request};

#[derive(Debug)]
pub(super) struct Row {
    spend: NewSpend,
    site: Option<String>,
    at_ms: i64,
}

#[async_trait]
impl SpendLedger for MemoryStore {
    async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()> {
        check::spend(op, spend)?;
        if spend.is_empty() {
            return Ok(());
        }
        let run = |state: &mut State| {
            spend.iter().for_each(|spend| state.put_spend(op, spend.clone()));
            Ok(Some(Done::Spend))
        };
        self.once(op, request::spend(spend.len()), run, |_, _| Ok(()))
    }

    async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
        let mut totals = SpendTotals::default();
        let state = self.lock();
        let wanted = |row: &&Row| {
            (query.from_ms..query.until_ms).contains(&row.at_ms) && (query.site.is_none() || query.site == row.site)
        };
        for Row { spend, .. } in state.spend.iter().filter(wanted) {
            totals.calls += 1;
            totals.input_tokens += spend.input_tokens.unwrap_or(0);
            totals.output_tokens += spend.output_tokens.unwrap_or(0);
            totals.cost_micros += spend.cost_micros.unwrap_or(0);
            totals.unpriced_calls += u64::from(spend.cost_micros.is_none());
        }
        Ok(totals)
    }
}

impl State {
    pub(super) fn put_spend(&mut self, op: &Op, spend: NewSpend) {
        let site = spend
            .page_id
            .and_then(|id| self.pages.get(&id))
            .map(|row| row.page.site.clone());
        self.spend.push(Row {
            spend,
            site,
            at_ms: op.at_ms,
        });
    }
}
