//! The suite on a PostgreSQL server, and what only a server can suffer.

mod connecting;
mod server;
mod suite;
