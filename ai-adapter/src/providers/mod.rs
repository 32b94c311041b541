//! The providers, one feature each.

#[cfg(feature = "anthropic")]
pub mod anthropic;
#[cfg(feature = "gemini")]
pub mod gemini;
#[cfg(any(feature = "openai", feature = "workers-ai"))]
pub mod openai;
#[cfg(feature = "template")]
pub mod template;
#[cfg(feature = "workers-ai")]
pub mod workers_ai;
