//! Why a run stopped.

/// A run ends with this only when going on is pointless; what fails for one page or one post stands in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] presswork_content_store::Error),
    /// The queue cannot be used.
    #[error(transparent)]
    Queue(#[from] presswork_queue::Error),
    /// A topics file cannot be used.
    #[error(transparent)]
    Topics(#[from] crate::topics::TopicsError),
    /// The settings do not fit what is stored.
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    /// A value cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// Result of the pipeline.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whether no other page would fare better with this model until a person mends its key, quota or name.
pub(crate) fn needs_a_person(error: &presswork_ai_adapter::Error) -> bool {
    use presswork_ai_adapter::Error::{Config, ModelNotFound, QuotaExhausted, Unauthenticated};
    matches!(
        error,
        Unauthenticated(_) | QuotaExhausted(_) | ModelNotFound(_) | Config(_)
    )
}
