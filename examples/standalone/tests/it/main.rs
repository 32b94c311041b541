//! The binary as a person, a script or an accident uses it.

mod bad_input;
mod cycle;
mod faults;
mod kill;
mod model;
mod review;
mod serve;
mod settings;
mod support;
