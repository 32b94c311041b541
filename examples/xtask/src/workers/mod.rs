//! The two Workers: built for wasm32, and run on workerd.

mod build;
mod e2e;

pub(crate) use build::build;
pub(crate) use e2e::e2e;

/// The Workers, by package, which is also the name of their folder.
pub(crate) const WORKERS: &[&str] = &["pseo-generator", "social-poster"];
