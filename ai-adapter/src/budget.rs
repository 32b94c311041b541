//! Hard caps on what models may cost.

mod account;
mod prices;

use async_trait::async_trait;

use self::account::Reservation;
pub use self::account::{Account, Cap, CapState};
pub use self::prices::{Price, Prices};
use crate::ledger::enter_error;
use crate::stream::watched;
use crate::{
    Attempt, Capabilities, Error, LanguageModel, Result, StreamEvent, TextRequest, TextResponse, TextStream, Usage,
};

/// Asks only while the most the call can cost fits under every cap of an [`Account`].
///
/// Before a call the ceiling of its price is reserved: every byte of the request taken for a token, and the whole
/// output limit. After it the price of what the provider says it took is entered, in the account and as
/// [`Attempt::cost_micros`]. When nobody knows what it took (a time-out, an answer that broke off, a future or stream
/// that was dropped, an answer without usage), the ceiling counts as spent. An error of the server that comes instead of
/// an answer costs nothing. So the sum stays under the caps, and is never below what the provider may bill.
///
/// It belongs around one provider, inside of [`Retry`](crate::Retry) and [`Fallback`](crate::Fallback), where it sees
/// every attempt; several models share an account:
///
/// ```
/// use presswork_ai_adapter::{Account, Cap, LanguageModel, LanguageModelExt, Price, Prices, RetryPolicy, Scripted};
///
/// # fn models(first: Scripted, second: Scripted) -> impl LanguageModel {
/// let prices = Prices::as_of("2026-11-23").model("scripted", "scripted", Price::new(250_000, 2_000_000));
/// let account = Account::new(prices, [Cap::per_day(5_000_000), Cap::per_day(1_000_000).each("site")]);
/// first.budget(&account).or(second.budget(&account)).retry(RetryPolicy::default())
/// # }
/// ```
///
/// # Errors
/// [`Error::QuotaExhausted`] when the ceiling does not fit, with the time until midnight UTC as
/// [`Error::retry_after`] for a daily cap. [`Error::Config`] for a model without a price, a request whose answer has no
/// bound, and one that lacks a cap's label. Nothing was sent then.
#[derive(Debug, Clone)]
pub struct Budget<M> {
    inner: M,
    account: Account,
}

impl<M> Budget<M> {
    /// Wraps a model that draws on `account`.
    pub fn new(inner: M, account: &Account) -> Self {
        Self {
            inner,
            account: account.clone(),
        }
    }

    /// The model inside.
    pub fn inner(&self) -> &M {
        &self.inner
    }
}

/// One call, paid for in advance.
struct Paid {
    price: Price,
    reservation: Reservation,
}

impl Paid {
    /// Settles, and enters the price in the ledger.
    fn over(self, usage: &Usage, attempts: &mut [Attempt]) {
        // Without usage the reservation is dropped, and counts.
        if let Some(cost) = self.price.cost(usage) {
            self.reservation.settle(cost);
            if let Some(last) = attempts.last_mut() {
                last.cost_micros = Some(cost);
            }
        }
    }

    fn failed(self, error: &mut Error) {
        let may_be_billed = matches!(
            error,
            Error::Timeout(_)
                | Error::Incomplete(_)
                | Error::Malformed(_)
                | Error::Refused(_)
                | Error::Truncated(_)
                | Error::InvalidObject { .. }
        );
        let attempts = &mut error.failure_mut().attempts;
        let usage = attempts.last().map(|last| last.usage).unwrap_or_default();
        if may_be_billed || usage != Usage::default() {
            self.over(&usage, attempts);
        } else {
            self.reservation.settle(0);
        }
    }
}

impl<M: LanguageModel> Budget<M> {
    fn pay(&self, request: &TextRequest) -> Result<Paid> {
        let provider = self.inner.provider();
        let paid = self.account.price(&self.inner).and_then(|price| {
            let reservation = self.account.reserve(provider, &price, request)?;
            Ok(Paid { price, reservation })
        });
        paid.map_err(|mut error| {
            let now = std::time::Duration::ZERO;
            enter_error(&mut error, || Attempt::new(provider, self.inner.model(), Some(now)));
            error
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Budget<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities().check(self.provider(), request)?;
        let paid = self.pay(request)?;
        let mut result = self.inner.generate(request).await;
        match &mut result {
            Ok(response) => paid.over(&response.usage, &mut response.attempts),
            Err(error) => paid.failed(error),
        }
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(self.provider(), request)?;
        let paid = self.pay(request)?;
        match self.inner.stream(request).await {
            Ok(stream) => {
                let mut paid = Some(paid);
                Ok(watched(stream, move |event| match event {
                    Ok(StreamEvent::Done(response)) => {
                        if let Some(paid) = paid.take() {
                            paid.over(&response.usage, &mut response.attempts);
                        }
                    }
                    Err(error) => {
                        if let Some(paid) = paid.take() {
                            paid.failed(error);
                        }
                    }
                    Ok(_) => {}
                }))
            }
            Err(mut error) => {
                paid.failed(&mut error);
                Err(error)
            }
        }
    }
}
