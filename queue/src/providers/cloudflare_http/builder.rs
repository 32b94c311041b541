//! Sets up a [`CloudflareHttpQueue`].

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Client, header::HeaderValue};

use super::{CloudflareHttpQueue, Inner, PROVIDER, http::Api};
use crate::{Clock, Error, Result, SystemClock, platform};

/// The longest lease. <https://developers.cloudflare.com/queues/platform/limits/>
const MAX_LEASE: Duration = Duration::from_secs(12 * 3600);

/// Sets up a [`CloudflareHttpQueue`]. Prints no token.
#[derive(Clone)]
#[must_use]
pub struct CloudflareHttpQueueBuilder {
    account: String,
    queue: String,
    token: String,
    base_url: String,
    dead_letters: Option<String>,
    lease: Duration,
    poll: (Duration, Duration),
    deadline: Duration,
    client: Option<Client>,
    clock: Arc<dyn Clock>,
}

impl CloudflareHttpQueueBuilder {
    pub(super) fn new(account: String, queue: String, token: String) -> Self {
        Self {
            account,
            queue,
            token,
            base_url: "https://api.cloudflare.com/client/v4".to_owned(),
            dead_letters: None,
            lease: Duration::from_secs(30),
            poll: (Duration::from_millis(250), Duration::from_secs(5)),
            deadline: Duration::from_secs(30),
            client: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// Where the API is. Default `https://api.cloudflare.com/client/v4`.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// The id of the queue that takes the dead letters: the one that wrangler's file names as this queue's
    /// `dead_letter_queue`. Without it dead letters are unsupported, by verdict and to look at.
    pub fn dead_letters(mut self, queue: impl Into<String>) -> Self {
        self.dead_letters = Some(queue.into());
        self
    }

    /// How long a delivery is leased; up to 12 h. It cannot be extended, so it must cover a whole batch. Default 30 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long to wait between two looks at an empty queue: from `first` growing to `most`, with jitter. Each look is
    /// one billed operation. Default 250 ms to 5 s.
    pub fn poll(mut self, first: Duration, most: Duration) -> Self {
        self.poll = (first, most);
        self
    }

    /// How long to wait for an answer of the service. Default 30 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The HTTP client, to be shared with others.
    pub fn client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The clock of the waits. Default [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the queue; asks the service nothing.
    ///
    /// # Errors
    /// [`Error::Config`] for ids that are none, a token that cannot stand in a header, or a time out of its range.
    pub fn build(self) -> Result<CloudflareHttpQueue> {
        let config = |message: &str| Error::Config {
            provider: PROVIDER,
            message: message.to_owned(),
        };
        let is_id = |id: &String| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_id(&self.account) || !is_id(&self.queue) || !self.dead_letters.iter().all(is_id) {
            return Err(config(
                "account and queues are named by their ids: letters, digits and dashes",
            ));
        }
        if self.dead_letters.as_ref() == Some(&self.queue) {
            return Err(config("a queue cannot take its own dead letters"));
        }
        if self.lease < Duration::from_millis(1) || self.lease > MAX_LEASE {
            return Err(config("lease must be between 1 ms and 12 hours"));
        }
        if self.poll.0 < Duration::from_millis(1)
            || self.poll.0 > self.poll.1
            || self.poll.1 > Duration::from_secs(3600)
        {
            return Err(config("poll must grow from at least 1 ms to at most one hour"));
        }
        if self.deadline < Duration::from_millis(1) || self.deadline > Duration::from_secs(3600) {
            return Err(config("deadline must be between 1 ms and one hour"));
        }
        let url = reqwest::Url::parse(&self.base_url).ok();
        if url.is_none_or(|url| !matches!(url.scheme(), "http" | "https") || url.query().is_some()) {
            return Err(config("base_url must be an http or https URL without a query"));
        }
        let token = HeaderValue::from_str(&format!("Bearer {}", self.token.trim()));
        let mut token = token.map_err(|_| config("the token cannot stand in a header"))?;
        if self.token.trim().is_empty() {
            return Err(config("the token is empty"));
        }
        token.set_sensitive(true);
        let client = match self.client {
            Some(client) => client,
            None => platform::http_client().map_err(|_| config("the HTTP client cannot be made on this machine"))?,
        };
        Ok(CloudflareHttpQueue(Arc::new(Inner {
            api: Api {
                client,
                base: format!(
                    "{}/accounts/{}/queues",
                    self.base_url.trim_end_matches('/'),
                    self.account
                ),
                token,
                deadline: self.deadline,
            },
            queue: self.queue,
            dead_letters: self.dead_letters,
            lease: self.lease,
            poll: self.poll,
            clock: self.clock,
            held: std::sync::Mutex::default(),
            moving: futures_util::lock::Mutex::default(),
        })))
    }
}

impl fmt::Debug for CloudflareHttpQueueBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudflareHttpQueueBuilder")
            .field("queue", &self.queue)
            .field("dead_letters", &self.dead_letters)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
