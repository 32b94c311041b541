//! D1's import of a file: <https://developers.cloudflare.com/api/resources/d1/subresources/database/methods/import/>

use std::time::Duration;

use md5::{Digest, Md5};
use reqwest::Url;
use reqwest::header::ETAG;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{D1HttpStore, near};
use crate::providers::d1_rules::{Intent, failed, line};
use crate::sql::dump::dump;
use crate::{Record, Result, error::bounded, platform, text};

/// An upload takes its time: 5 GiB in it is 9 MB a second.
const UPLOAD: Duration = Duration::from_secs(600);

/// How far an import in bulk has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkImport {
    /// D1 is at it, and the database answers nobody else until it is done. Ask again with the bookmark, some seconds
    /// later.
    Running {
        /// Names the import.
        bookmark: String,
    },
    /// All rows are there.
    Done {
        /// Statements that ran.
        statements: u64,
    },
}

/// What every step is answered.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Step {
    upload_url: Option<String>,
    filename: Option<String>,
    at_bookmark: Option<String>,
    status: Option<String>,
    error: Option<String>,
    result: Option<Ended>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Ended {
    num_queries: u64,
}

impl D1HttpStore {
    /// Hands D1 any number of rows as one file: four requests, where [`import`](crate::Transfer::import) takes one for at most
    /// 1,000 rows. A file may have 5 GiB, and all of it is in memory here.
    ///
    /// Rows that are there already are left, whatever they say: import into an empty database, and compare the
    /// [`digest`](crate::digest)s afterwards. Every statement may run twice, so a call that failed is repeated whole. What D1 ran
    /// of it before it failed stays.
    ///
    /// # Errors
    /// As every write. [`OutcomeUnknown`](crate::Error::OutcomeUnknown) after the file was handed over: repeat the call.
    pub async fn import_in_bulk(&self, records: &[Record]) -> Result<BulkImport> {
        if records.is_empty() {
            return Ok(BulkImport::Done { statements: 0 });
        }
        let file = dump(records);
        let etag = text::hex(&Md5::digest(file.as_bytes()));
        let begun = self
            .step(Intent::Write, &json!({ "action": "init", "etag": etag }))
            .await?;
        // Without an address D1 has the file already, and is at it.
        let Some(address) = &begun.upload_url else {
            return self.state(begun);
        };
        self.upload(address, file, &etag).await?;
        let filename = begun.filename.unwrap_or_default();
        let ingest = json!({ "action": "ingest", "etag": etag, "filename": filename });
        let step = self.step(Intent::Write, &ingest).await?;
        self.state(step)
    }

    /// How far the import has come. Ask at most once a second: an account has 1,200 requests in five minutes.
    ///
    /// # Errors
    /// As every read. When the import failed, as every write, in D1's words.
    pub async fn bulk_import(&self, bookmark: &str) -> Result<BulkImport> {
        let poll = json!({ "action": "poll", "current_bookmark": bookmark });
        let step = self.step(Intent::Read, &poll).await?;
        self.state(step)
    }

    async fn step(&self, intent: Intent, body: &Value) -> Result<Step> {
        self.ask("import", intent, body).await
    }

    fn state(&self, step: Step) -> Result<BulkImport> {
        match (step.status.as_deref(), step.error, step.at_bookmark) {
            (Some("complete"), ..) => Ok(BulkImport::Done {
                statements: step.result.unwrap_or_default().num_queries,
            }),
            (Some("error"), said, _) | (_, said @ Some(_), _) => {
                let said = said.unwrap_or_else(|| "the import failed".to_owned());
                Err(failed(&self.origin, Intent::Write, &line(&said)))
            }
            (_, None, Some(bookmark)) => Ok(BulkImport::Running { bookmark }),
            (_, None, None) => Err(failed(&self.origin, Intent::Write, "the answer names no import")),
        }
    }

    /// The address carries its own right to write, so it is told to nobody, and nothing else goes with it.
    async fn upload(&self, address: &str, file: String, etag: &str) -> Result<()> {
        let nothing_happened = |said: &str| failed(&self.origin, Intent::Read, said);
        let url = Url::parse(address).ok().filter(near);
        let url = url.ok_or_else(|| nothing_happened("the address to upload to is malformed"))?;
        let request = self.client.put(url).timeout(UPLOAD).body(file);
        let exchange = platform::local(async move {
            let response = request.send().await?;
            Ok((response.status(), response.headers().get(ETAG).cloned()))
        });
        let answer: reqwest::Result<_> = exchange.await;
        let (status, stored) = answer.map_err(|error| nothing_happened(&bounded(&error.without_url().to_string())))?;
        if !status.is_success() {
            return Err(nothing_happened(&format!(
                "the upload was answered HTTP {}",
                status.as_u16()
            )));
        }
        let stored = stored.as_ref().and_then(|stored| stored.to_str().ok());
        if stored.map(|stored| stored.trim_matches('"')) != Some(etag) {
            return Err(nothing_happened("the file arrived changed"));
        }
        Ok(())
    }
}
