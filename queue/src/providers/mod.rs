//! The backends, one module each.

pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
