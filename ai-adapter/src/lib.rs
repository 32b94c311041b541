#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod budget;
#[cfg(feature = "cache")]
mod cache;
mod canonical;
mod capabilities;
#[cfg(feature = "card")]
mod card;
mod circuit_breaker;
mod clock;
mod embedding_model;
mod error;
mod failure;
mod fallback;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
#[cfg(feature = "__http")]
mod http;
mod image_model;
mod language_model;
mod language_model_ext;
mod ledger;
mod limits;
mod message;
mod object;
mod platform;
mod rate_limit;
mod request;
mod response;
mod retry;
#[cfg(feature = "__http")]
mod retry_after;
mod schema;
mod scripted;
mod secret;
#[cfg(feature = "__http")]
mod sse;
mod stream;
mod tape;
mod timeout;
#[cfg(feature = "tracing")]
mod traced;
mod weigh;

pub mod providers;

#[cfg(feature = "conformance")]
pub mod conformance;

#[cfg(feature = "mock")]
mod mock;

pub use crate::budget::{Account, Budget, Cap, CapState, Price, Prices};
#[cfg(feature = "cache")]
pub use crate::cache::{Cache, CacheStore, MemoryCache};
pub use crate::capabilities::Capabilities;
#[cfg(feature = "card")]
pub use crate::card::Card;
pub use crate::circuit_breaker::CircuitBreaker;
pub use crate::clock::{Clock, SystemClock, VirtualClock};
pub use crate::embedding_model::{EmbeddingModel, EmbeddingRequest, EmbeddingResponse};
pub use crate::error::{Error, Result};
pub use crate::failure::Failure;
pub use crate::fallback::Fallback;
pub use crate::image_model::{Image, ImageModel, ImageRequest, ImageResponse};
pub use crate::language_model::LanguageModel;
pub use crate::language_model_ext::LanguageModelExt;
pub use crate::ledger::Attempt;
pub use crate::limits::{Limits, Window};
pub use crate::message::{Message, Part, Role, Tool, ToolCall, ToolChoice, Verbatim};
#[cfg(feature = "mock")]
pub use crate::mock::{MockEmbeddingModel, MockImageModel, MockLanguageModel};
pub use crate::object::{Ladder, Object, ObjectEvent, ObjectStream};
#[cfg(feature = "anthropic")]
pub use crate::providers::anthropic::Anthropic;
#[cfg(feature = "gemini")]
pub use crate::providers::gemini::Gemini;
#[cfg(feature = "openai")]
pub use crate::providers::openai::OpenAi;
#[cfg(feature = "template")]
pub use crate::providers::template::Template;
#[cfg(feature = "workers-ai")]
pub use crate::providers::workers_ai::WorkersAi;
pub use crate::rate_limit::RateLimit;
pub use crate::request::{ReasoningEffort, ResponseSchema, TextRequest};
pub use crate::response::{FinishReason, TextResponse, Usage};
pub use crate::retry::{Retry, RetryPolicy};
pub use crate::schema::{CompiledSchema, Loss, LossKind, SchemaDialect, compile_schema, lint_schema};
pub use crate::scripted::Scripted;
pub use crate::secret::ApiKey;
pub use crate::stream::{StreamEvent, TextStream};
pub use crate::tape::{Record, Replay, Tape};
pub use crate::timeout::Timeout;
#[cfg(feature = "tracing")]
pub use crate::traced::Traced;

/// The schema generator typed output is described with.
pub use schemars;
