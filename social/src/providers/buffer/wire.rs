use serde_json::Value;

use super::Outcome;
use crate::{
    Published,
    http::{optional, text},
};

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

/// What became of a post; `status` is `draft`, `needs_approval`, `scheduled`, `sending`, `sent` or `error`.
pub(super) fn outcome(post: &Value) -> Outcome {
    match post["status"].as_str() {
        Some("sent") => Outcome::Sent(receipt(post)),
        Some("error") => Outcome::Failed(text(&post["error"], "message")),
        _ => Outcome::Waiting,
    }
}

pub(super) fn receipt(post: &Value) -> Published {
    Published::new(text(post, "id"), optional(post, "externalLink"))
}
