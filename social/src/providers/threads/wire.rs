use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) id: String,
    #[serde(default)]
    pub(super) username: String,
}

/// A container, and what is published of it.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    pub(super) id: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Container {
    /// `IN_PROGRESS`, `FINISHED`, `PUBLISHED`, `ERROR` or `EXPIRED`.
    pub(super) status: String,
    #[serde(default)]
    pub(super) error_message: Option<String>,
}

/// The answer to a question about the allowance: a list of one.
#[derive(Debug, Deserialize)]
pub(super) struct Allowances {
    pub(super) data: Vec<Allowance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Allowance {
    pub(super) quota_usage: Option<u64>,
    pub(super) config: Config,
    pub(super) reply_quota_usage: Option<u64>,
    pub(super) reply_config: Config,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Config {
    pub(super) quota_total: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Post {
    pub(super) id: String,
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) permalink: Option<String>,
    /// As `2026-11-23T12:00:00+0000`.
    #[serde(default)]
    pub(super) timestamp: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) data: Vec<Post>,
    #[serde(default)]
    pub(super) paging: Paging,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    pub(super) cursors: Cursors,
    /// Only there when another page follows.
    pub(super) next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Cursors {
    pub(super) after: Option<String>,
}

/// The answer to a renewal.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) access_token: String,
    #[serde(default)]
    pub(super) expires_in: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Problem {
    pub(super) error: Complaint,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) code: i64,
    pub(super) error_subcode: i64,
    pub(super) is_transient: bool,
}
