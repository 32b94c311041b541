//! [`D1Store`]: D1 through a Worker's binding. <https://developers.cloudflare.com/d1/worker-api/d1-database/>

mod classify;
mod ledgers;
mod rows;
mod session;

#[cfg(all(test, feature = "sqlite", feature = "conformance"))]
#[allow(clippy::unwrap_used, clippy::panic)] // test code beside its tests
mod rules;
#[cfg(test)]
mod tests;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use worker::send::IntoSendFuture;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Delay};

use super::d1_rules::{Intent, MAX_DEADLINE, check, failed, late, refused};
use crate::sql::{Answers, Batch, Origin, Row, Statement, Value};
use crate::{Result, text};
pub use session::D1Start;
use session::Session;

pub(crate) const STORE: &str = "d1";

/// A store in a D1 database, through the binding of a Worker.
///
/// Every call is one `batch`, which D1 runs as one transaction, on the primary unless [`session`](Self::session) lets
/// replicas answer reads; an invocation on the free plan has 50
/// queries, on the paid plan 1,000. The tables come from [`migrations`](crate::migrations) by
/// `wrangler d1 migrations apply`: the store does not migrate.
///
/// D1 stalls at times, so every call has a deadline: a write that meets it is
/// [`OutcomeUnknown`](crate::Error::OutcomeUnknown), a read [`Unavailable`](crate::Error::Unavailable).
///
/// ```no_run
/// # fn open(env: &worker::Env) -> worker::Result<()> {
/// use presswork_content_store::D1Store;
///
/// let store = D1Store::new(env.d1("DB")?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct D1Store {
    origin: Origin,
    database: D1Database,
    session: Option<Session>,
    deadline: Duration,
}

impl D1Store {
    /// A store in the database of this binding, with a deadline of 8 seconds for a call.
    #[must_use]
    pub fn new(database: D1Database) -> Self {
        Self {
            origin: Origin {
                store: STORE,
                place: "the database".into(),
            },
            database,
            session: None,
            deadline: Duration::from_secs(8),
        }
    }

    /// Sets how long a call may take, 1 millisecond to 30 seconds.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::Error::InvalidInput) for any other time.
    pub fn with_deadline(mut self, deadline: Duration) -> Result<Self> {
        if deadline < Duration::from_millis(1) || deadline > MAX_DEADLINE {
            return Err(text::invalid("deadline", "is not 1 ms to 30 s"));
        }
        self.deadline = deadline;
        Ok(self)
    }

    async fn write<T>(&self, batch: Batch<T>) -> Result<T> {
        self.run(Intent::Write, self.session.as_ref(), batch).await
    }

    async fn read<T>(&self, batch: Batch<T>) -> Result<T> {
        self.run(Intent::Read, self.session.as_ref(), batch).await
    }

    /// Reads from the primary. A session may know of no write whose answer was lost.
    async fn newest<T>(&self, batch: Batch<T>) -> Result<T> {
        self.run(Intent::Read, None, batch).await
    }

    async fn run<T>(&self, intent: Intent, session: Option<&Session>, batch: Batch<T>) -> Result<T> {
        let Batch { statements, finish } = batch;
        check(&statements)?;
        let rows = async {
            // The promise cannot be taken back: what is late may still happen.
            let prepared = self.prepare(session, &statements)?;
            let asked = async {
                match session {
                    Some(session) => session.batch(prepared).await,
                    None => self.database.batch(prepared).await,
                }
            };
            match select(pin!(asked), pin!(Delay::from(self.deadline))).await {
                Either::Left((Ok(results), _)) => rows::read(&self.origin, &results),
                Either::Left((Err(error), _)) => Err(failed(&self.origin, intent, &classify::words(&error))),
                Either::Right(_) => Err(late(&self.origin, intent, self.deadline)),
            }
        };
        let rows: Vec<Vec<Row>> = rows.into_send().await?;
        finish(Answers::new(rows))
    }

    fn prepare(&self, session: Option<&Session>, statements: &[Statement]) -> Result<Vec<D1PreparedStatement>> {
        let bound = |statement: &Statement| {
            let args: Vec<_> = statement.args.iter().map(js).collect();
            let prepared = match session {
                Some(session) => session.prepare(&*statement.sql),
                None => self.database.prepare(&*statement.sql),
            };
            prepared.bind(&args)
        };
        let prepared = statements.iter().map(bound).collect::<worker::Result<_>>();
        prepared.map_err(|error| refused(&self.origin, &classify::words(&error)))
    }
}

/// Every number reaches D1 as a double, and the statements cast it back.
#[allow(clippy::cast_precision_loss)] // checked to fit
fn js(value: &Value) -> JsValue {
    match value {
        Value::Null => JsValue::NULL,
        Value::Int(number) => JsValue::from_f64(*number as f64),
        Value::Text(text) => JsValue::from_str(text),
        Value::Id(id) => JsValue::from_str(&id.to_string()),
    }
}

const _: fn() = || {
    fn pin<T: Send + Sync + 'static>() {}
    pin::<D1Store>();
};
