//! The integration tests of the crate, one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[cfg(any(feature = "postgres", feature = "redis"))]
mod certificates;
#[cfg(feature = "cloudflare-http")]
mod cloudflare_http;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod cut;
#[cfg(any(feature = "postgres", feature = "redis", feature = "sqlite"))]
mod kills;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "cloudflare-http", feature = "postgres", feature = "redis"))]
mod travel;
mod wrappers;
