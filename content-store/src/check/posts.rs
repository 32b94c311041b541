//! Posts.

use super::stale;
use crate::{Error, Op, PostClaim, PostKey, PostOutcome, PostRecord, PostRef, PostStatus, Result, limits, text};

pub(crate) fn post_key(key: &PostKey) -> Result<()> {
    text::key("target", &key.target)?;
    text::key("account", &key.account)?;
    text::key_or_empty("campaign", &key.campaign)
}

pub(crate) fn outcome(op: &Op, outcome: &PostOutcome) -> Result<()> {
    text::op(op)?;
    match outcome {
        PostOutcome::Posted { remote_id, url } => {
            text::key("remote_id", remote_id)?;
            text::free("url", url.as_deref().unwrap_or(""), limits::URL)
        }
        PostOutcome::Retry { error, not_before_ms } => {
            text::free("error", error, limits::TEXT)?;
            text::time("not_before_ms", *not_before_ms)
        }
        PostOutcome::Unknown {
            evidence,
            error,
            not_before_ms,
        } => {
            text::json_size("evidence", evidence, limits::JSON)?;
            text::free("error", error, limits::TEXT)?;
            text::time("not_before_ms", *not_before_ms)
        }
        PostOutcome::Rejected { error } | PostOutcome::Parked { error } => text::free("error", error, limits::TEXT),
    }
}

/// Why a write on a post at `found` was refused, or nothing when the step is legal.
pub(crate) fn post_step(
    store: &'static str,
    post: &PostRef,
    found: (u64, PostStatus),
    to: PostStatus,
    legal: fn(PostStatus, PostStatus) -> bool,
) -> Result<()> {
    let (version, status) = found;
    if version != post.version {
        return Err(stale(store, "post", post.id.to_string(), post.version, version));
    }
    if legal(status, to) {
        return Ok(());
    }
    Err(Error::IllegalTransition {
        store,
        what: "post",
        from: status.as_str(),
        to: to.as_str(),
    })
}

/// The step of [`arm_post`](crate::PostLedger::arm_post).
pub(crate) fn may_arm(from: PostStatus, to: PostStatus) -> bool {
    from == PostStatus::Claimed && to == PostStatus::InFlight
}

/// What a claim says to a post it cannot have. `None`: it may have it.
pub(crate) fn not_claimable(post: &PostRecord, now_ms: i64) -> Option<PostClaim> {
    match post.status {
        PostStatus::Posted => return Some(PostClaim::Posted(post.clone())),
        PostStatus::Rejected | PostStatus::Parked => return Some(PostClaim::Closed(post.clone())),
        PostStatus::Claimed | PostStatus::InFlight | PostStatus::Unknown | PostStatus::Retry => {}
    }
    if let Some(until_ms) = post.claim_until_ms.filter(|until| *until > now_ms) {
        return Some(PostClaim::Busy { until_ms });
    }
    post.not_before_ms
        .filter(|at| *at > now_ms)
        .map(|at_ms| PostClaim::NotBefore { at_ms })
}

/// What the holder of a post has to do with it.
pub(crate) fn held(post: PostRecord) -> PostClaim {
    if post.status == PostStatus::Unknown {
        PostClaim::Unsettled(post)
    } else {
        PostClaim::Claimed(post)
    }
}

/// The answer to a repeated claim whose post has moved on since.
pub(crate) fn moved_on(post: &PostRecord, now_ms: i64) -> PostClaim {
    not_claimable(post, now_ms).unwrap_or(PostClaim::Busy { until_ms: now_ms })
}
