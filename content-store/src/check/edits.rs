//! Edits.

use super::{content, stale};
use crate::{Content, Edit, Error, Op, PageRef, PostStatus, Result, Status, limits, text};

/// Posts of which nothing can be on a network.
pub(crate) const NEVER_OUT: [PostStatus; 3] = [PostStatus::Claimed, PostStatus::Retry, PostStatus::Rejected];

/// Pages that have content and no writer.
pub(crate) const EDITABLE: [Status; 6] = [
    Status::Draft,
    Status::InReview,
    Status::Approved,
    Status::Published,
    Status::Stale,
    Status::Rejected,
];

pub(crate) fn edit(op: &Op, edit: &Edit) -> Result<()> {
    text::op(op)?;
    edit.slug.as_deref().map_or(Ok(()), text::slug)?;
    content(&edit.apply(Content::default()))?;
    text::free("reason", edit.reason.as_deref().unwrap_or(""), limits::TEXT)?;
    if edit.word_count.is_some() && edit.body_html.is_none() {
        return Err(text::invalid("word_count", "goes with a body alone"));
    }
    let fields = edit.fields();
    if let Some(field) = fields.iter().find(|field| edit.unlock.contains(field)) {
        return Err(text::invalid("unlock", format!("names {field}, which is also written")));
    }
    if fields.is_empty() && edit.slug.is_none() && edit.unlock.is_empty() {
        return Err(text::invalid("edit", "changes nothing"));
    }
    Ok(())
}

/// Why an edit of a page at `found` was refused, or nothing when it may be edited.
pub(crate) fn edit_step(store: &'static str, page: &PageRef, (version, status): (u64, Status)) -> Result<()> {
    if version != page.version {
        return Err(stale(store, "page", page.id.to_string(), page.version, version));
    }
    if EDITABLE.contains(&status) {
        Ok(())
    } else {
        Err(not_editable(store, status))
    }
}

pub(crate) fn not_editable(store: &'static str, from: Status) -> Error {
    Error::IllegalTransition {
        store,
        what: "page",
        from: from.as_str(),
        to: "edited",
    }
}
