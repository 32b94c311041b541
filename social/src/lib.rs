#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod clock;
mod error;
mod fan_out;
mod limits;
mod media;
pub mod outbox;
mod platform;
mod post;
mod preview;
mod receipt;
mod secret;
mod target;
pub mod text;
mod thread;

#[cfg(feature = "__http")]
#[allow(dead_code, reason = "every network uses its own part of it")]
mod host;
#[cfg(feature = "__http")]
#[allow(dead_code, unused_imports, reason = "every network uses its own part of it")]
mod http;
mod key;
#[allow(dead_code, reason = "networks without refresh do not rotate tokens")]
mod tokens;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "mock")]
mod mock;

/// The networks, one module per feature.
pub mod providers {
    #[cfg(feature = "bluesky")]
    pub mod bluesky;
    #[cfg(feature = "buffer")]
    pub mod buffer;
    #[cfg(feature = "linkedin")]
    pub mod linkedin;
    #[cfg(feature = "mastodon")]
    pub mod mastodon;
    #[cfg(feature = "threads")]
    pub mod threads;
    #[cfg(feature = "webhook")]
    pub mod webhook;
    #[cfg(feature = "x")]
    pub mod x;
}

pub use clock::{Clock, SystemClock};
pub use error::{Error, Report, Result};
pub use fan_out::{Delivery, FanOut};
pub use key::idempotency_key;
pub use limits::{Certainty, Limits, MediaLimits};
pub use media::{Media, UploadedMedia};
#[cfg(feature = "mock")]
pub use mock::MockSocialTarget;
pub use outbox::Outbox;
pub use post::{Card, Post, Visibility};
pub use preview::{Preview, Warning};
#[cfg(feature = "bluesky")]
pub use providers::bluesky::Bluesky;
#[cfg(feature = "buffer")]
pub use providers::buffer::Buffer;
#[cfg(feature = "linkedin")]
pub use providers::linkedin::LinkedIn;
#[cfg(feature = "mastodon")]
pub use providers::mastodon::Mastodon;
#[cfg(feature = "threads")]
pub use providers::threads::Threads;
#[cfg(feature = "webhook")]
pub use providers::webhook::Webhook;
#[cfg(feature = "x")]
pub use providers::x::X;
pub use receipt::{Account, Attempt, Evidence, Published, Reconciled};
pub use secret::AccessToken;
pub use target::SocialTarget;
pub use text::{Counter, Splitter};
pub use thread::{Step, Thread};
pub use tokens::{FileTokens, MemoryTokens, TokenSet, TokenStore};
