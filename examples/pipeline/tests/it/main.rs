//! The pipeline on in-memory providers: what it does when everything works, and when anything does not.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests

mod drafting;
mod generator;
mod import;
mod poster;
mod serve;
mod site;
mod slow_store;
mod support;
