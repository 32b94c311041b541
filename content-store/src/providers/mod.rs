//! Stores that need a crate of their own.

#[cfg(feature = "d1")]
pub(crate) mod d1;
#[cfg(feature = "d1-http")]
pub(crate) mod d1_http;
#[cfg(any(feature = "d1", feature = "d1-http"))]
mod d1_rules;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
