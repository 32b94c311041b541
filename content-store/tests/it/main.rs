//! The stores against their suite, and what only SQLite can suffer.

#[cfg(feature = "conformance")]
mod bullets;
#[cfg(feature = "conformance")]
mod memory;
#[cfg(all(feature = "sqlite", feature = "conformance"))]
mod sqlite;
