use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::{Post, SocialTarget};

/// The idempotency key of `post` on `target` in `campaign`: the same for every attempt at the same intent, another for
/// another network, account, campaign or content. 43 characters.
///
/// Of uploads only number and alternative texts count, because a repeated upload has another id.
///
/// ```
/// use presswork_social::{Outbox, Post, idempotency_key};
///
/// let target = Outbox::memory();
/// let key = idempotency_key(&target, "launch", &Post::new("We are live."));
/// assert_eq!(key, idempotency_key(&target, "launch", &Post::new("We are live.").idempotency_key("any")));
/// assert_ne!(key, idempotency_key(&target, "relaunch", &Post::new("We are live.")));
/// ```
pub fn idempotency_key(target: &dyn SocialTarget, campaign: &str, post: &Post) -> String {
    let mut content = post.clone();
    content.idempotency_key = None;
    let thumb = content.card.as_mut().and_then(|card| card.thumb.as_mut());
    for media in content.media.iter_mut().chain(thumb) {
        media.id.clear();
    }
    // A post is plain data, so it always has a JSON form.
    let content = serde_json::to_string(&content).unwrap_or_default();
    let mut hash = Sha256::new();
    for field in [target.network(), target.account(), campaign, &content] {
        // The length keeps apart what would be the same when joined.
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let mut key = String::from("pw-");
    for byte in &hash.finalize()[..20] {
        // Writing to a string cannot fail.
        let _ = write!(key, "{byte:02x}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outbox, UploadedMedia};

    #[test]
    fn keys_change_with_the_intent_alone() {
        let (here, there) = (Outbox::memory(), Outbox::memory().with_account("outbox/other"));
        let upload = |id: &str| UploadedMedia::new("outbox", id, Some("a cat".into()));
        let post = Post::new("a").media(upload("1"));
        let key = idempotency_key(&here, "c", &post);
        assert_eq!(key.len(), 43);
        assert_eq!(
            key,
            idempotency_key(&here, "c", &Post::new("a").media(upload("2")).idempotency_key("k"))
        );
        let others = [
            idempotency_key(&there, "c", &post),
            idempotency_key(&here, "d", &post),
            idempotency_key(&here, "c", &Post::new("a")),
            idempotency_key(&here, "c", &post.clone().language("en")),
            idempotency_key(&here, "c", &post.clone().part("b")),
        ];
        for (index, other) in others.iter().enumerate() {
            assert!(*other != key && !others[..index].contains(other), "{index}");
        }
    }
}
