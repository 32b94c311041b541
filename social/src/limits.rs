use std::time::Duration;

use crate::{Counter, Error, Media, Post, Report, Result, Visibility, text};

/// Longest idempotency key, in bytes: what every HTTP server takes as a header value.
const MAX_KEY: usize = 255;

/// What a target takes, as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The network, as errors name it.
    pub network: String,
    /// How the network counts text.
    pub counter: Counter,
    /// The longest text, in units of [`counter`](Limits::counter).
    pub max_text: usize,
    /// The longest text in bytes of UTF-8, where the network limits these as well.
    pub max_bytes: Option<usize>,
    /// What media a post may carry.
    pub media: MediaLimits,
    /// Whether a post may name its language.
    pub language: bool,
    /// Who may be chosen to see a post; empty when that cannot be chosen.
    pub visibility: Vec<Visibility>,
    /// Whether a post may hide its text behind a warning.
    pub content_warning: bool,
    /// Whether a post may answer another one.
    pub reply: bool,
    /// Most parts of a thread that one `publish` makes at once, the first included; 0 when the network takes the parts
    /// one by one as replies.
    pub thread: usize,
    /// Whether a link with a [`Card`](crate::Card) is shown as a card and not in the text. Networks without this flag
    /// make their own card from the page.
    pub cards: bool,
    /// Whether a post may say that a machine wrote it.
    pub ai_label: bool,
    /// For how long the network recognises a repeated key: within it a second `publish` of the same key shows nothing
    /// new. `None` when it does not; [`Duration::MAX`] when it always does.
    pub idempotency: Option<Duration>,
    /// Whether the network refuses a text that the account has posted lately; the refusal is
    /// [`Error::Duplicate`](crate::Error::Duplicate).
    pub refuses_repeats: bool,
    /// How surely [`reconcile`](crate::SocialTarget::reconcile) can tell.
    pub reconcile: Certainty,
}

/// What media a target takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MediaLimits {
    /// Most files of one post; 0 when the target takes none.
    pub max_count: usize,
    /// Largest picture, in bytes.
    pub max_bytes: u64,
    /// Largest video or sound, in bytes.
    pub max_video_bytes: u64,
    /// Longest alternative text, in characters.
    pub max_alt: usize,
    /// MIME types the network takes; empty when it does not say.
    pub content_types: Vec<String>,
}

/// How surely a target can tell what became of a post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Certainty {
    /// It cannot look posts up.
    Never,
    /// It looks for the text among the account's recent posts; the same text twice cannot be told apart.
    Likely,
    /// It looks up the idempotency key itself.
    Exact,
}

impl Limits {
    /// Limits of a network that takes text and nothing else.
    pub fn text(network: impl Into<String>, counter: Counter, max_text: usize) -> Self {
        Self {
            network: network.into(),
            counter,
            max_text,
            max_bytes: None,
            media: MediaLimits::default(),
            language: false,
            visibility: Vec::new(),
            content_warning: false,
            reply: false,
            thread: 0,
            cards: false,
            ai_label: false,
            idempotency: None,
            refuses_repeats: false,
            reconcile: Certainty::Never,
        }
    }

    /// The length of `text` as the network counts it.
    pub fn count(&self, text: &str) -> usize {
        self.counter.count(text)
    }

    /// The longest text, in the unit of [`count`](Limits::count).
    pub fn max_text(&self) -> usize {
        self.max_text
    }

    /// The length of a whole post as the network counts it: warning, text and link. Of a thread, its longest part.
    pub fn count_post(&self, post: &Post) -> usize {
        let warning = post.content_warning.as_deref().unwrap_or_default();
        let root = self.counter.count_warned(warning, &self.shown_text(post));
        post.thread.iter().map(|part| self.count(part)).fold(root, usize::max)
    }

    /// The text as the network shows it: with the link, unless a card shows that.
    pub fn shown_text(&self, post: &Post) -> String {
        if self.cards && post.card.is_some() {
            post.text.clone()
        } else {
            post.full_text()
        }
    }

    /// What a post's link adds to its text: the `reserve` for [`fit`](Limits::fit).
    pub fn link_cost(&self, link: &str) -> usize {
        self.count(&format!("\n\n{link}"))
    }

    /// Whether `text` and `reserve` further units are within every limit of length.
    pub fn fits(&self, text: &str, reserve: usize) -> bool {
        let bytes = self.max_bytes.is_none_or(|max| text.len() + reserve <= max);
        bytes && self.count(text) + reserve <= self.max_text
    }

    /// Shortens `text` until its count and `reserve` are within [`max_text`](Limits::max_text).
    ///
    /// The cut is at a word boundary, marked with `…`, and never inside a grapheme, a URL or a mention. A first word
    /// that alone is too long is cut between graphemes, or left out when it is a URL. Text that fits comes back
    /// unchanged; an empty string comes back when nothing fits.
    pub fn fit(&self, text: &str, reserve: usize) -> String {
        text::fit(&|text| self.fits(text, reserve), text)
    }

    /// Checks a post without asking the network.
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::Unsupported`] for a setting whose flag is `false`, and [`Error::Rejected`] for a
    /// post with nothing to show, a character the network refuses, a warning without text, too many uploads, another
    /// network's upload, or a key that is not 1 to 255 bytes of visible ASCII.
    pub fn check(&self, post: &Post) -> Result<()> {
        let count = self.count_post(post);
        if count > self.max_text {
            return Err(Error::TooLong {
                network: self.network.clone(),
                count,
                max: self.max_text,
            });
        }
        let shown = self.shown_text(post);
        for part in std::iter::once(&shown).chain(&post.thread) {
            if let Some(max) = self.max_bytes.filter(|&max| part.len() > max) {
                return Err(Error::TooLong {
                    network: self.network.clone(),
                    count: part.len(),
                    max,
                });
            }
            if !self.counter.takes(part) {
                return Err(self.rejected("text", "the text has a character that the network refuses"));
            }
        }
        self.check_settings(post)?;
        let blank = shown.trim().is_empty() && (post.link.is_none() || !self.cards);
        if blank && (post.media.is_empty() || post.content_warning.is_some()) {
            return Err(self.rejected("text", "there is nothing to post"));
        }
        if post.language.is_some() && !self.language {
            return Err(self.unsupported("a language"));
        }
        if let Some(language) = &post.language
            && !is_language(language)
        {
            return Err(self.rejected("language", "the language is no ISO 639 code"));
        }
        if let Some(visibility) = post.visibility
            && !self.visibility.contains(&visibility)
        {
            return Err(self.unsupported(&format!("the visibility {visibility:?}")));
        }
        if post.content_warning.is_some() && !self.content_warning {
            return Err(self.unsupported("a content warning"));
        }
        self.check_uploads(post)?;
        match &post.idempotency_key {
            Some(key) if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) => {
                Err(self.rejected("idempotency_key", "the key is not 1 to 255 bytes of visible ASCII"))
            }
            _ => Ok(()),
        }
    }

    fn check_settings(&self, post: &Post) -> Result<()> {
        if let Some(link) = &post.link
            && let Err(reason) = crate::post::check_link(link)
        {
            return Err(self.rejected("link", &format!("the link {reason}")));
        }
        if post.reply_to.is_some() && !self.reply {
            return Err(self.unsupported("a reply"));
        }
        if post.made_with_ai && !self.ai_label {
            return Err(self.unsupported("a label of machine-made text"));
        }
        if post.thread.is_empty() {
            return Ok(());
        }
        if self.thread == 0 {
            return Err(self.unsupported("a thread at once"));
        }
        if post.thread.len() + 1 > self.thread {
            let reason = format!(
                "a thread of {} parts, the limit is {}",
                post.thread.len() + 1,
                self.thread
            );
            return Err(self.rejected("thread", &reason));
        }
        match post.thread.iter().position(|part| part.trim().is_empty()) {
            Some(index) => Err(self.rejected("thread", &format!("part {} is empty", index + 2))),
            None => Ok(()),
        }
    }

    fn check_uploads(&self, post: &Post) -> Result<()> {
        if post.media.is_empty() {
            return Ok(());
        }
        if self.media.max_count == 0 {
            return Err(self.unsupported("media"));
        }
        if post.media.len() > self.media.max_count {
            let reason = format!("{} uploads, the limit is {}", post.media.len(), self.media.max_count);
            return Err(self.rejected("media", &reason));
        }
        match post.media.iter().find(|media| media.network != self.network) {
            Some(media) => Err(self.rejected("media", &format!("an upload belongs to {}", media.network))),
            None => Ok(()),
        }
    }

    /// Checks a file without asking the network.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when the target takes no media, [`Error::Rejected`] for an empty or oversized file, an
    /// overlong alternative text, a MIME type the network does not take, or a file whose first bytes show another type.
    pub fn check_media(&self, media: &Media) -> Result<()> {
        if self.media.max_count == 0 {
            return Err(self.unsupported("media"));
        }
        let size = media.bytes.len() as u64;
        let moving = media.content_type.starts_with("video/") || media.content_type.starts_with("audio/");
        let max = if moving {
            self.media.max_video_bytes
        } else {
            self.media.max_bytes
        };
        if size == 0 || size > max {
            let reason = format!("a file of {size} bytes, the limit is {max}");
            return Err(self.rejected("media", &reason));
        }
        let alt = media.alt.as_deref().unwrap_or_default().chars().count();
        if alt > self.media.max_alt {
            let reason = format!(
                "an alternative text of {alt} characters, the limit is {}",
                self.media.max_alt
            );
            return Err(self.rejected("alt", &reason));
        }
        let types = &self.media.content_types;
        if !types.is_empty() && !types.iter().any(|t| t.eq_ignore_ascii_case(&media.content_type)) {
            let reason = format!("a file of type {}", media.content_type);
            return Err(self.rejected("media", &reason));
        }
        if !media.is_what_it_says() {
            let shown = media.sniffed().unwrap_or("something else");
            let reason = format!("a file said to be {} that is {shown}", media.content_type);
            return Err(self.rejected("media", &reason));
        }
        Ok(())
    }

    fn rejected(&self, field: &str, reason: &str) -> Error {
        Error::Rejected {
            report: Report::new(&self.network, reason),
            field: Some(field.to_owned()),
        }
    }

    fn unsupported(&self, what: &str) -> Error {
        Error::Unsupported {
            network: self.network.clone(),
            what: what.to_owned(),
        }
    }
}

/// ISO 639 codes are two or three letters; a region may follow, as in `pt-BR`.
fn is_language(code: &str) -> bool {
    let mut parts = code.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests;
