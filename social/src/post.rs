use serde::{Deserialize, Serialize};

use crate::{Error, Report, Result, UploadedMedia, text};

/// Longest link a post takes, in bytes. Networks differ; none of them shows a longer one as a link.
const MAX_LINK: usize = 2_048;

/// What is to be published: plain data, so that it can be stored as the armed payload and read back unchanged.
///
/// A network without a field for links gets the link as the last paragraph of the text, see
/// [`full_text`](Post::full_text).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Post {
    /// The text, without the link.
    pub text: String,
    /// An absolute `http` or `https` URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Uploads to show, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub media: Vec<UploadedMedia>,
    /// The language of the text as an ISO 639-1 code, for example `"en"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Who may see the post; `None` leaves it to the account's own setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// A warning shown in place of the text until the reader opens it. It counts as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_warning: Option<String>,
    /// How the page behind the link presents itself, for networks that do not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// The network's id of the post this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Further parts, each an answer to the one before, which the network publishes together with this one.
    /// [`Thread`](crate::Thread) publishes threads on networks that do not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thread: Vec<String>,
    /// Says that a machine wrote the text or made the pictures.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub made_with_ai: bool,
    /// When it was decided on, in milliseconds since 1970 (UTC); the same for every attempt. Webhooks carry it, networks date
    /// a post by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at_ms: Option<i64>,
    /// Stays the same for every attempt at the same intent and changes with it; visible ASCII, at most 255 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// What a card shows of the page behind a link. Networks that read the page themselves take it from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Card {
    /// The title of the page.
    pub title: String,
    /// What the page says, in a sentence.
    #[serde(default)]
    pub description: String,
    /// A picture, uploaded to the same network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumb: Option<UploadedMedia>,
}

impl Card {
    /// A card with a title alone.
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            thumb: None,
        }
    }

    /// Adds a sentence about the page.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a picture.
    #[must_use]
    pub fn thumb(mut self, thumb: UploadedMedia) -> Self {
        self.thumb = Some(thumb);
        self
    }
}

/// Who may see a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Visibility {
    /// Everyone, and public timelines show it.
    Public,
    /// Everyone who has the link; public timelines leave it out.
    Unlisted,
    /// The account's followers.
    Private,
    /// The accounts the text mentions.
    Direct,
}

impl Post {
    /// A post with `text` and nothing else.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            link: None,
            media: Vec::new(),
            language: None,
            visibility: None,
            content_warning: None,
            card: None,
            reply_to: None,
            thread: Vec::new(),
            made_with_ai: false,
            made_at_ms: None,
            idempotency_key: None,
        }
    }

    /// Adds the link the post leads to.
    ///
    /// # Errors
    /// [`Error::Rejected`] when `url` is no absolute `http` or `https` URL without user name, white space or control
    /// characters, or is longer than 2,048 bytes.
    pub fn link(mut self, url: impl Into<String>) -> Result<Self> {
        let url = url.into();
        check_link(&url).map_err(|reason| Error::Rejected {
            report: Report::new("post", format!("the link {reason}")),
            field: Some("link".to_owned()),
        })?;
        self.link = Some(url);
        Ok(self)
    }

    /// Adds an upload.
    #[must_use]
    pub fn media(mut self, media: UploadedMedia) -> Self {
        self.media.push(media);
        self
    }

    /// Sets the language, an ISO 639-1 code.
    #[must_use]
    pub fn language(mut self, code: impl Into<String>) -> Self {
        self.language = Some(code.into());
        self
    }

    /// Sets who may see the post.
    #[must_use]
    pub fn visibility(mut self, visibility: Visibility) -> Self {
        self.visibility = Some(visibility);
        self
    }

    /// Hides the text behind a warning.
    #[must_use]
    pub fn content_warning(mut self, warning: impl Into<String>) -> Self {
        self.content_warning = Some(warning.into());
        self
    }

    /// Presents the page behind the link.
    #[must_use]
    pub fn card(mut self, card: Card) -> Self {
        self.card = Some(card);
        self
    }

    /// Answers the post the network knows as `id`.
    #[must_use]
    pub fn reply_to(mut self, id: impl Into<String>) -> Self {
        self.reply_to = Some(id.into());
        self
    }

    /// Adds a further part, published together with this one.
    #[must_use]
    pub fn part(mut self, text: impl Into<String>) -> Self {
        self.thread.push(text.into());
        self
    }

    /// Says that a machine wrote the text or made the pictures.
    #[must_use]
    pub fn made_with_ai(mut self) -> Self {
        self.made_with_ai = true;
        self
    }

    /// Says when the post was decided on, in milliseconds since 1970 (UTC).
    #[must_use]
    pub fn made_at_ms(mut self, at: i64) -> Self {
        self.made_at_ms = Some(at);
        self
    }

    /// Sets the key by which a network recognises a repeated attempt.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// The text as a network without a link field shows it: the text, an empty line, the link.
    ///
    /// A link that already stands in the text is not repeated.
    pub fn full_text(&self) -> String {
        match &self.link {
            Some(link) if self.text.is_empty() => link.clone(),
            Some(link) if !text::has_url(&self.text, link) => format!("{}\n\n{link}", self.text),
            _ => self.text.clone(),
        }
    }
}

pub(crate) fn check_link(url: &str) -> std::result::Result<(), &'static str> {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        &url[8..]
    } else if lower.starts_with("http://") {
        &url[7..]
    } else {
        return Err("is no absolute http or https URL");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.starts_with(':') {
        return Err("has no host");
    }
    if authority.contains('@') {
        return Err("carries a user name");
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("contains white space or control characters");
    }
    if url.len() > MAX_LINK {
        return Err("is longer than 2,048 bytes");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_checked() {
        for good in [
            "https://example.com",
            "http://localhost:8080/a",
            "HTTPS://EXAMPLE.COM/?q=1",
        ] {
            assert!(Post::new("").link(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "https://",
            "https://:80/",
            "https://me:secret@example.com/",
            "https://example.com/a b",
            "https://example.com/\n",
            "日本https://example.com",
        ] {
            let error = Post::new("").link(bad).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_LINK));
        assert!(Post::new("").link(long).is_err());
    }

    #[test]
    fn full_text_appends_the_link_once() {
        let link = "https://example.com/a";
        let post = |text: &str| Post::new(text).link(link).unwrap().full_text();
        assert_eq!(post("Hello"), "Hello\n\nhttps://example.com/a");
        assert_eq!(post(""), link);
        assert_eq!(post("see https://example.com/a now"), "see https://example.com/a now");
        assert_eq!(Post::new("plain").full_text(), "plain");
        // Another page whose address begins the same is another page.
        let other = "see https://example.com/about";
        assert_eq!(post(other), format!("{other}\n\n{link}"));
    }

    #[test]
    fn a_stored_post_reads_back_the_same() {
        let post = Post::new("a\r\n\u{1F468}\u{200D}\u{1F467}")
            .link("https://example.com")
            .unwrap()
            .language("en")
            .visibility(Visibility::Unlisted)
            .content_warning("cw")
            .idempotency_key("k");
        let json = serde_json::to_string(&post).unwrap();
        assert!(json.contains("\"visibility\":\"unlisted\""), "{json}");
        assert_eq!(serde_json::from_str::<Post>(&json).unwrap(), post);
        let bare: Post = serde_json::from_str(r#"{"text":"a"}"#).unwrap();
        assert_eq!(bare, Post::new("a"));
    }
}
