//! How large values may be, in bytes of UTF-8. The same on every backend; every bound leaves a whole row below
//! D1's 2,000,000 bytes per row (<https://developers.cloudflare.com/d1/platform/limits/>).

/// Rows in one call: topics planned, rows claimed, rows of a list.
pub const MAX_ROWS: usize = 1_000;
/// `site`, `locale`, `row_key`, `primary_keyword`, owners, targets, accounts, campaigns, providers and models.
pub const KEY: usize = 255;
/// A slug. Longer ones are cut in search results and feeds.
pub const SLUG: usize = 75;
/// The topic of a page, as JSON.
pub const TOPIC: usize = 64 * 1024;
/// A title.
pub const TITLE: usize = 2 * 1024;
/// A description.
pub const DESCRIPTION: usize = 4 * 1024;
/// All keywords, or all hooks, of a page, as JSON.
pub const LIST: usize = 16 * 1024;
/// A body in the row. [`BLOB`] is what a body outside of it may have.
pub const BODY: usize = 500 * 1024;
/// A body that [`WithBlobs`](crate::WithBlobs) keeps outside of the row. R2 takes more
/// (<https://developers.cloudflare.com/r2/platform/limits/>), but a Worker has 128 MB for everything it does at once
/// (<https://developers.cloudflare.com/workers/platform/limits/>).
pub const BLOB: usize = 8 * 1024 * 1024;
/// An image prompt, the text of a post, a reason or an error.
pub const TEXT: usize = 16 * 1024;
/// A URL.
pub const URL: usize = 2 * 1024;
/// A gate report, the payload of a message or a post, evidence; as JSON.
pub const JSON: usize = 128 * 1024;
/// The body of a dead letter; Cloudflare takes messages of 128 kB (<https://developers.cloudflare.com/queues/platform/limits/>).
pub const MESSAGE: usize = 256 * 1024;
/// Messages or costs written with one page.
pub const WITH_A_PAGE: usize = 100;
/// Numbers: what a double holds exactly, because every number reaches D1 as one.
pub const NUMBER: i64 = (1 << 53) - 1;
