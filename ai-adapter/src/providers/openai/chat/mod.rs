//! [Chat Completions](https://platform.openai.com/docs/api-reference/chat), OpenAI's older API and everybody else's.

mod fold;
mod reply;
mod wire;

pub(in crate::providers) use self::fold::Fold;
pub(in crate::providers) use self::wire::ChatRequest;

/// How a turn that only the same server can read is marked.
pub(super) fn dialect_of(provider: &str) -> String {
    format!("openai-chat/{provider}")
}
