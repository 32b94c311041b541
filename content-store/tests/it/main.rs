//! The stores against their suite, and what only SQLite can suffer.

// Helpers of tests are test code too.
#![allow(clippy::unwrap_used, clippy::panic)]

#[cfg(all(feature = "file-blobs", feature = "sqlite", feature = "conformance"))]
mod blobs;
#[cfg(feature = "conformance")]
mod bullets;
#[cfg(feature = "sqlite")]
mod crash;
#[cfg(all(feature = "d1-http", feature = "sqlite", feature = "conformance"))]
mod d1_http;
#[cfg(all(feature = "sqlite", feature = "conformance"))]
mod earlier;
#[cfg(feature = "sqlite")]
mod figures;
#[cfg(all(feature = "sqlite", feature = "conformance"))]
mod histories;
#[cfg(feature = "conformance")]
mod memory;
#[cfg(all(feature = "postgres", feature = "sqlite", feature = "conformance", unix))]
mod postgres;
#[cfg(all(feature = "sqlite", feature = "conformance"))]
mod sqlite;
