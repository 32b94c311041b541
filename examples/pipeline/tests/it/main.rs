//! The pipeline on in-memory providers: what it does when everything works, and when anything does not.

mod generator;
mod import;
mod poster;
mod site;
mod support;
