use serde::{Deserialize, Serialize};

/// Body of `POST /2/tweets`. X refuses fields it does not know.
#[derive(Debug, Serialize)]
pub(super) struct NewPost<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    media: Option<Media<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Reply<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    made_with_ai: bool,
}

#[derive(Debug, Serialize)]
struct Media<'a> {
    media_ids: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct Reply<'a> {
    in_reply_to_tweet_id: &'a str,
}

impl<'a> NewPost<'a> {
    pub(super) fn new(post: &'a crate::Post) -> Self {
        let media_ids: Vec<&str> = post.media.iter().map(|media| media.id.as_str()).collect();
        Self {
            text: post.full_text(),
            media: (!media_ids.is_empty()).then_some(Media { media_ids }),
            reply: post.reply_to.as_deref().map(|id| Reply {
                in_reply_to_tweet_id: id,
            }),
            made_with_ai: post.made_with_ai,
        }
    }
}

/// The envelope of every success.
#[derive(Debug, Deserialize)]
pub(super) struct Data<T> {
    pub(super) data: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    pub(super) username: String,
}

/// What is read of a post: what X sends without being asked for fields.
#[derive(Debug, Deserialize)]
pub(super) struct Post {
    pub(super) id: String,
    #[serde(default)]
    pub(super) text: String,
}

/// A page of a timeline; an empty one has no `data`.
#[derive(Debug, Deserialize)]
pub(super) struct Timeline {
    #[serde(default)]
    pub(super) data: Vec<Post>,
    #[serde(default)]
    pub(super) meta: Meta,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Meta {
    pub(super) next_token: Option<String>,
    /// Says that an answer without `data` is an empty page.
    pub(super) result_count: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    pub(super) id: String,
    #[serde(default)]
    pub(super) processing_info: Option<Processing>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Processing {
    /// `pending`, `in_progress`, `failed` or `succeeded`.
    pub(super) state: String,
    #[serde(default)]
    pub(super) check_after_secs: Option<u64>,
}

/// Both shapes of a refusal.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) title: String,
    pub(super) detail: String,
    pub(super) r#type: String,
    pub(super) errors: Vec<Complaint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Complaint {
    pub(super) message: String,
}

/// The answer of the token endpoint.
#[derive(Debug, Deserialize)]
pub(super) struct Tokens {
    pub(super) access_token: String,
    #[serde(default)]
    pub(super) refresh_token: Option<String>,
    #[serde(default)]
    pub(super) expires_in: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenProblem {
    pub(super) error: String,
    pub(super) error_description: String,
}
