use async_trait::async_trait;

use super::{Done, MemoryStore, State};
use crate::{NewSpend, Op, Result, SpendLedger, SpendQuery, SpendTotals};
use crate::{check, request};

#[derive(Debug)]
pub(super) struct Row {
    pub(super) spend: NewSpend,
    pub(super) site: Option<String>,
    pub(super) at_ms: i64,
}

impl Row {
    pub(super) fn is_in(&self, query: &SpendQuery) -> bool {
        (query.from_ms..query.until_ms).contains(&self.at_ms) && (query.site.is_none() || query.site == self.site)
    }
}

impl SpendTotals {
    pub(super) fn add(&mut self, spend: &NewSpend) {
        self.calls += 1;
        self.input_tokens += spend.input_tokens.unwrap_or(0);
        self.output_tokens += spend.output_tokens.unwrap_or(0);
        self.cost_micros += spend.cost_micros.unwrap_or(0);
        self.unpriced_calls += u64::from(spend.cost_micros.is_none());
    }
}

#[async_trait]
impl SpendLedger for MemoryStore {
    async fn record_spend(&self, op: &Op, spend: &[NewSpend]) -> Result<()> {
        check::spend(op, spend)?;
        if spend.is_empty() {
            return Ok(());
        }
        let run = |state: &mut State| {
            let costs = spend.iter().cloned().enumerate();
            costs.for_each(|(n, spend)| state.put_spend(op, n, spend));
            Ok(Some(Done::Spend))
        };
        self.once(op, request::spend(spend.len()), run, |_, _| Ok(()))
    }

    async fn spend(&self, query: &SpendQuery) -> Result<SpendTotals> {
        let mut totals = SpendTotals::default();
        let state = self.lock();
        for Row { spend, .. } in state.spend.values().filter(|row| row.is_in(query)) {
            totals.add(spend);
        }
        Ok(totals)
    }
}

impl State {
    pub(super) fn put_spend(&mut self, op: &Op, n: usize, spend: NewSpend) {
        let site = spend
            .page_id
            .and_then(|id| self.pages.get(&id))
            .map(|row| row.page.site.clone());
        let at_ms = op.at_ms;
        self.spend
            .entry(format!("{}/{n:03}", op.id))
            .or_insert(Row { spend, site, at_ms });
    }
}
