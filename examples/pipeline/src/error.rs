//! Why a run stopped.

/// A run ends with this only when going on is pointless; what fails for one page or one post stands in the report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be used.
    #[error("store: {0}")]
    Store(#[from] presswork_content_store::Error),
    /// The queue cannot be used.
    #[error("queue: {0}")]
    Queue(#[from] presswork_queue::Error),
    /// A topics file cannot be used.
    #[error(transparent)]
    Topics(#[from] crate::topics::TopicsError),
    /// A value cannot be written as JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Result of the pipeline.
pub type Result<T, E = Error> = std::result::Result<T, E>;
