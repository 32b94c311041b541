//! Tokens that end, are renewed, and are lost on their way, at every network that renews them.

use futures_util::future::join;
use presswork_social::{
    Error, Post, SocialTarget, Step, Thread, TokenStore,
    conformance::{Fault, Harness},
};

use crate::{
    bluesky, linkedin,
    server::Reply,
    site::{Site, World},
    threads, x,
};

/// A network whose tokens are renewed.
trait Renews: World {
    /// How the path ends at which they are.
    const PLACE: &'static str;
    /// Whether a renewal spends what it was asked for with, so that one whose answer was lost loses the account.
    const SPENDS: bool;
    const EMPTY: &'static str;
    /// The access token ends, or comes so near to its end that it is renewed.
    fn lapse(&mut self);
    fn renewals(&self) -> u32;
}

impl Renews for x::World {
    const PLACE: &'static str = "/2/oauth2/token";
    const SPENDS: bool = true;
    const EMPTY: &'static str = r#"{"token_type":"bearer","expires_in":7200,"access_token":"","refresh_token":""}"#;
    fn lapse(&mut self) {
        self.access_ends_ms = 0;
    }
    fn renewals(&self) -> u32 {
        self.renewals
    }
}

impl Renews for bluesky::World {
    const PLACE: &'static str = ".refreshSession";
    const SPENDS: bool = false;
    const EMPTY: &'static str =
        r#"{"did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","handle":"me.example","accessJwt":"","refreshJwt":""}"#;
    fn lapse(&mut self) {
        self.access_ends_ms = 0;
    }
    fn renewals(&self) -> u32 {
        self.session - 1
    }
}

impl Renews for linkedin::World {
    const PLACE: &'static str = "/oauth/v2/accessToken";
    const SPENDS: bool = false;
    const EMPTY: &'static str = r#"{"access_token":"","expires_in":5184000}"#;
    fn lapse(&mut self) {
        self.ends_ms = 0;
    }
    fn renewals(&self) -> u32 {
        self.renewals
    }
}

impl Renews for threads::World {
    const PLACE: &'static str = "/refresh_access_token";
    const SPENDS: bool = true;
    const EMPTY: &'static str = r#"{"access_token":"","token_type":"bearer","expires_in":5184000}"#;
    fn lapse(&mut self) {
        self.common.clock.advance(std::time::Duration::from_secs(41 * 86_400));
    }
    fn renewals(&self) -> u32 {
        self.renewals
    }
}

async fn post<W: Renews>(site: &Site<W>, text: &str) {
    site.publish(&Post::new(text).idempotency_key(text)).await.unwrap();
}

async fn expired_in_mid_thread<W: Renews>() {
    let site = Site::<W>::start().await;
    let mut limits = site.limits();
    // Part by part also where a network takes a thread at once.
    limits.thread = 0;
    let rest: &[&str] = if limits.reply { &["two", "three"] } else { &[] };
    let mut thread = Thread::new(Post::new("one").idempotency_key("mid"), rest, &limits);
    for part in 0..=rest.len() {
        thread.arm(site.now_ms());
        let step = thread.advance(&site).await.unwrap();
        assert_eq!(step, if part == rest.len() { Step::Done } else { Step::Part });
        site.world.lock().unwrap().lapse();
    }
    post(&site, "and-on").await;
    assert_eq!(site.visible().await.len(), rest.len() + 2);
    assert_eq!(site.world.lock().unwrap().renewals() as usize, rest.len() + 1);
}

async fn renewal_whose_answer_is_lost<W: Renews>() {
    let site = Site::<W>::start().await;
    post(&site, "before").await;
    {
        let mut world = site.world.lock().unwrap();
        world.lapse();
        (world.common().anywhere, world.common().only) = (true, W::PLACE);
    }
    site.inject(Fault::AnswerLost).await;
    let mut lost = false;
    for _ in 0..3 {
        match site.publish(&Post::new("after").idempotency_key("after")).await {
            Ok(_) => break,
            Err(error) => {
                assert!(!error.is_unknown(), "nothing was sent: {error:?}");
                if matches!(error, Error::Unauthenticated { .. }) {
                    lost = true;
                    site.world.lock().unwrap().reconnect();
                } else {
                    assert!(error.is_retryable(), "{error:?}");
                }
            }
        }
    }
    assert_eq!(lost, W::SPENDS, "a person is asked only when there is no other way");
    assert_eq!(site.visible().await.len(), 2);
}

async fn nothing_replaces_a_token<W: Renews>() {
    let site = Site::<W>::start().await;
    post(&site, "before").await;
    let store = site.world.lock().unwrap().common().store.clone();
    let kept = store.load(site.account()).await.unwrap().unwrap();
    {
        let mut world = site.world.lock().unwrap();
        world.lapse();
        let empty = Reply::Answer {
            status: 200,
            headers: Vec::new(),
            body: W::EMPTY.into(),
        };
        world.common().instead = Some((W::PLACE, empty));
    }
    // A token that is good for weeks is used meanwhile.
    match site.publish(&Post::new("after").idempotency_key("after")).await {
        Ok(_) => {}
        Err(error) => {
            assert!(error.is_retryable(), "{error:?}");
            assert_eq!(store.load(site.account()).await.unwrap(), Some(kept));
            post(&site, "after").await;
        }
    }
    assert_eq!(site.visible().await.len(), 2);
}

async fn two_processes<W: Renews>() {
    let site = Site::<W>::start().await;
    let other = W::builder(&mut site.world.lock().unwrap(), format!("http://{}", site.address()));
    let other = W::build(other).unwrap();
    post(&site, "one").await;
    other.publish(&Post::new("two").idempotency_key("two")).await.unwrap();
    // One after the other: the second finds what the first has stored.
    site.world.lock().unwrap().lapse();
    let before = site.world.lock().unwrap().renewals();
    post(&site, "three").await;
    other.publish(&Post::new("four").idempotency_key("four")).await.unwrap();
    assert_eq!(site.world.lock().unwrap().renewals(), before + 1);
    // Both at once: whoever comes second may be told to ask again, and the account is never lost.
    site.world.lock().unwrap().lapse();
    let (five, six) = (
        Post::new("five").idempotency_key("five"),
        Post::new("six").idempotency_key("six"),
    );
    let both = join(site.target.publish(&five), other.publish(&six)).await;
    for (result, again) in [(both.0, &five), (both.1, &six)] {
        if let Err(error) = result {
            assert!(!error.is_unknown(), "{error:?}");
            other.publish(again).await.unwrap();
        }
    }
    let store = site.world.lock().unwrap().common().store.clone();
    let kept = store.load(site.account()).await.unwrap().unwrap();
    assert!(
        site.world.lock().unwrap().token().contains(expose(&kept).as_str()),
        "the newest token is kept"
    );
    assert_eq!(site.visible().await.len(), 6);
}

fn expose(tokens: &presswork_social::TokenSet) -> String {
    let json: serde_json::Value = serde_json::from_str(&tokens.expose_json()).unwrap();
    json["access"].as_str().unwrap().to_owned()
}

macro_rules! of_every_network_that_renews {
    ($($case:ident),+) => {
        mod x_tokens { $(#[tokio::test] async fn $case() { super::$case::<crate::x::World>().await; })+ }
        mod bluesky_tokens { $(#[tokio::test] async fn $case() { super::$case::<crate::bluesky::World>().await; })+ }
        mod linkedin_tokens { $(#[tokio::test] async fn $case() { super::$case::<crate::linkedin::World>().await; })+ }
        mod threads_tokens { $(#[tokio::test] async fn $case() { super::$case::<crate::threads::World>().await; })+ }
    };
}

of_every_network_that_renews!(
    expired_in_mid_thread,
    renewal_whose_answer_is_lost,
    nothing_replaces_a_token,
    two_processes
);

/// A person is asked to connect the account again only when its token is dead.
#[tokio::test]
async fn refusals_of_a_renewal_have_their_condition() {
    for (status, dead, again) in [
        (400, true, false),
        (401, true, false),
        (404, false, false),
        (422, false, false),
        (429, false, true),
        (503, false, true),
    ] {
        let site = Site::<crate::x::World>::start().await;
        post(&site, "before").await;
        {
            let mut world = site.world.lock().unwrap();
            world.lapse();
            world.common().instead = Some(("/2/oauth2/token", Reply::error(status, "no")));
        }
        let error = site.publish(&Post::new("after")).await.unwrap_err();
        assert_eq!(
            matches!(error, Error::Unauthenticated { .. }),
            dead,
            "{status}: {error:?}"
        );
        assert_eq!(
            (error.is_retryable(), error.is_unknown()),
            (again, false),
            "{status}: {error:?}"
        );
        assert_eq!(site.visible().await.len(), 1);
    }
}
