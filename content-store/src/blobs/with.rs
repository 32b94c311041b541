//! [`WithBlobs`]: a store whose large bodies are elsewhere.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::{BlobKey, BlobStore};
use crate::{Content, Error, Mark, Page, Result, Transfer, limits, text};

/// What a row says instead of its body: this, the key, a colon and the number of bytes.
const MARK: &str = "presswork-blob:sha256:";

/// A store that keeps bodies past a size in a [`BlobStore`], and reads them back unseen.
///
/// A body is put there before the row is written that names it, so a row is never without its body. What a crash between
/// the two leaves, or a write that is refused, is a blob that no row names: [`sweep`](Self::sweep) takes it away, as it does
/// the bodies of pages deleted and of contents pruned.
///
/// Without this wrapper a body past [`limits::BODY`] is refused by every store with
/// [`TooLarge`](Error::TooLarge), before anything is written. With it the limit is [`limits::BLOB`].
///
/// - Whoever reads or writes the store needs the wrapper with the same blobs; without it a body is read as its mark.
/// - [`Page::content_hash`] is the one over the row: it covers the body by its hash. It differs from the hash that
///   the content would have in the row itself, so a page saved anew after the size was changed counts as modified.
/// - [`Transfer`] moves rows, not blobs: copy the folder or bucket first, or share it.
/// - A body that is gone, or is not what was put, is [`Corrupt`](Error::Corrupt). When the blobs cannot be reached after a
///   change was committed, the answer is [`OutcomeUnknown`](Error::OutcomeUnknown): repeated with the same op, the change
///   stays one.
///
/// ```
/// use presswork_content_store::{MemoryBlobs, MemoryStore, WithBlobs};
///
/// let store = WithBlobs::new(MemoryStore::new(), MemoryBlobs::new());
/// ```
#[derive(Clone, Debug)]
pub struct WithBlobs<S, B> {
    pub(super) store: S,
    blobs: B,
    over: usize,
}

impl<S, B> WithBlobs<S, B> {
    /// A store whose bodies past [`limits::BODY`] go to the blobs.
    pub fn new(store: S, blobs: B) -> Self {
        Self {
            store,
            blobs,
            over: limits::BODY,
        }
    }

    /// Bodies of more bytes than this go to the blobs, 0 to [`limits::BODY`]: fewer keep the rows small.
    ///
    /// # Errors
    /// [`InvalidInput`](Error::InvalidInput): it is more.
    pub fn over(mut self, bytes: usize) -> Result<Self> {
        if bytes > limits::BODY {
            return Err(text::invalid("over", "is more than a row takes"));
        }
        self.over = bytes;
        Ok(self)
    }

    /// The store inside.
    pub fn inner(&self) -> &S {
        &self.store
    }
}

impl<S: Sync, B: BlobStore> WithBlobs<S, B> {
    /// Puts a body away that is too large for a row; what the row says instead.
    pub(super) async fn put(&self, body: &str) -> Result<Option<String>> {
        text::free("body_html", body, limits::BLOB)?;
        // What looks like a mark is put away too, so that no writer can make one.
        if body.len() <= self.over && !body.starts_with(MARK) {
            return Ok(None);
        }
        let key = BlobKey::of(body.as_bytes());
        self.blobs.put(&key, body.as_bytes()).await?;
        Ok(Some(format!("{MARK}{key}:{}", body.len())))
    }

    /// The content with its body put away, and what stands for it.
    pub(super) async fn away<'a>(&self, content: &'a Content) -> Result<Cow<'a, Content>> {
        Ok(match self.put(&content.body_html).await? {
            None => Cow::Borrowed(content),
            // Without a copy of the body.
            Some(mark) => Cow::Owned(Content {
                title: content.title.clone(),
                description: content.description.clone(),
                keywords: content.keywords.clone(),
                body_html: mark,
                image_prompt: content.image_prompt.clone(),
                hooks: content.hooks.clone(),
                canonical_url: content.canonical_url.clone(),
                quality: content.quality.clone(),
                model: content.model.clone(),
                word_count: content.word_count,
            }),
        })
    }

    /// The content with its body.
    pub(super) async fn whole(&self, mut content: Content) -> Result<Content> {
        if let Some((key, len)) = read_mark(&content.body_html) {
            let corrupt = |what: &str| Error::Corrupt {
                store: "blobs",
                place: format!("blob {key}"),
                detail: what.to_owned(),
                source: None,
            };
            let body = self.blobs.get(&key).await?;
            let body = body.ok_or_else(|| corrupt("a row names it and it is not there"))?;
            if body.len() != len || BlobKey::of(&body) != key {
                return Err(corrupt("it holds other bytes than were put"));
            }
            content.body_html = String::from_utf8(body).map_err(|_| corrupt("it is not text"))?;
        }
        Ok(content)
    }

    /// The page with its body.
    pub(super) async fn page(&self, mut page: Page) -> Result<Page> {
        if let Some(content) = page.content.take() {
            page.content = Some(self.whole(content).await?);
        }
        Ok(page)
    }

    /// As [`page`](Self::page), after a write: that nothing could be read does not mean that nothing was written.
    pub(super) async fn written(&self, page: Page) -> Result<Page> {
        self.page(page).await.map_err(|error| match error {
            Error::Corrupt { .. } => error,
            error => Error::OutcomeUnknown {
                store: "blobs",
                message: error.to_string(),
                source: Some(Arc::new(error)),
            },
        })
    }
}

impl<S: Transfer, B: BlobStore> WithBlobs<S, B> {
    /// Deletes blobs that were last put before a time (epoch ms) and that no row names. Gives how many.
    ///
    /// Reads every row, so it is a job for a quiet hour. A save puts its body first and writes its row at once: with a time at
    /// least an hour ago no save under way loses its own. One hole is left: a save of the very bytes of an old blob that no
    /// row names, in the moment in which it is deleted, ends as a row without its body. Where texts come back word for word
    /// after they were deleted, run it while nobody saves.
    ///
    /// # Errors
    /// As [`Transfer::export`] and [`BlobStore`]. What was deleted until then is gone, and the call may be repeated.
    pub async fn sweep(&self, before_ms: i64) -> Result<u64> {
        // The candidates come first: a row written after they were listed names a blob that was put after that time, or
        // is read below.
        let mut old = BTreeSet::new();
        let mut after = None;
        loop {
            let piece = self.blobs.list(after.as_ref(), 1_000).await?;
            let Some(last) = piece.last() else { break };
            after = Some(last.key.clone());
            let aged = piece.into_iter().filter(|entry| entry.put_at_ms < before_ms);
            old.extend(aged.map(|entry| entry.key));
        }
        let mut mark: Option<Mark> = None;
        while !old.is_empty() {
            let piece = self.store.export(mark.as_ref(), 100).await?;
            for record in &piece.records {
                if let Some((key, _)) = record.text("body_html").and_then(read_mark) {
                    old.remove(&key);
                }
            }
            mark = piece.next;
            if mark.is_none() {
                break;
            }
        }
        let mut deleted = 0;
        for key in &old {
            self.blobs.delete(key).await?;
            deleted += 1;
        }
        Ok(deleted)
    }
}

fn read_mark(body: &str) -> Option<(BlobKey, usize)> {
    let (key, len) = body.strip_prefix(MARK)?.split_once(':')?;
    Some((BlobKey::parse(key).ok()?, len.parse().ok()?))
}
