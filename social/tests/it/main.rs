//! Every target against a server that keeps posts the way its network does and asserts every request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bluesky;
mod buffer;
mod clock;
mod faults;
mod linkedin;
mod mastodon;
mod secrets;
mod server;
mod simulation;
mod site;
mod threads;
mod tokens;
mod webhook;
mod x;
