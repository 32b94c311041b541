//! What every network does the same way: send, read, and turn what is not a success into a condition.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{Answer, Failure, Pending, Request};
use crate::{Clock, Error, Report, Result, SystemClock, TokenSet, host::Reach, platform};

/// Spellings of secrets that are remembered to be taken out of messages; tokens rotate, so old ones are forgotten.
const MAX_SECRETS: usize = 48;

/// A publish that has not sent its request this long after it began gives up, because the time of an attempt is that of its
/// beginning: whoever finds it later has to know by when the request was on its way.
pub(crate) const LATEST_SEND: Duration = Duration::from_secs(30);

/// What a missing answer means for the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// It made or may have made a post.
    Publish,
    /// It changed nothing that people see.
    Repeatable,
}

/// What every builder of a network takes.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) reach: Reach,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            reach: Reach::Public,
            clock: Arc::new(SystemClock),
        }
    }
}

/// The setters every builder has for its [`Settings`].
macro_rules! common_settings {
    () => {
        /// Sets how long one exchange may take; 30 seconds by default. A publish that takes longer is unknown.
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.settings.timeout = timeout;
            self
        }

        /// Lets the target talk to hosts that the public cannot reach: loopback, where plain `http` is allowed then,
        /// and private networks. Without it such an address is refused, also when a public name leads there; behind
        /// an HTTP proxy of the environment the proxy does the looking up. On wasm32 the host of the code looks names
        /// up, and only addresses that are written out are refused.
        pub fn allow_private_hosts(mut self) -> Self {
            self.settings.reach = $crate::host::Reach::Private;
            self
        }

        /// Replaces the machine's clock.
        pub fn clock(mut self, clock: std::sync::Arc<dyn $crate::Clock>) -> Self {
            self.settings.clock = clock;
            self
        }
    };
}
pub(crate) use common_settings;

/// What is shorter is no secret of any network, and would be cut out of words and ids that merely hold its letters.
const SHORTEST_SECRET: usize = 8;

/// One target's way to its server.
pub(crate) struct Caller {
    pub(crate) network: &'static str,
    pub(crate) clock: Arc<dyn Clock>,
    fetcher: platform::Fetcher,
    timeout: Duration,
    secrets: Mutex<Vec<String>>,
}

impl Caller {
    pub(crate) fn new(network: &'static str, settings: Settings) -> Result<Self> {
        if settings.timeout.is_zero() {
            return Err(config(network, "the timeout is zero"));
        }
        let fetcher = platform::Fetcher::new(settings.reach).map_err(|error| config(network, error))?;
        Ok(Self {
            network,
            clock: settings.clock,
            fetcher,
            timeout: settings.timeout,
            secrets: Mutex::default(),
        })
    }

    /// Takes `secret` out of every message from now on: servers and proxies have been seen to repeat a request's
    /// headers and its body in an error page. It is taken out as it is, as a form spells it, and as JSON does.
    pub(crate) fn hide(&self, secret: &str) {
        if secret.len() < SHORTEST_SECRET {
            return;
        }
        let json = serde_json::to_string(secret).unwrap_or_default();
        let spellings = [
            secret.to_owned(),
            super::percent_encoded(secret),
            json.trim_matches('"').to_owned(),
        ];
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for spelling in spellings {
            if secrets.contains(&spelling) {
                continue;
            }
            if secrets.len() >= MAX_SECRETS {
                secrets.remove(0);
            }
            secrets.push(spelling);
        }
    }

    /// Hides both tokens of an account: servers know the one that was not sent, too.
    pub(crate) fn hide_tokens(&self, tokens: &TokenSet) {
        self.hide(tokens.access.expose());
        if let Some(refresh) = &tokens.refresh {
            self.hide(refresh.expose());
        }
    }

    pub(crate) fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let hide = |text: String, secret: &String| text.replace(secret, "[redacted]");
        secrets.iter().fold(text.to_owned(), hide)
    }

    /// Sends the request; any status that arrives from where it was sent is an answer.
    pub(crate) fn send(&self, request: Request, call: Call) -> Pending<'_, Answer> {
        Box::pin(async move {
            let answer = self.fetcher.exchange(request, self.timeout).await;
            let answer = answer.map_err(|failure| self.failed(failure, call))?;
            if answer.redirected {
                let message = "the server redirects, and the redirect was followed";
                return Err(match call {
                    // Whatever answered is not what the post was given to.
                    Call::Publish => Error::unknown(self.report(&answer, message), None),
                    Call::Repeatable => self.standard(&answer, call, message),
                });
            }
            Ok(answer)
        })
    }

    /// Refuses to send what may make a post when it is too late for it; `began_ms` is when the attempt began.
    pub(crate) fn in_time(&self, began_ms: i64, latest: Duration) -> Result<()> {
        let passed = self.clock.now_ms().saturating_sub(began_ms);
        if passed <= i64::try_from(latest.as_millis()).unwrap_or(i64::MAX) {
            return Ok(());
        }
        Err(self.later("what comes before the post took too long; nothing was sent", None))
    }

    /// Nothing was posted, and the same call may succeed later.
    pub(crate) fn later(&self, message: &str, retry_after: Option<Duration>) -> Error {
        Error::Unavailable {
            report: self.note(message),
            retry_after,
            source: None,
        }
    }

    /// How much of `settle` is left after an attempt that was armed at `armed_at_ms` and may have sent its request until
    /// `latest` after that; `None` when all of it is over.
    pub(crate) fn unsettled(&self, armed_at_ms: i64, latest: Duration, settle: Duration) -> Option<Duration> {
        let passed = self.clock.now_ms().saturating_sub(armed_at_ms);
        let passed = Duration::from_millis(u64::try_from(passed).unwrap_or_default());
        let whole = settle.saturating_add(latest);
        whole.checked_sub(passed).filter(|wait| !wait.is_zero())
    }

    /// No status arrived.
    fn failed(&self, failure: Failure, call: Call) -> Error {
        if failure.not_public {
            return config(
                self.network,
                "the name of the server leads to an address that the public cannot reach",
            );
        }
        let report = self.note(&failure.message);
        if failure.sent && call == Call::Publish {
            return Error::unknown(report, failure.source);
        }
        Error::Unavailable {
            report,
            retry_after: None,
            source: failure.source,
        }
    }

    /// What a status other than success means where the network gives it no meaning of its own.
    pub(crate) fn standard(&self, answer: &Answer, call: Call, message: &str) -> Error {
        let report = self.report(answer, message);
        let now_ms = self.clock.now_ms();
        let retry_after = answer.retry_after(now_ms);
        match answer.status {
            200..=399 => Error::Rejected {
                report: self.report(answer, "the server redirects; configure the address it redirects to"),
                field: None,
            },
            401 => Error::Unauthenticated { report },
            403 => Error::Forbidden { report },
            429 => Error::RateLimited {
                report,
                retry_after: answer.not_before(now_ms),
            },
            // The proxy in front gave up while the request may have been with the server.
            408 if call == Call::Publish => Error::unknown(report, None),
            400..=499 if answer.status != 408 => Error::Rejected { report, field: None },
            // Overload answered before the request was looked at: only then is the time to come back known.
            503 if retry_after.is_some() => Error::Unavailable {
                report,
                retry_after,
                source: None,
            },
            _ => Self::unclear(report, call, retry_after),
        }
    }

    /// Something came back that does not say what happened.
    fn unclear(report: Report, call: Call, retry_after: Option<Duration>) -> Error {
        match call {
            Call::Publish => Error::unknown(report, None),
            Call::Repeatable => Error::Unavailable {
                report,
                retry_after,
                source: None,
            },
        }
    }

    /// A success that does not say what it should.
    pub(crate) fn unreadable(&self, answer: &Answer, call: Call, problem: &str) -> Error {
        Self::unclear(self.report(answer, problem), call, None)
    }

    pub(crate) fn report(&self, answer: &Answer, message: &str) -> Report {
        let id = ["x-request-id", "x-li-uuid", "x-transaction-id", "x-fb-trace-id"];
        let id = id.iter().find_map(|name| answer.header(name));
        Report::new(self.network, self.redact(message))
            .status(answer.status)
            .request_id(id.map(|id| self.redact(id)))
    }

    /// What an answer says in words: `said`, which was found in its JSON, else the head of a page of a proxy in between.
    pub(crate) fn message_of(&self, answer: &Answer, said: String) -> String {
        match &answer.body {
            Err(_) => "the answer was cut off".to_owned(),
            Ok(body) if said.is_empty() => {
                // Redacted before it is cut, or half of a secret would stay.
                self.redact(&String::from_utf8_lossy(body)).chars().take(200).collect()
            }
            Ok(_) => said,
        }
    }

    /// A report about something that no answer says.
    pub(crate) fn note(&self, message: &str) -> Report {
        Report::new(self.network, self.redact(message))
    }
}

pub(crate) fn config(network: &str, message: impl AsRef<str>) -> Error {
    Error::Config {
        report: Report::new(network, message),
    }
}
