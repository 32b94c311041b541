use async_trait::async_trait;

use crate::{SocialTarget, Visibility};

/// What a harness makes go wrong, once, with the next request of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The network asks to wait this long and does nothing.
    RateLimited {
        /// Seconds to wait.
        seconds: u64,
    },
    /// The network refuses the credentials and repeats them in its answer, as careless proxies do.
    Unauthenticated,
    /// The connection is refused.
    Down,
    /// The request is lost before the network stores the post; the connection breaks.
    RequestLost,
    /// The network stores the post; the connection breaks before the answer.
    AnswerLost,
    /// The network takes the request, does nothing and never answers.
    Silence,
    /// The network stores the post and answers with a server error.
    ServerErrorAfterCommit,
    /// The network answers with success and a body that says nothing, without storing the post.
    GarbageAnswer,
}

impl Fault {
    /// One of each.
    pub const ALL: [Self; 8] = [
        Self::RateLimited { seconds: 7 },
        Self::Unauthenticated,
        Self::Down,
        Self::RequestLost,
        Self::AnswerLost,
        Self::Silence,
        Self::ServerErrorAfterCommit,
        Self::GarbageAnswer,
    ];
}

/// A post as people see it on the far side.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Visible {
    /// The network's id.
    pub id: String,
    /// The text, link included.
    pub text: String,
    /// The alternative texts of its media, in order.
    pub alts: Vec<Option<String>>,
    /// Its language.
    pub language: Option<String>,
    /// Who may see it.
    pub visibility: Option<Visibility>,
    /// The warning in place of its text.
    pub content_warning: Option<String>,
}

impl Visible {
    /// A visible text.
    pub fn new(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            text: text.into(),
            alts: Vec::new(),
            language: None,
            visibility: None,
            content_warning: None,
        }
    }
}

/// A target and the far side it talks to. Each case starts its own.
#[async_trait]
pub trait Harness: Send + Sync + Sized {
    /// Starts an empty far side and a target with good credentials on it.
    async fn start() -> Self;

    /// The target under test.
    fn target(&self) -> &dyn SocialTarget;

    /// Whether the far side can fail in this way.
    fn can(&self, fault: Fault) -> bool;

    /// Lets the next request of the target fail in this way. Requests after it are answered normally.
    async fn inject(&self, fault: Fault);

    /// Every post people can see now, oldest first: counted on the far side, not by what the target believes.
    async fn visible(&self) -> Vec<Visible>;

    /// How many requests of any kind have reached the far side.
    async fn requests(&self) -> usize;

    /// The time by the clock of the target, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// Lets the time pass after which the target may call a post absent.
    async fn settle(&self);

    /// A secret the target was given, which nothing may print.
    fn secret(&self) -> Option<&str> {
        None
    }
}
