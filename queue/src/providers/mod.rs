//! The backends, one module each.

#[cfg(feature = "cloudflare")]
pub mod cloudflare;
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
