//! The Postgres queue: the suite, its failures, transactions, its server restarted.

mod conformance;
mod failures;
mod processes;
mod server;
mod shared;
mod tls;
