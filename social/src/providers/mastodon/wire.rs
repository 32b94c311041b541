use std::time::Duration;

use serde_json::{Value, json};

use crate::{Counter, Limits, Post, Visibility, http::list};

/// Body of `POST /api/v1/statuses`.
pub(super) fn new_status(post: &Post) -> Value {
    let mut body = edit(post);
    if let Some(id) = &post.reply_to {
        body["in_reply_to_id"] = id.as_str().into();
    }
    if let Some(visibility) = post.visibility {
        body["visibility"] = match visibility {
            Visibility::Public => "public",
            Visibility::Unlisted => "unlisted",
            Visibility::Private => "private",
            Visibility::Direct => "direct",
        }
        .into();
    }
    body
}

/// What an edit may change: neither the answered post nor who sees it.
pub(super) fn edit(post: &Post) -> Value {
    let mut body = json!({"status": post.full_text()});
    if !post.media.is_empty() {
        let ids: Vec<Value> = post.media.iter().map(|media| media.id.as_str().into()).collect();
        body["media_ids"] = ids.into();
    }
    if let Some(language) = &post.language {
        body["language"] = language.as_str().into();
    }
    if let Some(warning) = &post.content_warning {
        body["spoiler_text"] = warning.as_str().into();
    }
    body
}

/// Writes over `limits` what the instance says of itself, in `/api/v2/instance` or its predecessor; a missing number
/// stays as it was.
pub(super) fn apply(instance: &Value, limits: &mut Limits) {
    let number = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    let statuses = &instance["configuration"]["statuses"];
    let media = &instance["configuration"]["media_attachments"];
    let per_url = number(&statuses["characters_reserved_per_url"]).unwrap_or(super::PER_URL);
    // Servers that speak the API under another name count stricter than they announce, and whether they know
    // idempotency keys differs by version.
    let named = |field: &str| instance[field].as_str().unwrap_or_default();
    let compatible = !is_mastodon(named("version"), named("source_url"));
    limits.counter = if compatible {
        Counter::Strictest { per_url }
    } else {
        Counter::Mastodon { per_url }
    };
    limits.idempotency = (!compatible).then_some(super::KEY_WINDOW);
    // The second one is of Pleroma and its relatives, in version 1 only.
    if let Some(max) = number(&statuses["max_characters"]).or_else(|| number(&instance["max_toot_chars"])) {
        limits.max_text = max;
    }
    if let Some(max) = number(&statuses["max_media_attachments"]) {
        limits.media.max_count = max;
    }
    if let Some(max) = number(&media["description_limit"]) {
        limits.media.max_alt = max;
    }
    if let Some(max) = media["image_size_limit"].as_u64() {
        limits.media.max_bytes = max;
    }
    if let Some(max) = media["video_size_limit"].as_u64() {
        limits.media.max_video_bytes = max;
    }
    if media["supported_mime_types"].is_array() {
        let types = list(&media["supported_mime_types"]).iter();
        limits.media.content_types = types.filter_map(|kind| kind.as_str().map(str::to_owned)).collect();
    }
}

/// Whether the server is Mastodon itself or a fork that counts and remembers as it does. The others name themselves in
/// the version (`2.7.2 (compatible; Pleroma 2.6.0)`, `3.5.3 (compatible; Pixelfed 0.12.3)`), count their own versions
/// from 0 or carry them as a number behind the one they imitate (GoToSocial, `3.5.3+0.16.0`).
fn is_mastodon(version: &str, source_url: &str) -> bool {
    const OTHERS: [&str; 10] = [
        "compatible",
        "gotosocial",
        "pleroma",
        "akkoma",
        "pixelfed",
        "friendica",
        "takahe",
        "sharkey",
        "iceshrimp",
        "mitra",
    ];
    let named = format!("{version} {source_url}").to_ascii_lowercase();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let numbered = version
        .split_once('+')
        .is_some_and(|(_, build)| build.starts_with(|c: char| c.is_ascii_digit()));
    // The header is known since 2.0.
    !OTHERS.iter().any(|other| named.contains(other)) && major.is_some_and(|major| major >= 2) && !numbered
}

/// How long to wait before each look at an upload that is being processed: a minute in all.
pub(super) const POLLS: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
    Duration::from_secs(15),
    Duration::from_secs(15),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart() {
        for mastodon in [
            "4.5.2",
            "4.6.0-nightly.2026-11-01",
            "4.5.0+glitch",
            "2.9.3",
            "4.3.1+hometown-1.1.1",
        ] {
            assert!(
                is_mastodon(mastodon, "https://github.com/mastodon/mastodon"),
                "{mastodon}"
            );
        }
        for other in [
            "2.7.2 (compatible; Pleroma 2.6.0)",
            "3.5.3 (compatible; Pixelfed 0.12.3)",
            "2.7.2 (compatible; Akkoma 3.10.4)",
            "3.5.3+0.16.0-git",
            "0.17.3+git-abc",
            "takahe/0.11.0",
            "4.2.1 (compatible; Iceshrimp.NET/2024)",
            "",
        ] {
            assert!(!is_mastodon(other, ""), "{other}");
        }
        assert!(!is_mastodon(
            "4.0.0",
            "https://codeberg.org/superseriousbusiness/gotosocial"
        ));
    }
}
