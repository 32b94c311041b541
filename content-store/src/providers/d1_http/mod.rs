//! [`D1HttpStore`]: D1 through Cloudflare's REST service.
//! <https://developers.cloudflare.com/api/resources/d1/subresources/database/>

mod bulk;
mod ledgers;
mod wire;

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::d1_rules::{Intent, MAX_DEADLINE, check, failed, late, line, refused};
use crate::migrations::{self, LEDGER, MIGRATIONS};
use crate::sql::{Answers, Batch, Origin};
use crate::{Error, Result, error::bounded, platform, text};
pub use bulk::BulkImport;
use wire::{Envelope, Named, Raw, Request};

pub(crate) const STORE: &str = "d1-http";

/// The block after too many requests lasts this long: <https://developers.cloudflare.com/fundamentals/api/reference/limits/>
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A store in a D1 database, through Cloudflare's REST service: for imports, repairs and daily jobs from outside.
///
/// Every call is one request of `/raw`, whose statements D1 runs as one batch. An account has 1,200 requests in five
/// minutes for everything it does, so a Worker's hot path belongs on the binding. There are no bookmarks here: reads
/// are the primary's.
///
/// ```no_run
/// # async fn open(token: &str) -> presswork_content_store::Result<()> {
/// use presswork_content_store::D1HttpStore;
///
/// let store = D1HttpStore::builder("023e105f4ecef8ad9ca31a8372d0c353", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", token)
///     .build()?;
/// store.migrate().await?;
/// # Ok(())
/// # }
/// ```
pub struct D1HttpStore {
    origin: Origin,
    client: Client,
    database: Url,
    token: Token,
    deadline: Duration,
}

/// Shown by no format.
#[derive(Clone)]
struct Token(String);

impl fmt::Debug for D1HttpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("D1HttpStore")
            .field("place", &self.origin.place)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl D1HttpStore {
    /// The database of that account, with an API token that may write to D1.
    pub fn builder(account: impl Into<String>, database: impl Into<String>, token: impl Into<String>) -> D1HttpBuilder {
        D1HttpBuilder {
            account: account.into(),
            database: database.into(),
            token: Token(token.into()),
            base_url: "https://api.cloudflare.com/client/v4".to_owned(),
            client: None,
            deadline: MAX_DEADLINE,
        }
    }

    /// Applies the migrations that the database lacks, one request each, and notes them where
    /// `wrangler d1 migrations apply` does. Every statement may run twice, so a lost answer is repaired by a repeat.
    ///
    /// # Errors
    /// [`NewerSchema`](Error::NewerSchema), and as every write.
    pub async fn migrate(&self) -> Result<()> {
        let applied = format!("{LEDGER}; SELECT name FROM d1_migrations ORDER BY name");
        let answers = self.query(&applied).await?;
        let names = answers.into_iter().flat_map(|answer| answer.results);
        let names: Vec<String> = names.filter_map(|row| row.name).collect();
        for migration in migrations::missing(STORE, &self.origin.place, MIGRATIONS, &names)? {
            let note = format!(
                "INSERT OR IGNORE INTO d1_migrations (name) VALUES ('{}')",
                migration.name
            );
            let statements: Vec<&str> = migration.statements.iter().copied().chain([note.as_str()]).collect();
            let _ = self.query(&statements.join("; ")).await?;
        }
        Ok(())
    }

    async fn query(&self, sql: &str) -> Result<Vec<Named>> {
        self.ask("query", Intent::Write, &serde_json::json!({ "sql": sql }))
            .await
    }

    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        self.run(Intent::Write, batch).await
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        self.run(Intent::Read, batch).await
    }

    async fn run<T>(&self, intent: Intent, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        check(&statements)?;
        let answers: Vec<Raw> = self.ask("raw", intent, &Request::new(&statements)).await?;
        if answers.len() != statements.len() {
            let (asked, answered) = (statements.len(), answers.len());
            return Err(failed(
                &self.origin,
                intent,
                &format!("{answered} answers to {asked} statements"),
            ));
        }
        let rows = answers.into_iter().map(|answer| wire::rows(answer.results));
        let rows = rows.collect::<Result<Vec<_>, String>>();
        let rows = rows.map_err(|cell| self.origin.corrupt(format!("a row holds {}", bounded(&cell))))?;
        finish(Answers::new(rows))
    }

    async fn ask<T: DeserializeOwned + Default>(
        &self,
        method: &str,
        intent: Intent,
        body: &(impl Serialize + Sync),
    ) -> Result<T> {
        let mut url = self.database.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(method);
        }
        let body =
            serde_json::to_vec(body).map_err(|error| text::invalid("a statement", format!("is no JSON: {error}")))?;
        let request = self
            .client
            .post(url)
            .bearer_auth(&self.token.0)
            .timeout(self.deadline)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        let exchange = platform::local(async move {
            let response = request.send().await?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok((status, headers, response.bytes().await?))
        });
        let answer: reqwest::Result<_> = exchange.await;
        let (status, headers, body) = answer.map_err(|error| self.unanswered(intent, &error.without_url()))?;
        let envelope = serde_json::from_slice::<Envelope<T>>(&body);
        match envelope {
            Ok(envelope) if status.is_success() && envelope.success => Ok(envelope.result),
            Ok(envelope) => {
                let said = envelope.errors.first();
                let (code, words) = said.map_or((0, String::new()), |said| (said.code, line(&said.message)));
                Err(self.refusal(intent, status, &headers, code, &words))
            }
            Err(_) if status.is_success() => Err(failed(&self.origin, intent, "the answer is not readable")),
            Err(_) => Err(self.refusal(intent, status, &headers, 0, "")),
        }
    }

    fn unanswered(&self, intent: Intent, error: &reqwest::Error) -> Error {
        if error.is_timeout() {
            return late(&self.origin, intent, self.deadline);
        }
        let intent = if platform::never_left(error) {
            Intent::Read
        } else {
            intent
        };
        failed(&self.origin, intent, &bounded(&error.to_string()))
    }

    /// Code 7500 says nothing: it stands before SQL that is wrong and before failures inside. The status tells them apart.
    fn refusal(&self, intent: Intent, status: StatusCode, headers: &HeaderMap, code: i64, words: &str) -> Error {
        let said = match (words, code) {
            ("", _) => format!("HTTP {}", status.as_u16()),
            (words, 0) => words.to_owned(),
            (words, code) => format!("{words} [code: {code}]"),
        };
        match status {
            StatusCode::TOO_MANY_REQUESTS => Error::RateLimited {
                store: STORE,
                place: self.origin.place.to_string(),
                retry_after: wait(headers),
            },
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => refused(
                &self.origin,
                &format!("{said}; give it an API token that may write to D1"),
            ),
            // Words that tell of an overload or a full database count for themselves; others of the kind are refusals.
            status if status.is_client_error() => match failed(&self.origin, Intent::Read, &said) {
                Error::Unavailable { message, .. } if !super::d1_rules::not_begun(&message) => {
                    refused(&self.origin, &said)
                }
                error => error,
            },
            _ => failed(&self.origin, intent, &said),
        }
    }
}

/// Whether nobody on the way can read what goes there: `https`, or `http` on this machine.
fn near(url: &Url) -> bool {
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    url.scheme() == "https" || (url.scheme() == "http" && here)
}

/// `Retry-After` in seconds, else `t` of `Ratelimit: "default";r=0;t=30`.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let seconds = text(RETRY_AFTER.as_str())
        .and_then(|after| after.trim().parse::<u64>().ok())
        .or_else(|| {
            let mut parts = text("ratelimit")?.split(';');
            parts.find_map(|part| part.trim().strip_prefix("t=")?.parse().ok())
        })?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Settings of a [`D1HttpStore`].
#[derive(Clone)]
#[must_use = "nothing is asked before `build`"]
pub struct D1HttpBuilder {
    account: String,
    database: String,
    token: Token,
    base_url: String,
    client: Option<Client>,
    deadline: Duration,
}

impl fmt::Debug for D1HttpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("D1HttpBuilder")
            .field("account", &self.account)
            .field("database", &self.database)
            .field("base_url", &self.base_url)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl D1HttpBuilder {
    /// Another service that speaks as Cloudflare's does: `https`, or `http` on this machine.
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = base_url.into();
        self
    }

    /// A client that is there already; without one the store makes its own.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// How long a call may take, 1 millisecond to 30 seconds, where D1 itself ends it. 30 seconds unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes the store. Nothing is asked yet.
    ///
    /// # Errors
    /// [`InvalidInput`](Error::InvalidInput): an id, the token, the URL or the deadline is malformed.
    pub fn build(self) -> Result<D1HttpStore> {
        let id = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !id(&self.account) {
            return Err(text::invalid("account", "is not an id of Cloudflare"));
        }
        if !id(&self.database) {
            return Err(text::invalid("database", "is not an id of Cloudflare"));
        }
        if self.token.0.is_empty() || !self.token.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(text::invalid("token", "is empty or holds what no header may"));
        }
        if self.deadline < Duration::from_millis(1) || self.deadline > MAX_DEADLINE {
            return Err(text::invalid("deadline", "is not 1 ms to 30 s"));
        }
        let wrong = || text::invalid("base_url", "is not an https URL, or http on this machine");
        let mut url = Url::parse(&self.base_url).map_err(|_| wrong())?;
        let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !(plain && near(&url)) {
            return Err(wrong());
        }
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend([
            "accounts",
            &self.account,
            "d1",
            "database",
            &self.database,
        ]);
        let client = match self.client {
            Some(client) => client,
            None => Client::builder()
                .build()
                .map_err(|error| text::invalid("client", format!("cannot be made: {error}")))?,
        };
        Ok(D1HttpStore {
            origin: Origin {
                store: STORE,
                place: format!("database {}", self.database).into(),
            },
            client,
            database: url,
            token: self.token,
            deadline: self.deadline,
        })
    }
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<D1HttpStore>();
};
