//! One HTTP exchange: how far it got, and what came back.

mod bearer;
mod caller;
mod json;
mod request;
mod wait;

use std::pin::Pin;

pub(crate) use bearer::Renewing;
pub(crate) use caller::{Call, Caller, LATEST_SEND, Settings, common_settings, config};
pub(crate) use json::{integer, list, optional, text};
pub(crate) use request::{File, Request, address, carriable, percent_encoded};
pub(crate) use wait::{format_rfc3339, parse_rfc3339, until_next_day};

use crate::Result as Outcome;

/// Largest answer that is read, in bytes; a page of 40 statuses is a tenth of it.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// What a shared step returns. Boxed, so that a Worker carries its states once and not in each of its callers.
pub(crate) type Pending<'a, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'a>>;

/// A status arrived. The body may have been cut off nevertheless.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Result<Vec<u8>, String>,
    /// Another URL than the requested one answered.
    pub(crate) redirected: bool,
}

/// No status arrived.
pub(crate) struct Failure {
    /// Whether the request may have reached the server.
    pub(crate) sent: bool,
    /// Whether the name of the server led to an address that the public cannot reach.
    pub(crate) not_public: bool,
    pub(crate) message: String,
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers_of(name).next()
    }

    pub(crate) fn headers_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self
            .headers
            .iter()
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as it arrived; nothing of one that was cut off.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }
}
