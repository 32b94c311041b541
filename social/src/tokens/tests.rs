use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{Clock, SystemClock};

fn set(access: &str, refresh: &str) -> TokenSet {
    TokenSet::new(access).refresh(refresh).expires_at_ms(0)
}

fn fresh(access: &str, refresh: &str) -> TokenSet {
    set(access, refresh).expires_at_ms(i64::MAX)
}

/// A network that spends a refresh token when it renews it.
#[derive(Default)]
struct Network {
    refreshes: AtomicUsize,
    /// Answers to give before the honest ones.
    scripted: Mutex<Vec<Result<TokenSet>>>,
}

#[async_trait]
impl Refresh for Network {
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet> {
        let count = self.refreshes.fetch_add(1, Ordering::SeqCst);
        // Others get their turn while the answer is on its way.
        tokio::task::yield_now().await;
        if let Some(answer) = self.scripted.lock().unwrap().pop() {
            return answer;
        }
        assert!(current.unwrap().refresh.is_some());
        Ok(fresh(&format!("a{count}"), &format!("r{count}")))
    }
}

fn dead() -> Error {
    Error::Unauthenticated {
        report: Report::new("net", "invalid_grant"),
    }
}

/// A store whose next swap fails, or is preceded by another process.
#[derive(Default)]
struct Shared {
    inner: MemoryTokens,
    fail: AtomicUsize,
    /// What the other process stores, and after how many loads from now.
    meanwhile: Mutex<Option<(usize, TokenSet)>>,
}

/// Waits for nothing.
struct Impatient;

#[async_trait]
impl Clock for Impatient {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms()
    }
    async fn sleep(&self, _: std::time::Duration) {}
}

#[async_trait]
impl TokenStore for Shared {
    async fn load(&self, name: &str) -> Result<Option<TokenSet>> {
        let kept = self.inner.load(name).await?;
        let mut meanwhile = self.meanwhile.lock().unwrap();
        if let Some((loads, other)) = meanwhile.take() {
            if loads > 0 {
                *meanwhile = Some((loads - 1, other));
            } else {
                *self.inner.0.lock().unwrap() = vec![(name.to_owned(), other)];
            }
        }
        Ok(kept)
    }
    async fn swap(&self, name: &str, expected: Option<&TokenSet>, new: &TokenSet) -> Result<bool> {
        if self.fail.load(Ordering::SeqCst) > 0 {
            self.fail.fetch_sub(1, Ordering::SeqCst);
            return Err(Error::Unavailable {
                report: Report::new("tokens", "the store is down"),
                retry_after: None,
                source: None,
            });
        }
        self.inner.swap(name, expected, new).await
    }
}

fn rotating(store: Arc<dyn TokenStore>, seed: TokenSet) -> Rotating {
    Rotating::new(
        "net",
        "net/@me".into(),
        store,
        Arc::new(Impatient) as Arc<dyn Clock>,
        Some(seed),
    )
}

#[tokio::test]
async fn many_at_once_refresh_once() {
    let (network, store) = (Network::default(), Arc::new(MemoryTokens::new()));
    let tokens = rotating(store.clone(), set("old", "r"));
    let all = futures_util::future::join_all((0..20).map(|_| tokens.access(None, &network))).await;
    assert!(all.iter().all(|one| one.as_ref().unwrap().access == "a0".into()));
    assert_eq!(network.refreshes.load(Ordering::SeqCst), 1);
    assert_eq!(store.load("net/@me").await.unwrap(), Some(fresh("a0", "r0")));
    // A refused token is renewed once as well, and a good one is not.
    for _ in 0..3 {
        assert_eq!(
            tokens.access(Some(&"a0".into()), &network).await.unwrap().access,
            "a1".into()
        );
    }
    assert_eq!(network.refreshes.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_rotated_token_is_stored_before_it_is_used() {
    let (network, store) = (Network::default(), Arc::new(Shared::default()));
    let tokens = rotating(store.clone(), set("old", "r"));
    store.inner.swap("net/@me", None, &set("old", "r")).await.unwrap();
    store.fail.store(2, Ordering::SeqCst);
    for _ in 0..2 {
        assert!(tokens.access(None, &network).await.unwrap_err().is_retryable());
    }
    // The store is back: the token of the one refresh is kept and used.
    assert_eq!(tokens.access(None, &network).await.unwrap(), fresh("a0", "r0"));
    assert_eq!(network.refreshes.load(Ordering::SeqCst), 1);
    assert_eq!(store.inner.load("net/@me").await.unwrap(), Some(fresh("a0", "r0")));
}

#[tokio::test]
async fn a_token_another_process_spent_is_read_again() {
    let (network, store) = (Network::default(), Arc::new(Shared::default()));
    store.inner.swap("net/@me", None, &set("old", "r")).await.unwrap();
    let tokens = rotating(store.clone(), set("seed", "seed"));
    // The other process stores its pair after this one has loaded the old pair.
    *store.meanwhile.lock().unwrap() = Some((0, fresh("theirs", "r9")));
    network.scripted.lock().unwrap().push(Err(dead()));
    assert_eq!(tokens.access(None, &network).await.unwrap().access, "theirs".into());
    // Or later: it has spent the token, and its answer is still on its way to the store.
    *store.meanwhile.lock().unwrap() = Some((2, fresh("later", "r10")));
    network.scripted.lock().unwrap().push(Err(dead()));
    let found = tokens.access(Some(&"theirs".into()), &network).await.unwrap();
    assert_eq!(found.access, "later".into());
    // Nobody else has renewed it: the account is lost.
    network.scripted.lock().unwrap().push(Err(dead()));
    let error = tokens.access(Some(&"later".into()), &network).await.unwrap_err();
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
}

#[tokio::test]
async fn nothing_replaces_a_token() {
    let (network, store) = (Network::default(), Arc::new(MemoryTokens::new()));
    let tokens = rotating(store.clone(), set("old", "r"));
    network.scripted.lock().unwrap().push(Ok(fresh("", "")));
    assert!(tokens.access(None, &network).await.unwrap_err().is_retryable());
    network.scripted.lock().unwrap().push(Ok(fresh("next", "")));
    // The refresh token that was not repeated stays.
    assert_eq!(tokens.access(None, &network).await.unwrap(), fresh("next", "r"));
    for empty in [TokenSet::new(""), TokenSet::new("a").refresh(" ")] {
        assert!(matches!(
            store.swap("net/@me", None, &empty).await,
            Err(Error::Config { .. })
        ));
    }
}

#[tokio::test]
async fn a_file_keeps_tokens_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokens.json");
    let (one, two) = (FileTokens::new(&path), FileTokens::new(&path));
    assert_eq!(one.load("x/@me").await.unwrap(), None);
    assert!(one.swap("x/@me", None, &set("a", "r")).await.unwrap());
    assert!(!two.swap("x/@me", None, &set("b", "r")).await.unwrap());
    assert!(two.swap("bluesky/@me", None, &TokenSet::new("c")).await.unwrap());
    assert!(two.swap("x/@me", Some(&set("a", "r")), &set("d", "s")).await.unwrap());
    assert!(!one.swap("x/@me", Some(&set("a", "r")), &set("e", "t")).await.unwrap());
    assert_eq!(one.load("x/@me").await.unwrap(), Some(set("d", "s")));
    assert_eq!(one.load("bluesky/@me").await.unwrap(), Some(TokenSet::new("c")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(one.load("x/@me").await, Err(Error::Io { .. })));
    }
    let shown = format!("{one:?} {:?}", set("s3cret", "s3cret"));
    assert!(!shown.contains("s3cret"), "{shown}");
}
