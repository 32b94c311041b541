//! What an op was for, in words that two different changes do not share.

use crate::{Claim, Edit, OutboxClaim, PageRef, PostKey, PostRef, PostStatus, Status};

pub(crate) fn plan(rows: &[crate::check::PlanRow<'_>]) -> String {
    let parts = rows.iter().flat_map(|row| {
        [
            row.page.site.as_str(),
            &row.page.locale,
            &row.page.row_key,
            &row.source_hash,
        ]
    });
    format!("plan {} {}", rows.len(), crate::text::sha256_hex(parts))
}

pub(crate) fn claim(claim: &Claim) -> String {
    format!("claim {} for {}", claim.site, claim.owner)
}

pub(crate) fn page(verb: &str, page: &PageRef, to: Status) -> String {
    let mut text = String::with_capacity(80);
    text.push_str(verb);
    text.push(' ');
    text.push_str(page.id.0.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
    text.push('@');
    text.push_str(&page.version.to_string());
    text.push_str(" to ");
    text.push_str(to.as_str());
    text
}

pub(crate) fn edit(page: &PageRef, edit: &Edit) -> String {
    let wish = serde_json::to_string(edit).unwrap_or_default();
    format!(
        "edit {}@{} {}",
        page.id,
        page.version,
        crate::text::sha256_hex([wish.as_str()])
    )
}

pub(crate) fn delete(page: &PageRef) -> String {
    format!("delete {}@{}", page.id, page.version)
}

pub(crate) fn claim_outbox(claim: &OutboxClaim) -> String {
    format!("claim outbox for {}", claim.owner)
}

pub(crate) fn outbox(verb: &str, owner: &str, ids: &[crate::OutboxId]) -> String {
    let hash = crate::text::sha256_hex(ids.iter().map(crate::OutboxId::as_str));
    format!("{verb} {} for {owner} {hash}", ids.len())
}

pub(crate) fn claim_post(key: &PostKey, owner: &str) -> String {
    format!("claim post {} for {owner}", key.idempotency_key())
}

pub(crate) fn post(post: &PostRef, to: PostStatus) -> String {
    format!("post {}@{} to {to}", post.id, post.version)
}

pub(crate) fn dead_letter(letter: &crate::NewDeadLetter) -> String {
    let parts = [letter.queue.as_str(), &letter.message_id, &letter.body, &letter.reason];
    format!("dead letter {} {}", letter.attempts, crate::text::sha256_hex(parts))
}

pub(crate) fn dead_letters(verb: &str, owner: &str, ids: &[crate::DeadLetterId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let hash = crate::text::sha256_hex(ids.iter().map(String::as_str));
    format!("{verb} {} dead letters for `{owner}` {hash}", ids.len())
}

pub(crate) fn spend(rows: usize) -> String {
    format!("spend {rows}")
}
