//! The [Responses API](https://platform.openai.com/docs/api-reference/responses).

mod fold;
mod reply;
mod wire;

pub(in crate::providers) use self::fold::Fold;
pub(in crate::providers) use self::wire::Request;

/// How a turn that only this API can read is marked.
pub(super) const DIALECT: &str = "openai-responses";
