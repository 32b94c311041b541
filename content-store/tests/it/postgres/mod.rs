//! The suite on a PostgreSQL server, and what only a server can suffer.

mod connecting;
mod kill;
mod server;
mod suite;
