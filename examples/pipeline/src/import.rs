//! Plans the topics of a file.

use std::io::{self, Read};

use presswork_content_store::{ContentStore, Error as StoreError, NewPage, Op};
use serde::Serialize;

use crate::config::SiteConfig;
use crate::topics::{Topics, TopicsError};
use crate::{Error, Result, platform};

mod taken;

use taken::Taken;

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

/// Reads every row of the file to the end and compares it with the store, and only when all are good reads it again and
/// plans them, 1,000 rows to a transaction. Importing a file twice changes nothing the second time.
///
/// `open` is called twice. `on_progress` gets the bytes behind the rows done, which make up twice the file. Memory stays at
/// 1,000 rows, 48 bytes for each row read and about 80 for each page of the site.
///
/// # Errors
/// [`Error::Topics`] with file, line and column: nothing was written, unless another import took a slug or keyword in the
/// meantime; then the batches before stay. [`Error::Config`] when the site's pages are in another language.
pub async fn import<R: Read + Send>(
    store: &dyn ContentStore,
    site: &SiteConfig,
    file: &str,
    open: impl Fn() -> io::Result<R> + Send + Sync,
    on_progress: &(dyn Fn(u64) + Sync),
) -> Result<ImportReport> {
    let reader = || {
        open().map_err(|cause| TopicsError::Io {
            file: file.into(),
            cause,
        })
    };
    site.same_locale(store).await?;
    let mut checked = 0;
    let taken = Taken::read(store, site).await?;
    let mut topics = Topics::new(file, reader()?, site)?;
    while let Some(topic) = topics.next() {
        let topic = topic?;
        if let Some(field) = taken.field(&topic) {
            let owner = Taken::owner(store, site, &topic, field).await?;
            return Err(conflict(file, topics.line(), &topic, field, &owner));
        }
        checked = topics.position();
        on_progress(checked);
    }
    drop(topics);

    let mut report = ImportReport::default();
    let mut batch: Vec<NewPage> = Vec::with_capacity(BATCH);
    let mut lines: Vec<u64> = Vec::with_capacity(BATCH);
    let mut topics = Topics::new(file, reader()?, site)?;
    loop {
        let topic = topics.next().transpose()?;
        let last = topic.is_none();
        if let Some(topic) = topic {
            batch.push(topic);
            lines.push(topics.line());
        }
        if batch.len() == BATCH || (last && !batch.is_empty()) {
            let planned = store.plan(&Op::at(platform::now_ms()), &batch).await;
            let done = planned.map_err(|error| located(file, &batch, &lines, error))?;
            report.created += done.created;
            report.updated += done.updated;
            report.existing += done.existing + done.unchanged;
            batch.clear();
            lines.clear();
            on_progress(checked + topics.position());
        }
        if last {
            return Ok(report);
        }
    }
}

/// A slug or keyword that belongs to another topic of the store is the fault of one line.
fn located(file: &str, batch: &[NewPage], lines: &[u64], error: StoreError) -> Error {
    let StoreError::Conflict {
        field, value, row_key, ..
    } = &error
    else {
        return error.into();
    };
    let wants = |page: &&NewPage| match *field {
        "slug" => page.slug == *value,
        _ => page.primary_keyword == *value,
    };
    match batch.iter().zip(lines).find(|(page, _)| wants(page)) {
        Some((page, line)) => conflict(file, *line, page, field, row_key),
        None => error.into(),
    }
}

fn conflict(file: &str, line: u64, topic: &NewPage, field: &str, owner: &str) -> Error {
    let (field, value) = match field {
        "slug" => ("slug", &topic.slug),
        _ => ("keyword", &topic.primary_keyword),
    };
    let message = format!("{value:?} belongs to the topic {owner:?} in the store; give one of the two another");
    TopicsError::Row {
        file: file.into(),
        line,
        field: field.into(),
        message,
    }
    .into()
}
