//! The backends, one module each.

#[cfg(feature = "cloudflare")]
pub mod cloudflare;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
