//! Stores that need a crate of their own.

pub(crate) mod sqlite;
