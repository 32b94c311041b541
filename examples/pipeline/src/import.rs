//! Plans the topics of a file.

use std::io::{self, Read};

use presswork_content_store::{ContentStore, NewPage, Op};
use serde::Serialize;

use crate::config::SiteConfig;
use crate::topics::{Topics, TopicsError};
use crate::{Error, Result, platform};

/// Rows of one transaction.
pub const BATCH: usize = 1_000;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Topics that are new.
    pub created: u64,
    /// Topics whose facts were replaced because no page was made yet.
    pub updated: u64,
    /// Topics that were there already, or whose page is made.
    pub existing: u64,
}

/// Reads every row of the file to the end, and only when all are good reads it again and plans them, 1,000 rows to a
/// transaction. Importing a file twice changes nothing the second time.
///
/// `open` is called twice. `on_progress` gets the bytes behind the rows done, which make up twice the file.
///
/// # Errors
/// [`Error::Topics`] with file, line and column; nothing was written then. [`Error::Store`] when a slug or keyword
/// belongs to another topic of the store: that batch was not written, earlier batches were.
pub async fn import<R: Read + Send>(
    store: &dyn ContentStore,
    site: &SiteConfig,
    file: &str,
    open: impl Fn() -> io::Result<R> + Send + Sync,
    on_progress: &(dyn Fn(u64) + Sync),
) -> Result<ImportReport> {
    let reader = || {
        open().map_err(|source| TopicsError::Io {
            file: file.into(),
            source,
        })
    };
    let mut checked = 0;
    let mut topics = Topics::new(file, reader()?, site)?;
    while let Some(topic) = topics.next() {
        topic?;
        checked = topics.position();
        on_progress(checked);
    }
    drop(topics);

    let mut report = ImportReport::default();
    let mut batch: Vec<NewPage> = Vec::with_capacity(BATCH);
    let mut topics = Topics::new(file, reader()?, site)?;
    loop {
        let topic = topics.next().transpose()?;
        let last = topic.is_none();
        batch.extend(topic);
        if batch.len() == BATCH || (last && !batch.is_empty()) {
            let done = store
                .plan(&Op::at(platform::now_ms()), &batch)
                .await
                .map_err(Error::Store)?;
            report.created += done.created;
            report.updated += done.updated;
            report.existing += done.existing + done.unchanged;
            batch.clear();
            on_progress(checked + topics.position());
        }
        if last {
            return Ok(report);
        }
    }
}
