//! The providers, one feature each.

#[cfg(feature = "openai")]
pub mod openai;
#[cfg(feature = "template")]
pub mod template;
