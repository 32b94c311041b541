//! A target without a network: posts become lines of a file, or stay in memory.
//!
//! `Outbox` is for dry runs and tests. It keeps the promises of a real target to the letter: one call appends one
//! line, the same key never appends a second one, and a crash between the two is found again.

mod entry;
mod log;

use std::{collections::HashMap, fmt, path::Path, sync::Arc, sync::Mutex, sync::MutexGuard, time::Duration};

use async_trait::async_trait;

use crate::{
    Account, Attempt, Certainty, Clock, Counter, Error, Limits, Media, MediaLimits, Post, Published, Reconciled,
    Report, Result, SocialTarget, SystemClock, UploadedMedia, Visibility,
};
pub use entry::Entry;
use log::{FileLog, Log, MemoryLog};

const NETWORK: &str = "outbox";

/// Publishes to memory or to a [JSON Lines](https://jsonlines.org) file.
///
/// A file is locked while the outbox is open; a second outbox on it, in this process or another, is refused. Each
/// post is one write and one `fdatasync`, made on the calling thread: an outbox is no place for heavy traffic. A line
/// that a crash left torn is removed when the file is opened. Uploads are checked and named after their content, their
/// bytes are not kept.
///
/// Limits are those of a Mastodon server out of the box (500 characters, URLs count 23, 4 files of 16 MiB,
/// [instance defaults](https://docs.joinmastodon.org/entities/Instance/)), so that a dry run shows what a network
/// would take; [`with_limits`](Outbox::with_limits) imitates another.
pub struct Outbox {
    account: String,
    limits: Limits,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    log: Box<dyn Log>,
    /// Bytes of whole lines.
    length: u64,
    lines: u64,
    receipts: HashMap<String, Published>,
    /// A write failed and could not be taken back: what the log holds must be read again.
    uncertain: bool,
}

impl Outbox {
    /// An empty outbox in memory.
    pub fn memory() -> Self {
        Self::over(
            format!("{NETWORK}/memory"),
            State::empty(Box::new(MemoryLog::default())),
        )
    }

    /// An outbox in the file at `path`, which is created when missing.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be opened, is open in another outbox
    /// ([`WouldBlock`](std::io::ErrorKind::WouldBlock)), or holds a line that is no post
    /// ([`InvalidData`](std::io::ErrorKind::InvalidData), with the number of the line).
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let failed = |source| io_error(format!("cannot use the outbox file {}", path.display()), source);
        let mut state = State::empty(Box::new(FileLog::open(path).map_err(failed)?));
        state.load().map_err(failed)?;
        Ok(Self::over(format!("{NETWORK}/{name}"), state))
    }

    fn over(account: String, state: State) -> Self {
        Self {
            account,
            limits: default_limits(),
            clock: Arc::new(SystemClock),
            state: Mutex::new(state),
        }
    }

    /// Imitates the text and media limits of another network. What the outbox itself promises (settings, keys,
    /// exact lookup) stays.
    #[must_use]
    pub fn with_limits(mut self, counter: Counter, max_text: usize, media: MediaLimits) -> Self {
        self.limits.counter = counter;
        self.limits.max_text = max_text;
        self.limits.media = media;
        self
    }

    /// Sets the name under which ledgers know this outbox; `outbox/memory` or `outbox/<file name>` by default.
    #[must_use]
    pub fn with_account(mut self, account: impl Into<String>) -> Self {
        self.account = account.into();
        self
    }

    /// Takes the time of its entries from `clock`.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Every post, oldest first.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be read.
    pub fn posts(&self) -> Result<Vec<Entry>> {
        let mut state = self.state();
        let mut entries = Vec::new();
        state
            .load()
            .and_then(|()| entry::each(state.log.read()?, |entry, _| entries.push(entry)))
            .map_err(|source| io_error("cannot read the outbox", source))?;
        Ok(entries)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave a half-made state: the log is the truth and `uncertain` is set before it is written.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Every post in the outbox file at `path`, oldest first, without locking it: for looking while an outbox is open.
///
/// # Errors
/// [`Error::Io`] when the file cannot be read or a whole line is no post.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<Entry>> {
    let path = path.as_ref();
    let mut entries = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| entry::each(std::io::BufReader::new(file), |entry, _| entries.push(entry)))
        .map_err(|source| io_error(format!("cannot read the outbox file {}", path.display()), source))?;
    Ok(entries)
}

impl State {
    fn empty(log: Box<dyn Log>) -> Self {
        Self {
            log,
            length: 0,
            lines: 0,
            receipts: HashMap::new(),
            uncertain: true,
        }
    }

    /// Reads the log again when it may hold something else than what is known, and removes a torn last line.
    fn load(&mut self) -> std::io::Result<()> {
        if !self.uncertain {
            return Ok(());
        }
        let (mut length, mut lines, mut receipts) = (0, 0, HashMap::new());
        entry::each(self.log.read()?, |entry, end| {
            length = end;
            lines += 1;
            if let Some(key) = entry.idempotency_key {
                receipts.entry(key).or_insert_with(|| Published::new(entry.id, None));
            }
        })?;
        self.log.truncate(length)?;
        self.length = length;
        self.lines = lines;
        self.receipts = receipts;
        self.uncertain = false;
        Ok(())
    }

    fn append(&mut self, line: &[u8]) -> Append {
        self.uncertain = true;
        let Err(error) = self.log.append(line) else {
            self.length += line.len() as u64;
            self.lines += 1;
            self.uncertain = false;
            return Append::Written;
        };
        match self.log.truncate(self.length) {
            Ok(()) => {
                self.uncertain = false;
                Append::TakenBack(error)
            }
            Err(_) => Append::Uncertain(error),
        }
    }
}

enum Append {
    Written,
    TakenBack(std::io::Error),
    Uncertain(std::io::Error),
}

#[async_trait]
impl SocialTarget for Outbox {
    fn network(&self) -> &str {
        NETWORK
    }

    fn account(&self) -> &str {
        &self.account
    }

    fn limits(&self) -> Limits {
        self.limits.clone()
    }

    async fn check(&self) -> Result<Account> {
        let mut state = self.state();
        state
            .load()
            .map_err(|source| io_error("cannot read the outbox", source))?;
        Ok(Account::new(&self.account, &self.account, None))
    }

    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        self.limits.check_media(media)?;
        let id = format!("{:016x}-{}", fnv1a(&media.bytes), media.file_name);
        Ok(UploadedMedia::new(NETWORK, id, media.alt.clone()))
    }

    async fn publish(&self, post: &Post) -> Result<Published> {
        self.limits.check(post)?;
        let at_ms = self.clock.now_ms();
        let mut state = self.state();
        state
            .load()
            .map_err(|source| io_error("cannot read the outbox", source))?;
        if let Some(key) = &post.idempotency_key
            && let Some(receipt) = state.receipts.get(key)
        {
            return Ok(receipt.clone());
        }
        let entry = Entry::new((state.lines + 1).to_string(), at_ms, post);
        let line = entry
            .to_line()
            .map_err(|error| io_error("cannot write the post", error.into()))?;
        match state.append(&line) {
            Append::Written => {
                let receipt = Published::new(entry.id, None);
                if let Some(key) = entry.idempotency_key {
                    state.receipts.insert(key, receipt.clone());
                }
                Ok(receipt)
            }
            Append::TakenBack(source) => Err(io_error("cannot write the post", source)),
            Append::Uncertain(source) => {
                let report = Report::new(NETWORK, format!("cannot write the post, nor take it back: {source}"));
                Err(Error::unknown(report, Some(source.into())))
            }
        }
    }

    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        let Some(key) = &attempt.post.idempotency_key else {
            return Ok(Reconciled::CannotTell {
                why: "the post has no idempotency key to look up".to_owned(),
            });
        };
        let mut state = self.state();
        state
            .load()
            .map_err(|source| io_error("cannot read the outbox", source))?;
        Ok(state
            .receipts
            .get(key)
            .cloned()
            .map_or(Reconciled::Absent, Reconciled::Found))
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

fn default_limits() -> Limits {
    let mut limits = Limits::text(NETWORK, Counter::Mastodon { per_url: 23 }, 500);
    limits.media = MediaLimits {
        max_count: 4,
        max_bytes: 16 * 1024 * 1024,
        max_video_bytes: 99 * 1024 * 1024,
        max_alt: 1_500,
        content_types: Vec::new(),
    };
    limits.language = true;
    limits.visibility = vec![
        Visibility::Public,
        Visibility::Unlisted,
        Visibility::Private,
        Visibility::Direct,
    ];
    limits.content_warning = true;
    limits.reply = true;
    limits.thread = usize::MAX;
    limits.ai_label = true;
    limits.idempotency = Some(Duration::MAX);
    limits.reconcile = Certainty::Exact;
    limits
}

fn io_error(message: impl AsRef<str>, source: std::io::Error) -> Error {
    Error::Io {
        report: Report::new(NETWORK, message),
        source,
    }
}

/// Names uploads after their content, so that the same file gets the same id. No protection against forgery.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests;
