use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Counter, Limits, Post, Visibility};

/// Body of `POST /api/v1/statuses` and of an edit.
#[derive(Debug, Serialize)]
pub(super) struct NewStatus<'a> {
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    media_ids: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visibility: Option<Visibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spoiler_text: Option<&'a str>,
}

impl<'a> NewStatus<'a> {
    /// What an edit may change: neither the answered post nor who sees it.
    pub(super) fn edit(post: &'a Post) -> Self {
        Self {
            in_reply_to_id: None,
            visibility: None,
            ..Self::new(post)
        }
    }

    pub(super) fn new(post: &'a Post) -> Self {
        Self {
            status: post.full_text(),
            in_reply_to_id: post.reply_to.as_deref(),
            media_ids: post.media.iter().map(|media| media.id.as_str()).collect(),
            language: post.language.as_deref(),
            visibility: post.visibility,
            spoiler_text: post.content_warning.as_deref(),
        }
    }
}

/// What is read of a status.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) id: String,
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) created_at: String,
    #[serde(default)]
    pub(super) content: String,
    #[serde(default)]
    pub(super) spoiler_text: String,
    #[serde(default)]
    pub(super) media_attachments: Vec<Attachment>,
    #[serde(default)]
    pub(super) in_reply_to_id: Option<String>,
}

/// What is read of a media attachment.
#[derive(Debug, Deserialize)]
pub(super) struct Attachment {
    pub(super) id: String,
}

/// What is read of `verify_credentials`.
#[derive(Debug, Deserialize)]
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) username: String,
    #[serde(default)]
    pub(super) url: Option<String>,
}

/// The body of an error.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Complaint {
    #[serde(default)]
    pub(super) error: String,
    #[serde(default)]
    pub(super) error_description: Option<String>,
}

/// What is read of `/api/v2/instance` and of its predecessor; a missing number stays unknown.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Instance {
    version: String,
    source_url: String,
    configuration: Configuration,
    /// Pleroma and its relatives, in version 1 only.
    max_toot_chars: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Configuration {
    statuses: Statuses,
    media_attachments: MediaAttachments,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Statuses {
    max_characters: Option<usize>,
    max_media_attachments: Option<usize>,
    characters_reserved_per_url: Option<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct MediaAttachments {
    supported_mime_types: Option<Vec<String>>,
    description_limit: Option<usize>,
    image_size_limit: Option<u64>,
    video_size_limit: Option<u64>,
}

impl Instance {
    /// Writes over `limits` what the instance says of itself.
    pub(super) fn apply(self, limits: &mut Limits) {
        let Configuration {
            statuses,
            media_attachments: media,
        } = self.configuration;
        let per_url = statuses.characters_reserved_per_url.unwrap_or(super::PER_URL);
        // Servers that speak the API under another name count stricter than they announce, and whether they know
        // idempotency keys differs by version.
        let compatible = !is_mastodon(&self.version, &self.source_url);
        limits.counter = if compatible {
            Counter::Strictest { per_url }
        } else {
            Counter::Mastodon { per_url }
        };
        limits.idempotency = (!compatible).then_some(super::KEY_WINDOW);
        if let Some(max) = statuses.max_characters.or(self.max_toot_chars) {
            limits.max_text = max;
        }
        if let Some(max) = statuses.max_media_attachments {
            limits.media.max_count = max;
        }
        if let Some(max) = media.description_limit {
            limits.media.max_alt = max;
        }
        if let Some(max) = media.image_size_limit {
            limits.media.max_bytes = max;
        }
        if let Some(max) = media.video_size_limit {
            limits.media.max_video_bytes = max;
        }
        if let Some(types) = media.supported_mime_types {
            limits.media.content_types = types;
        }
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
