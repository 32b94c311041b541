//! Servers that drip, flood, lie and hang up: bounded memory, a typed error, within the deadline.
// Helpers of tests may panic as tests do; the setting in clippy.toml knows test functions alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod cuts;
mod drips;
#[cfg(all(feature = "cache", feature = "tracing"))]
mod echoes;
mod floods;
mod lies;
mod server;
mod vectors;
mod vendors;

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;
