use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{MemoryStore, pages::summary};
use crate::{
    Cursor, PageList, Reports, Result, SpendBy, SpendQuery, SpendSum, SpendTotals, Status, cursor, spend, text,
};

#[async_trait]
impl Reports for MemoryStore {
    async fn due<'a>(&self, site: &str, before_ms: i64, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
        let limit = text::rows(limit)?;
        text::time("before_ms", before_ms)?;
        let filter = cursor::due_filter(site, before_ms);
        let after = after.map(|cursor| cursor.time_and_id(&filter)).transpose()?;
        let state = self.lock();
        let mut found: Vec<_> = state
            .pages
            .values()
            .map(|row| &row.page)
            .filter(|page| page.site == site && page.status == Status::Published)
            .filter_map(|page| {
                Some((
                    (page.modified_at_ms.filter(|at| *at < before_ms)?, page.id.to_string()),
                    page,
                ))
            })
            .filter(|(at, _)| after.as_ref().is_none_or(|after| at > after))
            .collect();
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let more = found.len() > limit;
        let items: Vec<_> = found.into_iter().take(limit).map(|(_, page)| summary(page)).collect();
        let next = items
            .last()
            .filter(|_| more)
            .map(|page| Cursor::after_page(&filter, page));
        Ok(PageList { items, next })
    }

    async fn spend_by(&self, query: &SpendQuery, by: SpendBy) -> Result<Vec<SpendSum>> {
        let mut sums: BTreeMap<String, SpendTotals> = BTreeMap::new();
        let state = self.lock();
        for row in state.spend.values().filter(|row| row.is_in(query)) {
            let of = match by {
                SpendBy::Day => spend::date(row.at_ms / 86_400_000),
                SpendBy::Site => row.site.clone().unwrap_or_default(),
                SpendBy::Campaign => row.spend.campaign.clone(),
            };
            sums.entry(of).or_default().add(&row.spend);
        }
        Ok(sums.into_iter().map(|(of, totals)| SpendSum { of, totals }).collect())
    }
}
