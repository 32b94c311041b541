//! The binary as a person, a script or an accident uses it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests are tests

mod bad_input;
mod check;
mod cycle;
mod edit;
mod faults;
mod files;
mod fleet;
mod kill;
mod model;
mod network;
mod pictures;
mod policies;
mod posting;
mod providers;
mod resolve;
mod review;
mod serve;
mod servers;
mod settings;
mod site;
mod support;
mod targets;
mod transfer;
