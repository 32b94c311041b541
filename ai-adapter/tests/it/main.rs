//! The conformance suite around every provider and wrapper of the crate.
// Helpers of tests may panic as tests do; the setting in clippy.toml knows test functions alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[cfg(all(feature = "conformance", feature = "anthropic"))]
mod anthropic;
#[cfg(all(
    feature = "conformance",
    feature = "template",
    feature = "openai",
    feature = "gemini",
    feature = "workers-ai"
))]
mod embeddings;
#[cfg(all(feature = "conformance", feature = "gemini"))]
mod gemini;
#[cfg(all(
    feature = "conformance",
    feature = "card",
    feature = "openai",
    feature = "gemini",
    feature = "workers-ai"
))]
mod images;
#[cfg(all(feature = "conformance", feature = "openai"))]
mod openai;
#[cfg(feature = "conformance")]
mod scripted;
#[cfg(all(
    feature = "openai",
    feature = "anthropic",
    feature = "gemini",
    feature = "workers-ai"
))]
mod secrets;
#[cfg(all(feature = "conformance", feature = "template"))]
mod template;
#[cfg(all(feature = "conformance", feature = "__http"))]
mod vendor;
#[cfg(all(feature = "conformance", feature = "workers-ai"))]
mod workers_ai;
#[cfg(feature = "conformance")]
mod wrappers;

#[cfg(feature = "mock")]
mod mock;
mod policies;
mod weight;
