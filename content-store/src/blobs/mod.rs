//! Bodies larger than a row: [`BlobStore`] keeps them, [`WithBlobs`] puts them there and reads them back.

#[cfg(feature = "file-blobs")]
mod files;
mod forward;
mod memory;
#[cfg(feature = "r2")]
mod r2;
mod store;
mod with;

#[cfg(feature = "file-blobs")]
pub use files::FileBlobs;
pub use memory::MemoryBlobs;
#[cfg(feature = "r2")]
pub use r2::R2Blobs;
#[cfg(feature = "mock")]
pub use store::MockBlobStore;
pub use store::{BlobEntry, BlobKey, BlobStore};
pub use with::WithBlobs;
