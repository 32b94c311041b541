//! The Redis queue: the suite, its failures, its server restarted and flushed.

mod conformance;
mod failures;
mod processes;
mod server;
mod tls;
mod topology;
