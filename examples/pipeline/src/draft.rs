//! What a model is asked to write.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One page, as a model writes it. The field docs are the model's instructions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "page", deny_unknown_fields)]
pub struct PageDraft {
    /// Title for the browser tab and search results. Specific, no site name, no clickbait.
    pub title: String,
    /// One or two sentences that answer the searcher's question.
    pub description: String,
    /// Three to eight search phrases the page answers, most important first.
    pub keywords: Vec<String>,
    /// The page's content as HTML: paragraphs, lists, tables, and headings that begin at h2. No h1, no scripts, no styles.
    pub body_html: String,
    /// One sentence that describes a picture for the page.
    pub image_prompt: String,
    /// One to three opening lines for social posts, each able to stand alone, without links or hashtags.
    pub hooks: Vec<String>,
}

/// One post for one network, as a model writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "post", deny_unknown_fields)]
pub struct PostDraft {
    /// The text of the post, without the link: the program adds it.
    pub text: String,
}
