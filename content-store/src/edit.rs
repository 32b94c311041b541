//! A person's change to a page, and what can be compared afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Content;

/// A part of [`Content`] that a person may write, and that then stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Field {
    /// [`Content::title`].
    Title,
    /// [`Content::description`].
    Description,
    /// [`Content::keywords`].
    Keywords,
    /// [`Content::body_html`], and with it [`Content::word_count`].
    BodyHtml,
    /// [`Content::image_prompt`].
    ImagePrompt,
    /// [`Content::hooks`].
    Hooks,
    /// [`Content::canonical_url`].
    CanonicalUrl,
}

impl Field {
    /// Every field, in the order of [`Content`].
    pub const ALL: [Self; 7] = [
        Self::Title,
        Self::Description,
        Self::Keywords,
        Self::BodyHtml,
        Self::ImagePrompt,
        Self::Hooks,
        Self::CanonicalUrl,
    ];

    /// The name as stored and printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Description => "description",
            Self::Keywords => "keywords",
            Self::BodyHtml => "body_html",
            Self::ImagePrompt => "image_prompt",
            Self::Hooks => "hooks",
            Self::CanonicalUrl => "canonical_url",
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }

    /// What it says, a list with one entry to a line.
    fn text(self, content: &Content) -> String {
        match self {
            Self::Title => content.title.clone(),
            Self::Description => content.description.clone(),
            Self::Keywords => content.keywords.join("\n"),
            Self::BodyHtml => content.body_html.clone(),
            Self::ImagePrompt => content.image_prompt.clone(),
            Self::Hooks => content.hooks.join("\n"),
            Self::CanonicalUrl => content.canonical_url.clone(),
        }
    }

    /// Takes the field over from `other`.
    pub(crate) fn copy(self, from: &Content, to: &mut Content) {
        match self {
            Self::Title => to.title.clone_from(&from.title),
            Self::Description => to.description.clone_from(&from.description),
            Self::Keywords => to.keywords.clone_from(&from.keywords),
            Self::BodyHtml => {
                to.body_html.clone_from(&from.body_html);
                to.word_count = from.word_count;
            }
            Self::ImagePrompt => to.image_prompt.clone_from(&from.image_prompt),
            Self::Hooks => to.hooks.clone_from(&from.hooks),
            Self::CanonicalUrl => to.canonical_url.clone_from(&from.canonical_url),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a person changes. Fields that are `None` stay as they are; the others are written and locked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edit {
    /// Another last part of its address. Once published, the old one becomes a redirect. The canonical URL does not
    /// follow by itself: a store does not know how addresses are made.
    pub slug: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The meta description.
    pub description: Option<String>,
    /// The keywords.
    pub keywords: Option<Vec<String>>,
    /// The sanitised body.
    pub body_html: Option<String>,
    /// Words in the body. Goes with a body alone.
    pub word_count: Option<u32>,
    /// A prompt for the page's image.
    pub image_prompt: Option<String>,
    /// One-liners to announce the page with.
    pub hooks: Option<Vec<String>>,
    /// The page's own absolute address.
    pub canonical_url: Option<String>,
    /// Fields that a writer may write again.
    pub unlock: Vec<Field>,
    /// Who and why: kept in the revision.
    pub reason: Option<String>,
}

impl Edit {
    /// The fields it writes.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let written = |field: &Field| match field {
            Field::Title => self.title.is_some(),
            Field::Description => self.description.is_some(),
            Field::Keywords => self.keywords.is_some(),
            Field::BodyHtml => self.body_html.is_some(),
            Field::ImagePrompt => self.image_prompt.is_some(),
            Field::Hooks => self.hooks.is_some(),
            Field::CanonicalUrl => self.canonical_url.is_some(),
        };
        Field::ALL.into_iter().filter(written).collect()
    }

    /// The content with this edit applied.
    pub(crate) fn apply(&self, mut content: Content) -> Content {
        let edit = self.clone();
        let put = |to: &mut String, new: Option<String>| *to = new.unwrap_or_else(|| std::mem::take(to));
        put(&mut content.title, edit.title);
        put(&mut content.description, edit.description);
        put(&mut content.body_html, edit.body_html);
        put(&mut content.image_prompt, edit.image_prompt);
        put(&mut content.canonical_url, edit.canonical_url);
        content.keywords = edit.keywords.unwrap_or(content.keywords);
        content.hooks = edit.hooks.unwrap_or(content.hooks);
        content.word_count = edit.word_count.unwrap_or(content.word_count);
        content
    }

    /// What is locked afterwards.
    pub(crate) fn locks(&self, before: &[Field]) -> Vec<Field> {
        let mut locks = self.fields();
        locks.extend(before.iter().filter(|field| !self.unlock.contains(field)));
        locks.sort_unstable();
        locks.dedup();
        locks
    }
}

/// What a writer may put in place of `old` when these fields are a person's.
pub(crate) fn keep_locked(old: &Content, locked: &[Field], new: &Content) -> Content {
    let mut content = new.clone();
    for field in locked {
        field.copy(old, &mut content);
    }
    content
}

/// Where an address that has no page leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Redirect {
    /// To the page of this slug, in the same site and locale: HTTP 301.
    To(String),
    /// Nowhere: its page was deleted: HTTP 410.
    Gone,
}

/// A field that differs between two contents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The field.
    pub field: Field,
    /// What it said; a list with one entry to a line.
    pub old: String,
    /// What it says.
    pub new: String,
}

impl Content {
    /// The fields that differ in `newer`, in the order of [`Field::ALL`].
    #[must_use]
    pub fn changes(&self, newer: &Self) -> Vec<FieldChange> {
        let change = |field: Field| FieldChange {
            field,
            old: field.text(self),
            new: field.text(newer),
        };
        let changes = Field::ALL.into_iter().map(change);
        changes.filter(|change| change.old != change.new).collect()
    }
}

impl FieldChange {
    /// The change line by line, for a person to read. HTML counts as lines what ends in a line break or a block: a
    /// body is often one long line.
    #[cfg(feature = "diff")]
    #[must_use]
    pub fn lines(&self) -> Vec<DiffLine> {
        let (old, new) = (lines(&self.old), lines(&self.new));
        let changes = similar::capture_diff_slices(similar::Algorithm::Myers, &old, &new);
        let pick = |change: similar::Change<&str>| match change.tag() {
            similar::ChangeTag::Equal => DiffLine::Same(change.value().to_owned()),
            similar::ChangeTag::Delete => DiffLine::Removed(change.value().to_owned()),
            similar::ChangeTag::Insert => DiffLine::Added(change.value().to_owned()),
        };
        changes
            .iter()
            .flat_map(|change| change.iter_changes(&old, &new))
            .map(pick)
            .collect()
    }
}

/// A line of a comparison.
#[cfg(feature = "diff")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffLine {
    /// In both.
    Same(String),
    /// In the old one alone.
    Removed(String),
    /// In the new one alone.
    Added(String),
}

#[cfg(feature = "diff")]
fn lines(text: &str) -> Vec<&str> {
    const ENDS: [&str; 13] = [
        "</p>",
        "</h2>",
        "</h3>",
        "</h4>",
        "</li>",
        "</tr>",
        "</dt>",
        "</dd>",
        "</ul>",
        "</ol>",
        "</table>",
        "</blockquote>",
        "</figure>",
    ];
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        loop {
            let end = |tag: &&str| rest.find(*tag).map(|at| at + tag.len());
            let Some(end) = ENDS
                .iter()
                .filter_map(end)
                .min()
                .filter(|end| *end < rest.trim_end().len())
            else {
                break;
            };
            let (line, after) = rest.split_at(end);
            lines.push(line);
            rest = after;
        }
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(title: &str, body: &str) -> Content {
        Content {
            title: title.to_owned(),
            body_html: body.to_owned(),
            keywords: vec!["a".to_owned(), "b".to_owned()],
            ..Content::default()
        }
    }

    #[test]
    fn names_are_those_of_the_content() {
        for field in Field::ALL {
            assert_eq!(Field::parse(field.as_str()), Some(field));
            assert_eq!(serde_json::json!(field), field.as_str());
            assert!(serde_json::json!(Content::default()).get(field.as_str()).is_some());
        }
    }

    #[test]
    fn an_edit_changes_what_it_names() {
        let edit = Edit {
            title: Some("New".to_owned()),
            unlock: vec![Field::Hooks],
            ..Edit::default()
        };
        assert_eq!(edit.apply(content("Old", "x")), content("New", "x"));
        assert_eq!(
            edit.locks(&[Field::Hooks, Field::BodyHtml]),
            [Field::Title, Field::BodyHtml]
        );
        let changes = content("Old", "x").changes(&content("New", "x"));
        let expected = FieldChange {
            field: Field::Title,
            old: "Old".to_owned(),
            new: "New".to_owned(),
        };
        assert_eq!(changes, [expected]);
        assert_eq!(
            keep_locked(&content("Old", "x"), &[Field::Title], &content("New", "y")),
            content("Old", "y")
        );
    }

    #[cfg(feature = "diff")]
    #[test]
    fn a_body_is_compared_block_by_block() {
        let change = FieldChange {
            field: Field::BodyHtml,
            old: "<h2>A</h2><p>one</p><p>two</p>".to_owned(),
            new: "<h2>A</h2><p>1</p><p>two</p>\n".to_owned(),
        };
        let (same, removed, added) = (DiffLine::Same, DiffLine::Removed, DiffLine::Added);
        let expected = [
            same("<h2>A</h2>".to_owned()),
            removed("<p>one</p>".to_owned()),
            removed("<p>two</p>".to_owned()),
            added("<p>1</p>".to_owned()),
            added("<p>two</p>\n".to_owned()),
        ];
        assert_eq!(change.lines(), expected);
        let whole: String = lines(&change.new).concat();
        assert_eq!(whole, change.new);
    }
}
