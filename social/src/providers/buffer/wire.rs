use serde::Deserialize;
use serde_json::Value;

use super::Outcome;
use crate::Published;

/// Names of types and fields are those of the
/// [reference](https://developers.buffer.com/reference.html); every error has the interface's message.
pub(super) const CREATE: &str = "mutation($i:CreatePostInput!){createPost(input:$i){__typename \
    ...on PostActionSuccess{post{id status text externalLink error{message}}} ...on MutationError{message}}}";
pub(super) const POST: &str = "query($i:PostInput!){post(input:$i){id status text externalLink error{message}}}";
pub(super) const POSTS: &str = "query($i:PostsInput!,$after:String){posts(input:$i,first:50,after:$after){\
    edges{node{id status text dueAt externalLink error{message} assets{__typename}}} pageInfo{hasNextPage endCursor}}}";
pub(super) const ORGANIZATIONS: &str = "query{account{organizations{id}}}";
pub(super) const CHANNELS: &str =
    "query($i:ChannelsInput!){channels(input:$i){id name service isDisconnected isLocked}}";

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    pub(super) data: Option<Value>,
    #[serde(default)]
    pub(super) errors: Vec<Complaint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) extensions: Extensions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Extensions {
    pub(super) code: String,
    /// Seconds, in answers of an older form.
    pub(super) retry_after: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Created {
    pub(super) create_post: Payload,
}

/// A union of one success and errors, to which more may come.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Payload {
    #[serde(rename = "__typename")]
    pub(super) typename: String,
    pub(super) post: Option<Post>,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) post: Post,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Post {
    pub(super) id: String,
    /// `draft`, `needs_approval`, `scheduled`, `sending`, `sent` or `error`.
    #[serde(default)]
    pub(super) status: String,
    #[serde(default)]
    pub(super) text: String,
    #[serde(default)]
    pub(super) external_link: Option<String>,
    #[serde(default)]
    pub(super) due_at: Option<String>,
    #[serde(default)]
    error: Option<Complaint>,
    #[serde(default)]
    pub(super) assets: Vec<Value>,
}

impl Post {
    pub(super) fn outcome(&self) -> Outcome {
        match self.status.as_str() {
            "sent" => Outcome::Sent(Published::new(&self.id, self.external_link.clone())),
            "error" => Outcome::Failed(
                self.error
                    .as_ref()
                    .map(|error| error.message.clone())
                    .unwrap_or_default(),
            ),
            _ => Outcome::Waiting,
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Posts {
    pub(super) posts: Page,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    #[serde(default)]
    pub(super) edges: Option<Vec<Edge>>,
    pub(super) page_info: PageInfo,
}

#[derive(Debug, Deserialize)]
pub(super) struct Edge {
    pub(super) node: Post,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    #[serde(default)]
    pub(super) has_next_page: bool,
    #[serde(default)]
    pub(super) end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Accounts {
    pub(super) account: Organizations,
}

#[derive(Debug, Deserialize)]
pub(super) struct Organizations {
    pub(super) organizations: Vec<Organization>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Organization {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Channels {
    pub(super) channels: Vec<Channel>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Channel {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) service: String,
    #[serde(default)]
    pub(super) is_disconnected: bool,
    #[serde(default)]
    pub(super) is_locked: bool,
}
