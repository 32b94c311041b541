use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::lock::Mutex;

use super::{TokenSet, TokenStore};
use crate::{AccessToken, Clock, Error, Report, Result};

/// An access token is renewed this long before it ends, so that it does not end on its way.
const MARGIN_MS: i64 = 60_000;

/// Waits before the looks for what another process has made of a token that it spent: its answer may still be on its way
/// to the store.
const LOOKS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(2)];

/// How one network renews tokens.
#[async_trait]
pub(crate) trait Refresh: Send + Sync {
    /// Asks for the tokens after `current`; `None` asks for the first ones. [`Error::Unauthenticated`] means that the
    /// network will never take `current` again; anything else is asked again later.
    async fn refresh(&self, current: Option<&TokenSet>) -> Result<TokenSet>;
}

/// The current tokens of one account: one refresh at a time, and no rotated token used before the store has it.
pub(crate) struct Rotating {
    network: &'static str,
    name: String,
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
    /// What the account starts with when the store has nothing.
    seed: Option<TokenSet>,
    margin_ms: i64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<TokenSet>,
    /// Rotated already, and not in the store yet: what it replaces there, and itself. Losing it loses the account.
    unsaved: Option<(Option<TokenSet>, TokenSet)>,
}

impl Rotating {
    pub(crate) fn new(
        network: &'static str,
        name: String,
        store: Arc<dyn TokenStore>,
        clock: Arc<dyn Clock>,
        seed: Option<TokenSet>,
    ) -> Self {
        Self {
            network,
            name,
            store,
            clock,
            seed,
            margin_ms: MARGIN_MS,
            state: Mutex::default(),
        }
    }

    /// Renews tokens this long before they end.
    #[must_use]
    pub(crate) fn renewed_before(mut self, margin: Duration) -> Self {
        self.margin_ms = i64::try_from(margin.as_millis()).unwrap_or(i64::MAX);
        self
    }

    /// A good access token. `refused` is one that the network has just refused.
    pub(crate) async fn access(&self, refused: Option<&AccessToken>, by: &dyn Refresh) -> Result<TokenSet> {
        // Held across the refresh: whoever comes meanwhile gets its result.
        let mut state = self.state.lock().await;
        if state.unsaved.is_some() {
            self.save(&mut state).await?;
        }
        let lasts = |tokens: &TokenSet, margin_ms: i64| {
            let ends = tokens.expires_at_ms.unwrap_or(i64::MAX);
            refused != Some(&tokens.access) && ends.saturating_sub(margin_ms) > self.clock.now_ms()
        };
        let good = |tokens: &TokenSet| lasts(tokens, self.margin_ms);
        if let Some(current) = state.current.as_ref().filter(|current| good(current)) {
            return Ok(current.clone());
        }
        // Another process may have renewed it.
        let mut kept = self.store.load(&self.name).await?;
        if kept.is_none()
            && let Some(seed) = &self.seed
        {
            self.store.swap(&self.name, None, seed).await?;
            kept = self.store.load(&self.name).await?;
        }
        state.current.clone_from(&kept);
        if let Some(current) = kept.as_ref().filter(|current| good(current)) {
            return Ok(current.clone());
        }
        let fresh = match by.refresh(kept.as_ref()).await {
            Ok(fresh) => fresh,
            Err(error) => {
                // A token that is dead may be one that another process has spent: then its successor is in the store, or
                // will be.
                let dead = matches!(error, Error::Unauthenticated { .. });
                let now = if dead {
                    self.successor(&kept).await?
                } else {
                    kept.clone()
                };
                let successor = now != kept;
                return match now {
                    // Or it was only to be renewed in time, and there is some left.
                    Some(now) if successor || lasts(&now, 0) => {
                        state.current = Some(now.clone());
                        Ok(now)
                    }
                    _ => Err(error),
                };
            }
        };
        let fresh = self.complete(fresh, kept.as_ref())?;
        state.unsaved = Some((kept, fresh));
        self.save(&mut state).await?;
        state.current.clone().ok_or_else(|| self.none())
    }

    /// What another process has put in the place of `kept`, or `kept`.
    async fn successor(&self, kept: &Option<TokenSet>) -> Result<Option<TokenSet>> {
        // Without a refresh token nobody has spent one.
        let spendable = kept.as_ref().is_some_and(|tokens| tokens.refresh.is_some());
        let mut now = None;
        for wait in LOOKS.iter().take(if spendable { LOOKS.len() } else { 1 }) {
            if !wait.is_zero() {
                self.clock.sleep(*wait).await;
            }
            now = self.store.load(&self.name).await?;
            if now != *kept {
                break;
            }
        }
        Ok(now)
    }

    /// Networks that keep the refresh token do not repeat it.
    fn complete(&self, mut fresh: TokenSet, before: Option<&TokenSet>) -> Result<TokenSet> {
        let kept = || before.and_then(|before| before.refresh.clone());
        fresh.refresh = fresh.refresh.filter(|token| !token.expose().is_empty()).or_else(kept);
        if fresh.is_empty() {
            return Err(Error::Unavailable {
                report: Report::new(self.network, "the network renewed a token with nothing"),
                retry_after: None,
                source: None,
            });
        }
        Ok(fresh)
    }

    async fn save(&self, state: &mut State) -> Result<()> {
        let Some((before, fresh)) = state.unsaved.clone() else {
            return Ok(());
        };
        if self.store.swap(&self.name, before.as_ref(), &fresh).await? {
            state.current = Some(fresh);
        } else {
            // A person connected the account again, or a swap whose answer was lost had arrived: the store is right.
            state.current = self.store.load(&self.name).await?;
        }
        state.unsaved = None;
        Ok(())
    }

    fn none(&self) -> Error {
        Error::Unauthenticated {
            report: Report::new(self.network, "there is no token for this account"),
        }
    }
}
