#![doc = include_str!("../README.md")]

mod blobs;
mod check;
mod cursor;
mod dead_letter;
mod dead_letters;
mod edit;
mod editing;
mod error;
pub mod limits;
mod memory;
pub mod migrations;
mod op;
mod outbox;
mod outbox_row;
mod page;
mod pages;
mod platform;
mod post;
mod post_ledger;
mod reports;
mod request;
mod spend;
mod spend_ledger;
mod status;
mod store;
mod text;
mod transfer;
mod upkeep;

#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "d1", feature = "d1-http"))]
mod providers;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "d1", feature = "d1-http"))]
mod sql;

#[cfg(feature = "file-blobs")]
pub use blobs::FileBlobs;
#[cfg(feature = "r2")]
pub use blobs::R2Blobs;
pub use blobs::{BlobEntry, BlobKey, BlobStore, MemoryBlobs, WithBlobs};
pub use cursor::Cursor;
pub use dead_letter::{DeadLetter, DeadLetterClaim, DeadLetterList, NewDeadLetter};
pub use dead_letters::DeadLetters;
#[cfg(feature = "diff")]
pub use edit::DiffLine;
pub use edit::{Edit, Field, FieldChange, Redirect};
pub use editing::Editing;
pub use error::{Error, Result, Source};
pub use memory::MemoryStore;
pub use op::{DeadLetterId, Op, OpId, OutboxId, PageId, PostId};
pub use outbox::Outbox;
pub use outbox_row::{NewOutbox, OutboxClaim, OutboxCounts, OutboxRow};
pub use page::{
    Claim, Content, NewPage, Page, PageList, PageQuery, PageRef, PageSummary, PlanReport, Revision, SavePage,
    Transition,
};
pub use pages::Pages;
pub use post::{PostClaim, PostKey, PostList, PostOutcome, PostQuery, PostRecord, PostRef, PostStatus};
pub use post_ledger::PostLedger;
#[cfg(feature = "d1")]
pub use providers::d1::{D1Start, D1Store};
#[cfg(feature = "d1-http")]
pub use providers::d1_http::{BulkImport, D1HttpBuilder, D1HttpStore};
#[cfg(feature = "postgres")]
pub use providers::postgres::{PostgresBuilder, PostgresStore};
#[cfg(feature = "sqlite")]
pub use providers::sqlite::{SqliteBuilder, SqliteStore};
pub use reports::Reports;
pub use spend::{NewSpend, SpendBy, SpendQuery, SpendSum, SpendTotals};
pub use spend_ledger::SpendLedger;
pub use status::{Counts, Status};
pub use store::{ContentStore, FullStore};
pub use transfer::{Digest, Exported, Imported, Mark, Record, Transfer, copy, digest};
pub use upkeep::{PrunePlan, Pruned, Upkeep};

#[cfg(feature = "mock")]
pub use {
    blobs::MockBlobStore, dead_letters::MockDeadLetters, editing::MockEditing, outbox::MockOutbox, pages::MockPages,
    post_ledger::MockPostLedger, reports::MockReports, spend_ledger::MockSpendLedger, transfer::MockTransfer,
    upkeep::MockUpkeep,
};
