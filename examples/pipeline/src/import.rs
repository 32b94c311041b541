//! Plans the topics of a file.

use std::io::{self, Read};

use futures_util::{StreamExt, TryStreamExt, stream};
use presswork_content_store::{ContentStore, Error as StoreError, NewPage, Op, Redirect};
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
    /// Topics whose page was public and was deleted; they are left out.
    pub deleted: u64,
}

/// What becomes of a topic whose page was public and was deleted. Deleting leaves a mark at the address alone, so a page that
/// was never public is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It is left out. The store is asked once for each topic that it does not have.
    Skip,
    /// It is planned again.
    PlanAgain,
}

/// Questions to the store at once.
const AT_ONCE: usize = 16;

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
    deleted: Deleted,
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
            if deleted == Deleted::Skip {
                let gone = gone(store, &taken, &batch).await?;
                report.deleted += gone.iter().filter(|gone| **gone).count() as u64;
                let mut keep = gone.iter().map(|gone| !gone);
                batch.retain(|_| keep.next().unwrap_or(true));
                let mut keep = gone.iter().map(|gone| !gone);
                lines.retain(|_| keep.next().unwrap_or(true));
            }
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

/// Of each topic, whether its page was deleted.
async fn gone(store: &dyn ContentStore, taken: &Taken, batch: &[NewPage]) -> Result<Vec<bool>> {
    let asked = batch.iter().map(async |topic| {
        if taken.has(topic) {
            return Ok(false);
        }
        let redirect = store.redirect(&topic.site, &topic.locale, &topic.slug).await;
        redirect.map(|redirect| redirect == Some(Redirect::Gone))
    });
    Ok(stream::iter(asked).buffered(AT_ONCE).try_collect().await?)
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
