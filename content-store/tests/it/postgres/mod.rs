//! The suite on a PostgreSQL server, and what only a server can suffer.

mod connecting;
mod cut;
mod earlier;
mod kill;
mod server;
mod statistics;
mod suite;
mod tls;
