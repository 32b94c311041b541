//! The backends, one module each.

#[cfg(feature = "cloudflare")]
pub mod cloudflare;
#[cfg(any(feature = "cloudflare", feature = "cloudflare-http"))]
mod cloudflare_codes;
#[cfg(feature = "cloudflare-http")]
pub mod cloudflare_http;
#[cfg(any(feature = "cloudflare", feature = "cloudflare-http"))]
mod cloudflare_letter;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(feature = "sqlite")]
pub mod sqlite;
