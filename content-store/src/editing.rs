//! [`Editing`]: what people do to pages.

use async_trait::async_trait;

use crate::{Content, Edit, Field, Op, Page, PageId, PageRef, Result};

/// People's changes to pages. No part of [`ContentStore`](crate::ContentStore): a Worker that only writes and posts does
/// not carry it.
///
/// Writes are repeated as those of [`Pages`](crate::Pages) are.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Editing: Send + Sync {
    /// Changes a page by hand: `draft`, `in_review`, `approved`, `published`, `stale` or `rejected`.
    ///
    /// - Named fields are written, others stay; the version goes up with a revision (`edit_writes_what_it_names`).
    /// - Written fields are locked: a later [`save`](crate::Pages::save) leaves them and writes the others
    ///   (`edit_locks_what_it_wrote`).
    /// - Unlocked fields are the writer's again (`edit_may_unlock`).
    /// - Another slug of a published page leaves a redirect in the same transaction; one of a page that was never public
    ///   leaves none (`edit_of_a_published_slug_leaves_a_redirect`).
    /// - Redirects lead to the page's slug of today, however often it moved (`redirects_do_not_chain`).
    /// - A slug that comes into use again, by an edit or a plan, has no redirect (`a_slug_in_use_has_no_redirect`).
    /// - A slug of another page is [`Conflict`](crate::Error::Conflict), and nothing is written (`edit_refuses_a_taken_slug`).
    /// - A planned, generating, failed or archived page is [`IllegalTransition`](crate::Error::IllegalTransition)
    ///   (`edit_is_only_for_written_pages`).
    /// - An edit of nothing, a malformed slug, too long a text, a word count without a body, a field both written and
    ///   unlocked are refused (`edit_refuses_senseless_wishes`).
    /// - A stale version is refused (`edit_refuses_a_stale_version`).
    /// - The same op repeated is one change; another edit with that op is [`OpReused`](crate::Error::OpReused)
    ///   (`edit_repeats`).
    async fn edit(&self, op: &Op, page: &PageRef, edit: &Edit) -> Result<Page>;

    /// Deletes a page with its revisions, its messages not yet sent, and its posts that never left the house (`claimed`,
    /// `retry`, `rejected`).
    ///
    /// - It is gone, and its row key, slug and keyword are free (`delete_frees_what_was_taken`).
    /// - Its slug, if it was ever public, and every redirect to it are [`Gone`](crate::Redirect::Gone)
    ///   (`delete_leaves_a_tombstone`).
    /// - Receipts, calls under way and parked posts stay, and can still be claimed and settled (`delete_keeps_receipts`).
    /// - Costs stay (`delete_keeps_receipts`).
    /// - A stale version is refused; a page that does not exist is [`NotFound`](crate::Error::NotFound)
    ///   (`delete_refuses_a_stale_version`).
    /// - The same op repeated succeeds (`delete_repeats`).
    async fn delete(&self, op: &Op, page: &PageRef) -> Result<()>;

    /// The fields of a page that a person wrote. Empty for one that does not exist.
    async fn locked(&self, id: &PageId) -> Result<Vec<Field>>;

    /// What a page said at a version, to be shown or compared by [`Content::changes`].
    ///
    /// - Every version from the first content on can be read, until it is pruned (`content_of_every_version_is_kept`).
    /// - `None` for a version without content, one that is pruned or does not exist (`content_of_every_version_is_kept`).
    ///
    /// Two versions that a reader cannot tell apart share `quality`, `model` and `word_count`.
    async fn content_at(&self, id: &PageId, version: u64) -> Result<Option<Content>>;
}

const _: fn(&dyn Editing) = |_| {};
