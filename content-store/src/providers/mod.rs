//! Stores that need a crate of their own.

#[cfg(feature = "d1")]
pub(crate) mod d1;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
