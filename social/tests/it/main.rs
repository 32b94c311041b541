//! Mastodon against a server that keeps statuses the way Mastodon does and asserts every request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod clock;
mod faults;
mod harness;
mod mastodon;
mod server;
mod suite;
mod world;
