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
    Account, Attempt, Clock, Limits, Mastodon, Media, Post, Published, Reconciled, Result, SocialTarget, UploadedMedia,
    conformance::{Fault, Harness, Visible},
    providers::mastodon::MastodonBuilder,
};
use tokio::task::JoinHandle;

use crate::{
    clock::ManualClock,
    server::{Answerer, serve},
    world::{TOKEN, World},
};

/// A Mastodon target and its server. As a target it can take the server away for the length of one call.
pub(crate) struct Site {
    pub(crate) target: Mastodon,
    pub(crate) world: Arc<Mutex<World>>,
    pub(crate) clock: Arc<ManualClock>,
    down: AtomicBool,
    address: SocketAddr,
    answerer: Answerer,
    server: tokio::sync::Mutex<JoinHandle<()>>,
}

impl Site {
    pub(crate) async fn with(build: impl FnOnce(MastodonBuilder) -> MastodonBuilder) -> Self {
        let clock = Arc::new(ManualClock::default());
        let world = Arc::new(Mutex::new(World::new(clock.clone())));
        let shared = world.clone();
        let answerer: Answerer = Arc::new(move |request| shared.lock().unwrap().answer(request));
        let (address, server) = serve(([127, 0, 0, 1], 0).into(), answerer.clone()).await;
        let builder = Mastodon::builder(format!("http://{address}"), TOKEN)
            .account("@me")
            .clock(clock.clone())
            // Silence is tested by waiting for real.
            .timeout(Duration::from_secs(2));
        let target = build(builder).build().unwrap();
        let server = tokio::sync::Mutex::new(server);
        Self {
            target,
            world,
            clock,
            down: AtomicBool::new(false),
            address,
            answerer,
            server,
        }
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

impl Drop for Site {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.world.lock().unwrap().violations, [] as [&str; 0]);
        }
    }
}

#[async_trait]
impl SocialTarget for Site {
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
impl Harness for Site {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    fn target(&self) -> &dyn SocialTarget {
        self
    }

    fn can(&self, _: Fault) -> bool {
        true
    }

    async fn inject(&self, fault: Fault) {
        match fault {
            Fault::Down => self.down.store(true, Ordering::SeqCst),
            other => self.world.lock().unwrap().fault = Some(other),
        }
    }

    async fn visible(&self) -> Vec<Visible> {
        self.world
            .lock()
            .unwrap()
            .statuses
            .iter()
            .map(|status| status.seen.clone())
            .collect()
    }

    async fn requests(&self) -> usize {
        self.world.lock().unwrap().requests.len()
    }

    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    async fn settle(&self) {
        self.clock.advance(Duration::from_secs(20));
    }

    fn secret(&self) -> Option<&str> {
        Some(TOKEN)
    }
}
