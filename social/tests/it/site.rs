//! A target and the fake server it talks to, for every network.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use presswork_social::{
    Account, Attempt, Clock, Limits, Media, MemoryTokens, Post, Published, Reconciled, Result, SocialTarget,
    UploadedMedia,
    conformance::{Fault, Harness, Visible},
};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::{
    clock::ManualClock,
    server::{Answerer, Reply, Request, serve},
};

/// An answer made of what was asked.
pub(crate) type Echo = Box<dyn Fn(&Request) -> Reply + Send>;

/// What every fake network has.
pub(crate) struct Common {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) fault: Option<Fault>,
    /// Faults hit any request and not only those that publish.
    pub(crate) anywhere: bool,
    /// Requests that pass before the fault.
    pub(crate) passes: usize,
    /// Faults hit only requests whose path ends so.
    pub(crate) only: &'static str,
    /// Given instead of the next answers, without anything being stored.
    pub(crate) scripted: Vec<Reply>,
    /// The same for the next request whose path ends so.
    pub(crate) instead: Option<(&'static str, Reply)>,
    /// How long each answer takes.
    pub(crate) slow: Duration,
    /// Good answers repeat the token in fields of this name.
    pub(crate) leaks: Option<&'static str>,
    /// Answers everything, when there is one.
    pub(crate) echo: Option<Echo>,
    pub(crate) requests: Vec<Request>,
    /// What no client may do. A test that ends with any has failed.
    pub(crate) violations: Vec<String>,
    pub(crate) address: String,
    /// Where the target keeps its tokens.
    pub(crate) store: Arc<MemoryTokens>,
}

impl Common {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            fault: None,
            anywhere: false,
            passes: 0,
            only: "",
            scripted: Vec::new(),
            instead: None,
            slow: Duration::ZERO,
            leaks: None,
            echo: None,
            requests: Vec::new(),
            violations: Vec::new(),
            address: String::new(),
            store: Arc::default(),
        }
    }

    /// Forgets the last schedule.
    pub(crate) fn forget(&mut self) {
        self.fault = None;
        self.requests.clear();
    }

    pub(crate) fn require(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.violations.push(what.into());
        }
    }
}

/// One fake network: what it remembers, and its answers.
pub(crate) trait World: Sized + Send + 'static {
    type Target: SocialTarget + std::fmt::Debug + 'static;
    type Builder: std::fmt::Debug;
    /// What nothing may print. Careless answers repeat it.
    const SECRET: &'static str;
    /// Faults of its own, by number.
    const TROUBLES: u32 = 0;
    /// Whether an attempt of which nothing was heard may end with a person.
    const PARKS: bool = false;

    fn new(common: Common) -> Self;
    fn builder(&mut self, base: String) -> Self::Builder;
    fn build(builder: Self::Builder) -> Result<Self::Target>;
    fn common(&mut self) -> &mut Common;
    /// The honest answer.
    fn route(&mut self, request: &Request) -> Reply;
    /// Whether the request is the one that makes a post visible.
    fn publishes(&self, request: &Request) -> bool;
    fn visible(&self) -> Vec<Visible>;
    /// A careless refusal of the token, which repeats it.
    fn unauthenticated(&mut self, request: &Request) -> Reply;
    /// The network's way to say how long to wait.
    fn limited(&mut self, seconds: u64) -> Reply;
    /// The secrets as they are now, for careless answers.
    fn token(&self) -> String {
        Self::SECRET.to_owned()
    }
    fn garbage(&self) -> Reply {
        Reply::json(200, &json!({ "echo": self.token() }))
    }
    /// The same, where a success says all that there is to say by its status.
    fn garbage_for(&mut self, _: &Request) -> Reply {
        self.garbage()
    }
    fn trouble(&mut self, number: u32) {
        unreachable!("{number}")
    }
    /// Whether the network can fail in this way.
    fn can(_: Fault) -> bool {
        true
    }
    /// The person whose account was disconnected connects it again.
    fn reconnect(&mut self) {}
    fn settle() -> Duration {
        Duration::from_secs(20)
    }
}

fn answer<W: World>(world: &mut W, request: Request) -> Reply {
    let Some(field) = world.common().leaks else {
        return honest_or_not(world, request);
    };
    // What a leak makes of an id may be asked for, and no fake knows it.
    let answered = std::panic::AssertUnwindSafe(|| honest_or_not(world, request));
    let reply = std::panic::catch_unwind(answered).unwrap_or(Reply::Reset);
    reply.with_in(field, &world.token())
}

fn honest_or_not<W: World>(world: &mut W, request: Request) -> Reply {
    let publishes = world.publishes(&request);
    let common = world.common();
    common.requests.push(request.clone());
    common.clock.advance(common.slow);
    if let Some(echo) = &common.echo {
        return echo(&request);
    }
    if !common.scripted.is_empty() {
        return common.scripted.remove(0);
    }
    if let Some((_, reply)) = common.instead.take_if(|(place, _)| request.path.ends_with(*place)) {
        return reply;
    }
    let of_the_publish = !matches!(common.fault, Some(Fault::RateLimited { .. } | Fault::Unauthenticated));
    if of_the_publish && !publishes && !common.anywhere || !request.path.ends_with(common.only) {
        return world.route(&request);
    }
    if common.fault.is_some() && common.passes > 0 {
        common.passes -= 1;
        return world.route(&request);
    }
    match common.fault.take() {
        None => world.route(&request),
        Some(Fault::RateLimited { seconds }) => world.limited(seconds),
        Some(Fault::Unauthenticated) => world.unauthenticated(&request),
        Some(Fault::RequestLost) => Reply::Reset,
        Some(Fault::AnswerLost) => {
            world.route(&request);
            Reply::Reset
        }
        Some(Fault::Silence) => Reply::Silence,
        Some(Fault::ServerErrorAfterCommit) => {
            world.route(&request);
            Reply::error(
                500,
                &format!("We're sorry, but something went wrong on our end: {}", world.token()),
            )
        }
        Some(Fault::GarbageAnswer) => world.garbage_for(&request),
        Some(other) => panic!("{other:?} is no fault of an answer"),
    }
}

/// A target and its server. As a target it can take the server away for the length of one call.
pub(crate) struct Site<W: World> {
    pub(crate) target: W::Target,
    pub(crate) world: Arc<Mutex<W>>,
    pub(crate) clock: Arc<ManualClock>,
    down: AtomicBool,
    address: SocketAddr,
    answerer: Answerer,
    server: tokio::sync::Mutex<JoinHandle<()>>,
}

impl<W: World> Site<W> {
    pub(crate) async fn with(build: impl FnOnce(W::Builder) -> W::Builder) -> Self {
        let clock = Arc::new(ManualClock::default());
        let world = Arc::new(Mutex::new(W::new(Common::new(clock.clone()))));
        let shared = world.clone();
        let answerer: Answerer = Arc::new(move |request| answer(&mut *shared.lock().unwrap(), request));
        let (address, server) = serve(([127, 0, 0, 1], 0).into(), answerer.clone()).await;
        world.lock().unwrap().common().address = address.to_string();
        let builder = world.lock().unwrap().builder(format!("http://{address}"));
        let target = W::build(build(builder)).unwrap();
        Self {
            target,
            world,
            clock,
            down: AtomicBool::new(false),
            address,
            answerer,
            server: tokio::sync::Mutex::new(server),
        }
    }

    pub(crate) fn script(&self, replies: impl IntoIterator<Item = Reply>) {
        self.world.lock().unwrap().common().scripted.extend(replies);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.world.lock().unwrap().common().requests.clone()
    }

    async fn around<T>(&self, call: impl Future<Output = T>) -> T {
        if !self.down.swap(false, Ordering::SeqCst) {
            return call.await;
        }
        let mut server = self.server.lock().await;
        server.abort();
        let _ = (&mut *server).await;
        let result = call.await;
        *server = serve(self.address, self.answerer.clone()).await.1;
        result
    }
}

impl<W: World> Drop for Site<W> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.world.lock().unwrap().common().violations, [] as [&str; 0]);
        }
    }
}

#[async_trait]
impl<W: World> SocialTarget for Site<W> {
    fn network(&self) -> &str {
        self.target.network()
    }
    fn account(&self) -> &str {
        self.target.account()
    }
    fn limits(&self) -> Limits {
        self.target.limits()
    }
    async fn check(&self) -> Result<Account> {
        self.around(self.target.check()).await
    }
    async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
        self.around(self.target.upload(media)).await
    }
    async fn publish(&self, post: &Post) -> Result<Published> {
        self.around(self.target.publish(post)).await
    }
    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
        self.around(self.target.reconcile(attempt)).await
    }
}

#[async_trait]
impl<W: World> Harness for Site<W> {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    fn target(&self) -> &dyn SocialTarget {
        self
    }

    fn can(&self, fault: Fault) -> bool {
        W::can(fault)
    }

    async fn inject(&self, fault: Fault) {
        match fault {
            Fault::Down => self.down.store(true, Ordering::SeqCst),
            other => self.world.lock().unwrap().common().fault = Some(other),
        }
    }

    async fn visible(&self) -> Vec<Visible> {
        self.world.lock().unwrap().visible()
    }

    async fn requests(&self) -> usize {
        self.seen().len()
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    async fn settle(&self) {
        self.clock.advance(W::settle());
    }

    fn secret(&self) -> Option<&str> {
        Some(W::SECRET)
    }
}
