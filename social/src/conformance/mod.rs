//! The behaviours every [`SocialTarget`](crate::SocialTarget) shows, as one test each.
//!
//! Each bullet on a method of the trait names its case here. A provider implements [`Harness`] and expands
//! [`social_target_conformance!`](crate::social_target_conformance); every case becomes a named test:
//!
//! ```
//! use async_trait::async_trait;
//! use presswork_social::{Outbox, SocialTarget, conformance::{Fault, Harness, Visible}};
//!
//! struct InMemory(Outbox);
//!
//! #[async_trait]
//! impl Harness for InMemory {
//!     async fn start() -> Self {
//!         Self(Outbox::memory())
//!     }
//!     fn target(&self) -> &dyn SocialTarget {
//!         &self.0
//!     }
//!     fn can(&self, _: Fault) -> bool {
//!         false
//!     }
//!     async fn inject(&self, fault: Fault) {
//!         unreachable!("{fault:?}")
//!     }
//!     async fn visible(&self) -> Vec<Visible> {
//!         let posts = self.0.posts().unwrap();
//!         posts.into_iter().map(|post| Visible::new(post.id, post.text)).collect()
//!     }
//!     async fn requests(&self) -> usize {
//!         self.0.posts().unwrap().len()
//!     }
//!     fn now_ms(&self) -> i64 {
//!         0
//!     }
//!     async fn settle(&self) {}
//! }
//!
//! presswork_social::social_target_conformance!(InMemory; skip {
//!     rate_limit_says_how_long_to_wait = "memory has no rate",
//!     // and so on for what memory cannot do
//! });
//! ```
//!
//! A case that does not apply is skipped by name and with a reason. It stays a visible test, and it fails when the
//! target's limits or the harness's faults say that the behaviour is there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod declared;
mod harness;
mod macros;
mod outcomes;
mod posts;
mod values;

pub use declared::is_declared;
pub use harness::{Fault, Harness, Visible};
pub use macros::CASES;
pub use outcomes::*;
pub use posts::*;
pub use values::*;
