#![doc = include_str!("../README.md")]

pub mod access;
pub mod config;
pub mod console;
pub mod dead_letters;
pub mod draft;
pub mod edits;
mod error;
pub mod gates;
mod generator;
pub mod import;
pub mod message;
pub mod needs;
mod platform;
mod poster;
pub mod prompt;
mod relay;
mod report;
pub mod review;
pub mod sanitise;
pub mod serve;
pub mod site;
pub mod spend;
mod text;
pub mod topics;
#[cfg(feature = "worker")]
pub mod worker;

pub use config::{Config, ConfigError};
pub use error::{Error, Result};
pub use generator::Generator;
pub use poster::Poster;
pub use relay::{Relay, Relayed};
pub use report::{Drafted, RunReport};

/// The repository's README, so that its Rust snippet is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct RepositoryReadme;
