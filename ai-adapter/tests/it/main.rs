//! The conformance suite around every provider and wrapper of the crate.

#[cfg(all(feature = "conformance", feature = "openai"))]
mod openai;
#[cfg(feature = "conformance")]
mod scripted;
#[cfg(all(feature = "conformance", feature = "template"))]
mod template;
#[cfg(feature = "conformance")]
mod wrappers;
