//! [`R2Blobs`]: a bucket through a Worker's binding. <https://developers.cloudflare.com/r2/api/workers/workers-api-reference/>

use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use worker::send::{IntoSendFuture, SendWrapper};
use worker::{Bucket, Delay};

use super::{BlobEntry, BlobKey, BlobStore};
use crate::error::bounded;
use crate::{Error, Result, text};

const STORE: &str = "r2";

/// A body has some megabytes; R2 names no time of its own after which it gives up.
const DEADLINE: Duration = Duration::from_secs(30);

/// Blobs in an R2 bucket, each an object named by its key behind a prefix. A call may take 30 seconds.
///
/// ```no_run
/// # fn open(env: &worker::Env) -> worker::Result<()> {
/// use presswork_content_store::{D1Store, R2Blobs, WithBlobs};
///
/// let store = WithBlobs::new(D1Store::new(env.d1("DB")?), R2Blobs::new(env.bucket("BODIES")?, "bodies/"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct R2Blobs {
    bucket: SendWrapper<Bucket>,
    prefix: String,
}

impl R2Blobs {
    /// Blobs in this bucket, by names that begin with `prefix`, which may be empty.
    #[must_use]
    pub fn new(bucket: Bucket, prefix: impl Into<String>) -> Self {
        Self {
            bucket: SendWrapper::new(bucket),
            prefix: prefix.into(),
        }
    }

    fn name(&self, key: &BlobKey) -> String {
        format!("{}{key}", self.prefix)
    }
}

/// Waits for R2, and no longer than the deadline.
fn within<T>(asked: impl Future<Output = worker::Result<T>>) -> impl Future<Output = Result<T>> + Send {
    let answered = async move {
        match select(pin!(asked), pin!(Delay::from(DEADLINE))).await {
            Either::Left((answer, _)) => answer.map_err(|error| unavailable(&error.to_string())),
            Either::Right(_) => Err(unavailable(&format!("no answer within {DEADLINE:?}"))),
        }
    };
    answered.into_send()
}

fn unavailable(said: &str) -> Error {
    Error::Unavailable {
        store: STORE,
        place: "the bucket".to_owned(),
        message: bounded(said.lines().next().unwrap_or_default()),
        source: None,
    }
}

#[async_trait]
impl BlobStore for R2Blobs {
    async fn put(&self, key: &BlobKey, bytes: &[u8]) -> Result<()> {
        within(self.bucket.put(self.name(key), bytes.to_vec()).execute()).await?;
        Ok(())
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Vec<u8>>> {
        let read = async {
            let found = self.bucket.get(self.name(key)).execute().await?;
            match found.as_ref().and_then(worker::Object::body) {
                Some(body) => Ok(Some(body.bytes().await?)),
                None => Ok(None),
            }
        };
        within(read).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        within(self.bucket.delete(self.name(key))).await
    }

    async fn list<'a>(&self, after: Option<&'a BlobKey>, limit: u32) -> Result<Vec<BlobEntry>> {
        text::rows(limit)?;
        let entries = async {
            let mut after = after.map(|after| self.name(after));
            loop {
                let mut ask = self.bucket.list().prefix(self.prefix.clone()).limit(limit);
                if let Some(after) = after {
                    ask = ask.start_after(after);
                }
                let found = within(ask.execute()).await?;
                let objects = found.objects();
                let entries: Vec<_> = objects.iter().filter_map(|object| self.entry(object)).collect();
                // A piece may hold nothing but what somebody else put there, and is not the end.
                after = objects.last().filter(|_| found.truncated()).map(worker::Object::key);
                if after.is_none() || !entries.is_empty() {
                    return Ok(entries);
                }
            }
        };
        entries.into_send().await
    }
}

impl R2Blobs {
    /// `None` for an object that somebody else put there.
    fn entry(&self, object: &worker::Object) -> Option<BlobEntry> {
        let name = object.key();
        let key = BlobKey::parse(name.strip_prefix(&self.prefix)?).ok()?;
        let put_at_ms = i64::try_from(object.uploaded().as_millis()).ok()?;
        Some(BlobEntry { key, put_at_ms })
    }
}
