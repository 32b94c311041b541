#![doc = include_str!("../README.md")]

mod admin;
mod claim_check;
mod clock;
mod consumer;
mod dead_letter;
mod delivery;
mod engine;
pub mod envelope;
mod error;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod finishing;
mod handler;
mod hopping;
mod inspect;
mod limits;
mod message;
mod pausing;
mod payload;
mod platform;
mod process;
pub mod providers;
mod queue;
mod run;
mod signal;
mod text;
mod trace;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "mock")]
pub mod mock;

pub use admin::{Admin, Peeked};
pub use claim_check::{BodyStore, ClaimCheck};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use consumer::{Consumer, ConsumerCapabilities, Settle};
pub use dead_letter::{DeadLetter, DeadLetterFilter, DeadLetters, Discarded, Redriven};
pub use delivery::{Delivery, Lease, Settled, Settlement};
pub use error::{Error, Result, Source};
pub use handler::{Handler, Outcome};
pub use hopping::{Hopping, HoppingHandler};
pub use inspect::{Depth, Inspect};
pub use message::{Message, MessageId};
pub use pausing::Pausing;
pub use payload::Payload;
pub use process::{Report, Totals, Unsettled, process};
#[cfg(feature = "cloudflare")]
pub use providers::cloudflare::{CloudflareQueue, PushedBatch};
#[cfg(feature = "cloudflare-http")]
pub use providers::cloudflare_http::{Backlog, CloudflareHttpQueue, CloudflareHttpQueueBuilder};
pub use providers::memory::{MemoryQueue, MemoryQueueBuilder};
#[cfg(feature = "postgres")]
pub use providers::postgres::{PostgresQueue, PostgresQueueBuilder};
#[cfg(feature = "redis")]
pub use providers::redis::{RedisQueue, RedisQueueBuilder};
#[cfg(feature = "sqlite")]
pub use providers::sqlite::{SqliteQueue, SqliteQueueBuilder};
pub use queue::{Capabilities, Queue};
pub use run::{RunOptions, run};
pub use trace::TraceContext;
