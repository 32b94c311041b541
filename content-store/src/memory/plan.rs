use super::{Done, STORE, State, place};
use crate::check::PlanRow;
use crate::{Error, NewPage, Op, Page, PageId, PlanReport, Result, Status};

impl State {
    pub(super) fn plan(&mut self, op: &Op, rows: &[PlanRow<'_>]) -> Result<Done> {
        for row in rows {
            let new = row.page;
            for (field, value, taken) in [
                ("slug", &new.slug, &self.slugs),
                ("primary_keyword", &new.primary_keyword, &self.keywords),
            ] {
                let place = (new.site.clone(), new.locale.clone(), value.clone());
                let owner = taken
                    .get(&place)
                    .and_then(|id| self.pages.get(id))
                    .map(|row| &row.page.row_key);
                if let Some(row_key) = owner.filter(|row_key| **row_key != new.row_key) {
                    let (value, row_key) = (value.clone(), row_key.clone());
                    return Err(Error::Conflict {
                        store: STORE,
                        field,
                        value,
                        row_key,
                    });
                }
            }
        }
        let mut report = PlanReport::default();
        for row in rows {
            self.plan_one(op, row, &mut report);
        }
        Ok(Done::Plan(report))
    }

    fn plan_one(&mut self, op: &Op, row: &PlanRow<'_>, report: &mut PlanReport) {
        let new = row.page;
        let key = (new.site.clone(), new.locale.clone(), new.row_key.clone());
        let known = self.row_keys.get(&key).and_then(|id| self.pages.get(id));
        let page = match known {
            None => {
                report.created += 1;
                new_page(op, new)
            }
            Some(known) if known.source_hash == row.source_hash => {
                report.unchanged += 1;
                return;
            }
            Some(known) if known.page.status.is_replannable() => {
                report.updated += 1;
                let page = known.page.clone();
                self.slugs.remove(&place(&page, &page.slug));
                self.keywords.remove(&place(&page, &page.primary_keyword));
                Page {
                    slug: new.slug.clone(),
                    primary_keyword: new.primary_keyword.clone(),
                    topic: new.topic.clone(),
                    ..page
                }
            }
            Some(_) => {
                report.existing += 1;
                return;
            }
        };
        self.row_keys.insert(key, page.id);
        self.redirects.remove(&place(&page, &page.slug));
        self.slugs.insert(place(&page, &page.slug), page.id);
        self.keywords.insert(place(&page, &page.primary_keyword), page.id);
        self.put(op, page, row.source_hash.clone(), None);
    }
}

fn new_page(op: &Op, new: &NewPage) -> Page {
    Page {
        id: PageId::new(),
        site: new.site.clone(),
        locale: new.locale.clone(),
        slug: new.slug.clone(),
        row_key: new.row_key.clone(),
        primary_keyword: new.primary_keyword.clone(),
        topic: new.topic.clone(),
        status: Status::Planned,
        version: 0,
        attempts: 0,
        last_error: None,
        not_before_ms: None,
        lease_owner: None,
        lease_until_ms: None,
        content: None,
        content_hash: None,
        created_at_ms: op.at_ms,
        updated_at_ms: op.at_ms,
        published_at_ms: None,
        modified_at_ms: None,
    }
}
