use async_trait::async_trait;

use super::{Done, MemoryStore, STORE, Snapshot, State, place};
use crate::{
    Content, Edit, Editing, Error, Field, Op, Page, PageId, PageRef, PostStatus, Result, Revision, check, request,
};

#[async_trait]
impl Editing for MemoryStore {
    async fn edit(&self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Page> {
        check::edit(op, edit)?;
        self.once(
            op,
            request::edit(page, edit),
            |state| state.edit(op, page, edit),
            State::answer_page,
        )
    }

    async fn delete(&self, op: &Op, page: &PageRef) -> Result<()> {
        crate::text::op(op)?;
        self.once(op, request::delete(page), |state| state.delete(op, page), |_, _| Ok(()))
    }

    async fn locked(&self, id: &PageId) -> Result<Vec<Field>> {
        Ok(self.lock().locks.get(id).cloned().unwrap_or_default())
    }

    async fn content_at(&self, id: &PageId, version: u64) -> Result<Option<Content>> {
        let state = self.lock();
        let Some(Revision {
            content_hash: Some(hash),
            ..
        }) = state.revisions.get(&(*id, version))
        else {
            return Ok(None);
        };
        let kept = state.snapshots.range((*id, version)..=(*id, u64::MAX)).next();
        let (content, of) = match (kept, state.pages.get(id)) {
            (Some((_, kept)), _) => (Some(&kept.content), Some(&kept.hash)),
            (None, Some(row)) => (row.page.content.as_ref(), row.page.content_hash.as_ref()),
            (None, None) => (None, None),
        };
        Ok(content.filter(|_| of == Some(hash)).cloned())
    }
}

impl State {
    fn edit(&mut self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Option<Done>> {
        let found = self.find(page)?;
        check::edit_step(STORE, page, (found.version, found.status))?;
        let Some(content) = found.content.clone() else {
            return Err(check::not_editable(STORE, found.status));
        };
        let mut new = found.clone();
        if let Some(slug) = edit.slug.as_ref().filter(|slug| **slug != found.slug) {
            let wanted = place(&found, slug);
            if let Some(holder) = self.slugs.get(&wanted).and_then(|id| self.pages.get(id)) {
                return Err(Error::Conflict {
                    store: STORE,
                    field: "slug",
                    value: slug.clone(),
                    row_key: holder.page.row_key.clone(),
                });
            }
            let old = place(&found, &found.slug);
            self.slugs.remove(&old);
            self.slugs.insert(wanted.clone(), found.id);
            self.redirects.remove(&wanted);
            if found.published_at_ms.is_some() {
                self.redirects.insert(old, (Some(found.id), op.at_ms));
            }
            new.slug.clone_from(slug);
        }
        self.overwrite(op, &mut new, edit.apply(content));
        let locks = edit.locks(&self.locks.remove(&found.id).unwrap_or_default());
        self.locks.insert(found.id, locks);
        self.replace(op, new, edit.reason.clone());
        Ok(Some(Done::Page(found.id)))
    }

    /// Puts content in a page, and keeps what it replaces.
    pub(super) fn overwrite(&mut self, op: &Op, page: &mut Page, content: Content) {
        let hash = check::content_hash(&content);
        if page.content_hash.as_ref() != Some(&hash) {
            if let (Some(content), Some(hash)) = (page.content.take(), page.content_hash.take()) {
                let at_ms = op.at_ms;
                let kept = Snapshot { content, hash, at_ms };
                self.snapshots.insert((page.id, page.version), kept);
            }
            page.modified_at_ms = Some(op.at_ms);
        }
        page.content = Some(content);
        page.content_hash = Some(hash);
    }

    fn delete(&mut self, op: &Op, page: &PageRef) -> Result<Option<Done>> {
        let found = self.find(page)?;
        if found.version != page.version {
            let id = page.id.to_string();
            return Err(check::stale(STORE, "page", id, page.version, found.version));
        }
        for (to, at_ms) in self.redirects.values_mut().filter(|(to, _)| *to == Some(found.id)) {
            (*to, *at_ms) = (None, op.at_ms);
        }
        let slug = place(&found, &found.slug);
        if found.published_at_ms.is_some() {
            self.redirects.insert(slug.clone(), (None, op.at_ms));
        }
        self.slugs.remove(&slug);
        self.keywords.remove(&place(&found, &found.primary_keyword));
        self.row_keys.remove(&place(&found, &found.row_key));
        self.open.remove(&(found.site.clone(), found.created_at_ms, found.id));
        self.outbox.retain(|_, row| row.is_sent() || row.page_id() != found.id);
        let inside = |status: PostStatus| check::NEVER_OUT.contains(&status);
        self.posts
            .retain(|_, row| row.record.key.page_id != found.id || !inside(row.record.status));
        let posts = &self.posts;
        self.post_keys.retain(|_, id| posts.contains_key(id));
        self.revisions.retain(|(id, _), _| *id != found.id);
        self.snapshots.retain(|(id, _), _| *id != found.id);
        self.locks.remove(&found.id);
        self.pages.remove(&found.id);
        Ok(Some(Done::Deleted))
    }
}
