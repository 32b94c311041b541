use std::collections::BTreeSet;

use async_trait::async_trait;

use super::{Done, MemoryStore, PageRow, STORE, State};
use crate::{
    Claim, Counts, Cursor, Error, NewPage, Op, OpId, Page, PageId, PageList, PageQuery, PageRef, PageSummary, Pages,
    PlanReport, Redirect, Result, Revision, SavePage, Status, Transition, check, cursor, edit, request, text,
};

#[async_trait]
impl Pages for MemoryStore {
    async fn plan(&self, op: &Op, topics: &[NewPage]) -> Result<PlanReport> {
        let rows = check::plan(STORE, op, topics)?;
        if rows.is_empty() {
            return Ok(PlanReport::default());
        }
        self.once(
            op,
            request::plan(&rows),
            |state| state.plan(op, &rows).map(Some),
            |_, done| {
                Ok(if let Some(Done::Plan(report)) = done {
                    *report
                } else {
                    PlanReport::default()
                })
            },
        )
    }

    async fn claim(&self, op: &Op, claim: &Claim) -> Result<Vec<Page>> {
        let until_ms = check::claim(op, claim)?;
        self.once(
            op,
            request::claim(claim),
            |state| Ok(state.claim(op, claim, until_ms)),
            |state, done| {
                let Some(Done::Pages(ids)) = done else {
                    return Ok(Vec::new());
                };
                let ours = |id: &PageId| {
                    let page = &state.pages.get(id)?.page;
                    let revision = state.revisions.get(&(*id, page.version))?;
                    (revision.op_id == op.id).then(|| page.clone())
                };
                Ok(ids.iter().filter_map(ours).collect())
            },
        )
    }

    async fn save(&self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Page> {
        check::save(STORE, op, save)?;
        self.once(
            op,
            request::page("save", page, save.to),
            |state| state.save(op, page, save),
            State::answer_page,
        )
    }

    async fn transition(&self, op: &Op, page: &PageRef, change: &Transition) -> Result<Page> {
        check::transition(op, change)?;
        let request = request::page("move", page, change.to);
        self.once(
            op,
            request,
            |state| state.transition(op, page, change),
            State::answer_page,
        )
    }

    async fn get(&self, id: &PageId) -> Result<Option<Page>> {
        Ok(self.lock().pages.get(id).map(|row| row.page.clone()))
    }

    async fn get_by_slug(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Page>> {
        let state = self.lock();
        let id = state.slugs.get(&(site.to_owned(), locale.to_owned(), slug.to_owned()));
        Ok(id.and_then(|id| state.pages.get(id)).map(|row| row.page.clone()))
    }

    async fn redirect(&self, site: &str, locale: &str, slug: &str) -> Result<Option<Redirect>> {
        let state = self.lock();
        let place = (site.to_owned(), locale.to_owned(), slug.to_owned());
        let to = state
            .redirects
            .get(&place)
            .map(|(page, _)| page.and_then(|id| state.pages.get(&id)));
        Ok(to.map(|page| page.map_or(Redirect::Gone, |row| Redirect::To(row.page.slug.clone()))))
    }

    async fn list<'a>(&self, query: &PageQuery, after: Option<&'a Cursor>, limit: u32) -> Result<PageList> {
        let limit = text::rows(limit)?;
        let filter = cursor::pages_filter(query);
        let after = after.map(|cursor| cursor.position(&filter)).transpose()?;
        let after: Option<PageId> = after.map(|id| id.parse()).transpose()?;
        let state = self.lock();
        let mut found = state
            .pages
            .values()
            .map(|row| &row.page)
            .filter(|page| after.is_none_or(|after| page.id > after))
            .filter(|page| page.site == query.site && query.status.is_none_or(|status| page.status == status));
        let items: Vec<_> = found.by_ref().take(limit).map(summary).collect();
        let more = found.next().is_some();
        let next = items
            .last()
            .filter(|_| more)
            .map(|page| Cursor::after(&filter, &page.id.to_string()));
        Ok(PageList { items, next })
    }

    async fn counts(&self, site: &str) -> Result<Counts> {
        let state = self.lock();
        Ok(state
            .pages
            .values()
            .filter(|row| row.page.site == site)
            .map(|row| (row.page.status, 1))
            .collect())
    }

    async fn revisions(&self, id: &PageId) -> Result<Vec<Revision>> {
        let state = self.lock();
        Ok(state
            .revisions
            .range((*id, 0)..=(*id, u64::MAX))
            .map(|(_, revision)| revision.clone())
            .collect())
    }

    async fn did_it_land(&self, op: &OpId) -> Result<bool> {
        Ok(self.lock().ops.contains_key(op))
    }
}

impl State {
    fn claim(&mut self, op: &Op, claim: &Claim, until_ms: i64) -> Option<Done> {
        let free = |page: &Page| match page.status {
            Status::Planned => page.not_before_ms.is_none_or(|at| at <= op.at_ms),
            _ => page.lease_until_ms.is_none_or(|until| until <= op.at_ms),
        };
        let found = |index: &BTreeSet<(String, i64, PageId)>, past: bool, limit: usize| -> Vec<Page> {
            index
                .iter()
                .skip_while(|(site, ..)| *site < claim.site)
                .take_while(|(site, ..)| *site == claim.site)
                .filter_map(|(_, _, id)| self.pages.get(id))
                .map(|row| &row.page)
                .filter(|page| free(page) && (page.attempts >= claim.max_attempts) == past)
                .take(limit)
                .cloned()
                .collect()
        };
        let given_up = found(&self.tried, true, usize::MAX);
        let taken = found(&self.open, false, claim.limit as usize);
        if taken.is_empty() && given_up.is_empty() {
            return None;
        }
        for page in given_up {
            let last_error = page.last_error.clone().or_else(|| Some(check::GAVE_UP.to_owned()));
            let page = Page {
                status: Status::Failed,
                last_error: last_error.clone(),
                ..released(page)
            };
            self.replace(op, page, last_error);
        }
        let mut ids = Vec::new();
        for page in taken {
            ids.push(page.id);
            let page = Page {
                status: Status::Generating,
                attempts: page.attempts + 1,
                lease_owner: Some(claim.owner.clone()),
                lease_until_ms: Some(until_ms),
                not_before_ms: None,
                ..page
            };
            self.replace(op, page, None);
        }
        Some(Done::Pages(ids))
    }

    pub(super) fn find(&self, page: &PageRef) -> Result<Page> {
        match self.pages.get(&page.id) {
            Some(row) => Ok(row.page.clone()),
            None => Err(Error::NotFound {
                store: STORE,
                what: "page",
                id: page.id.to_string(),
            }),
        }
    }

    fn save(&mut self, op: &Op, page: &PageRef, save: &SavePage) -> Result<Option<Done>> {
        let found = self.find(page)?;
        check::page_step(STORE, page, (found.version, found.status), save.to, check::may_save)?;
        let content = match (&found.content, self.locks.get(&found.id)) {
            (Some(old), Some(locked)) => edit::keep_locked(old, locked, &save.content),
            _ => save.content.clone(),
        };
        let mut page = Page {
            status: save.to,
            published_at_ms: published(&found, op, save.to),
            last_error: None,
            ..released(found)
        };
        self.overwrite(op, &mut page, content);
        let id = page.id;
        self.replace(op, page, None);
        self.put_with(op, id, &save.outbox, &save.spend);
        Ok(Some(Done::Page(id)))
    }

    fn transition(&mut self, op: &Op, page: &PageRef, change: &Transition) -> Result<Option<Done>> {
        let found = self.find(page)?;
        check::page_step(
            STORE,
            page,
            (found.version, found.status),
            change.to,
            Status::may_transition,
        )?;
        let last_error = if check::keeps_reason(change.to) {
            change.reason.clone()
        } else {
            None
        };
        // A page planned again by hand starts afresh; one that comes back from a writer keeps its attempts.
        let afresh = change.to == Status::Planned && found.status != Status::Generating;
        let page = Page {
            status: change.to,
            attempts: if afresh {
                0
            } else {
                found.attempts - u32::from(change.release)
            },
            published_at_ms: published(&found, op, change.to),
            last_error,
            ..released(found)
        };
        let page = Page {
            not_before_ms: change.not_before_ms,
            ..page
        };
        let id = page.id;
        self.replace(op, page, change.reason.clone());
        self.put_with(op, id, &change.outbox, &change.spend);
        Ok(Some(Done::Page(id)))
    }

    pub(super) fn replace(&mut self, op: &Op, page: Page, reason: Option<String>) {
        let source_hash = self
            .pages
            .get(&page.id)
            .map(|row| row.source_hash.clone())
            .unwrap_or_default();
        self.put(op, page, source_hash, reason);
    }

    pub(super) fn answer_page(&self, done: Option<&Done>) -> Result<Page> {
        match done {
            Some(Done::Page(id)) => match self.pages.get(id) {
                Some(PageRow { page, .. }) => Ok(page.clone()),
                None => Err(Error::NotFound {
                    store: STORE,
                    what: "page",
                    id: id.to_string(),
                }),
            },
            _ => Err(text::invalid("op", "was used for another change")),
        }
    }
}

fn released(page: Page) -> Page {
    Page {
        lease_owner: None,
        lease_until_ms: None,
        not_before_ms: None,
        ..page
    }
}

fn published(page: &Page, op: &Op, to: Status) -> Option<i64> {
    page.published_at_ms
        .or_else(|| (to == Status::Published).then_some(op.at_ms))
}

pub(super) fn summary(page: &Page) -> PageSummary {
    let content = page.content.as_ref();
    PageSummary {
        id: page.id,
        site: page.site.clone(),
        locale: page.locale.clone(),
        slug: page.slug.clone(),
        row_key: page.row_key.clone(),
        primary_keyword: page.primary_keyword.clone(),
        status: page.status,
        version: page.version,
        attempts: page.attempts,
        last_error: page.last_error.clone(),
        title: content.map(|content| content.title.clone()),
        description: content.map(|content| content.description.clone()),
        canonical_url: content.map(|content| content.canonical_url.clone()),
        created_at_ms: page.created_at_ms,
        updated_at_ms: page.updated_at_ms,
        published_at_ms: page.published_at_ms,
        modified_at_ms: page.modified_at_ms,
    }
}
