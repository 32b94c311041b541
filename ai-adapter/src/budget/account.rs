//! What was spent and reserved, under caps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::prices::{Price, Prices};
use crate::{Clock, Error, Failure, LanguageModel, Result, SystemClock, TextRequest, weigh};

const DAY_MS: i64 = 86_400_000;
/// What chat templates add around a message, and providers around tools and schemas (Anthropic's own instructions for
/// tools take up to about 700 tokens, <https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview>).
const TOKENS_PER_MESSAGE: u64 = 16;
const TOKENS_FOR_TOOLS: u64 = 1_000;

/// The most that may be spent in a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    micros: u64,
    is_daily: bool,
    label: Option<String>,
}

impl Cap {
    /// At most so many millionths of a US dollar in the life of the [`Account`].
    pub const fn per_run(micros: u64) -> Self {
        Self {
            micros,
            is_daily: false,
            label: None,
        }
    }

    /// At most so many millionths of a US dollar in each day, by UTC. A call counts for the day it began.
    pub const fn per_day(micros: u64) -> Self {
        Self {
            micros,
            is_daily: true,
            label: None,
        }
    }

    /// Caps each value of this [label](TextRequest::metadata) by itself: `Cap::per_day(1_000_000).each("site")`. A
    /// request without the label is then refused.
    #[must_use]
    pub fn each(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = if self.is_daily { "day" } else { "run" };
        write!(f, "{} a {time}", Dollars(self.micros))
    }
}

struct Dollars(u64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "${}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// How much of a cap is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapState {
    /// The cap.
    pub cap: Cap,
    /// The label's value this is about; empty for a cap without a label.
    pub value: String,
    /// Millionths of a dollar spent, calls of unknown outcome included at the most they can have cost.
    pub spent_micros: u64,
    /// Millionths of a dollar reserved for calls that are running.
    pub reserved_micros: u64,
}

/// Prices, caps, and what was spent: shared by the [`Budget`](crate::Budget)s of any number of models.
///
/// It lives in memory. A process that restarts, or a Worker, enters what its own records say was spent already with
/// [`charge`](Self::charge).
#[derive(Debug, Clone)]
pub struct Account {
    prices: Arc<Prices>,
    caps: Arc<[Cap]>,
    clock: Arc<dyn Clock>,
    books: Arc<Mutex<Books>>,
}

/// By cap and label value.
type Books = BTreeMap<(usize, String), Book>;

#[derive(Debug, Clone, Copy, Default)]
struct Book {
    day: i64,
    spent: u64,
    reserved: u64,
}

impl Account {
    /// An account from which nothing was spent yet. Without a cap everything with a price is allowed, and counted.
    pub fn new(prices: Prices, caps: impl IntoIterator<Item = Cap>) -> Self {
        Self {
            prices: Arc::new(prices),
            caps: caps.into_iter().collect(),
            clock: Arc::new(SystemClock),
            books: Arc::default(),
        }
    }

    /// Replaces the clock, from which the day is read: milliseconds since the Unix epoch.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Enters what was spent elsewhere or before, under these labels, for the current run and day. It may go over a cap.
    ///
    /// # Errors
    /// [`Error::Config`] when a cap goes by a label that is missing here.
    pub fn charge(&self, labels: &[(String, String)], micros: u64) -> Result<()> {
        let places = self.places("budget", labels)?;
        let (mut books, day) = (self.lock(), self.today());
        for place in places {
            let book = books.entry(place).or_default();
            book.day = day;
            book.spent = book.spent.saturating_add(micros);
        }
        Ok(())
    }

    /// How much of each cap is used now: one entry for every cap and value something was spent or reserved under.
    pub fn state(&self) -> Vec<CapState> {
        let books = self.lock();
        let states = books.iter().filter_map(|((cap, value), book)| {
            Some(CapState {
                cap: self.caps.get(*cap)?.clone(),
                value: value.clone(),
                spent_micros: book.spent,
                reserved_micros: book.reserved,
            })
        });
        states.collect()
    }

    pub(super) fn price(&self, model: &dyn LanguageModel) -> Result<Price> {
        let (provider, name) = (model.provider(), model.model());
        self.prices.get(provider, name).copied().ok_or_else(|| {
            let date = self.prices.date();
            let message = format!("not asked: the price table of {date} has no price for `{provider}/{name}`");
            Error::Config(Failure::new(provider, message).boxed())
        })
    }

    /// Sets aside the most the request can cost, under every cap at once or not at all.
    pub(super) fn reserve(&self, provider: &str, price: &Price, request: &TextRequest) -> Result<Reservation> {
        let micros = ceiling(provider, price, request)?;
        let places = self.places(provider, &request.metadata)?;
        let mut books = self.lock();
        for (place, cap) in places.iter().zip(&*self.caps) {
            let book = books.get(place).copied().unwrap_or_default();
            let left = cap.micros.saturating_sub(book.spent.saturating_add(book.reserved));
            if micros > left {
                return Err(self.exhausted(provider, micros, left, cap, &place.1));
            }
        }
        let day = self.today();
        for place in &places {
            let book = books.entry(place.clone()).or_default();
            book.day = day;
            book.reserved = book.reserved.saturating_add(micros);
        }
        drop(books);
        Ok(Reservation {
            account: self.clone(),
            places,
            day,
            micros,
            is_open: true,
        })
    }

    fn exhausted(&self, provider: &str, micros: u64, left: u64, cap: &Cap, value: &str) -> Error {
        let of = cap
            .label
            .as_ref()
            .map_or(String::new(), |label| format!(" for {label} `{value}`"));
        let message = format!(
            "not asked: it may cost {}, and {} are left of {cap}{of} (prices of {})",
            Dollars(micros),
            Dollars(left),
            self.prices.date()
        );
        let midnight = cap
            .is_daily
            .then(|| DAY_MS - self.clock.now_ms().rem_euclid(DAY_MS))
            .and_then(|ms| u64::try_from(ms).ok())
            .map(Duration::from_millis);
        Error::QuotaExhausted(Failure::new(provider, message).retry_after(midnight).boxed())
    }

    /// Where a request with these labels is booked: one place for each cap, in order.
    fn places(&self, provider: &str, labels: &[(String, String)]) -> Result<Vec<(usize, String)>> {
        let places = self.caps.iter().enumerate().map(|(at, cap)| {
            let Some(label) = &cap.label else {
                return Ok((at, String::new()));
            };
            match labels.iter().find(|(name, _)| name == label) {
                Some((_, value)) => Ok((at, value.clone())),
                None => {
                    let message = format!("not asked: a cap goes by the label `{label}`, which the request lacks");
                    Err(Error::Config(Failure::new(provider, message).boxed()))
                }
            }
        });
        places.collect()
    }

    fn today(&self) -> i64 {
        self.clock.now_ms().div_euclid(DAY_MS)
    }

    /// The books of today: what is daily and of another day is gone.
    fn lock(&self) -> MutexGuard<'_, Books> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let today = self.today();
        books.retain(|(cap, _), book| book.day == today || self.caps.get(*cap).is_some_and(|cap| !cap.is_daily));
        books
    }
}

/// The most the request can cost: a token is at least a byte of text, and an answer no longer than its limit.
fn ceiling(provider: &str, price: &Price, request: &TextRequest) -> Result<u64> {
    let asked = request.max_output_tokens.map(u64::from);
    let output = match asked.or(price.max_output_tokens) {
        Some(tokens) => tokens,
        None if price.output == 0 => 0,
        None => {
            let message = "not asked: neither the request nor the price bounds the answer; set `max_output_tokens`";
            return Err(Error::Config(Failure::new(provider, message).boxed()));
        }
    };
    let has_tools = !request.tools.is_empty() || request.schema.is_some();
    let tools = if has_tools { TOKENS_FOR_TOOLS } else { 0 };
    // A schema may grow in its provider's dialect.
    let grown = request
        .schema
        .as_ref()
        .map_or(0, |schema| schema.schema.to_string().len() as u64);
    let around = TOKENS_PER_MESSAGE.saturating_mul(request.messages.len() as u64 + 1);
    Ok(price.ceiling(weigh::bytes(request) + grown + around + tools, output))
}

/// Money set aside for one call. Dropped, it counts as spent: nobody knows what became of the call.
#[derive(Debug)]
pub(super) struct Reservation {
    account: Account,
    places: Vec<(usize, String)>,
    day: i64,
    micros: u64,
    is_open: bool,
}

impl Reservation {
    /// The call cost this much.
    pub(super) fn settle(mut self, micros: u64) {
        self.close(micros);
    }

    fn close(&mut self, micros: u64) {
        if !std::mem::replace(&mut self.is_open, false) {
            return;
        }
        let mut books = self.account.lock();
        for place in &self.places {
            // A daily book of another day holds nothing of this call.
            let is_daily = self.account.caps.get(place.0).is_some_and(|cap| cap.is_daily);
            if let Some(book) = books.get_mut(place).filter(|book| !is_daily || book.day == self.day) {
                book.reserved = book.reserved.saturating_sub(self.micros);
                book.spent = book.spent.saturating_add(micros);
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.close(self.micros);
    }
}
