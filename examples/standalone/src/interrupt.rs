//! Ctrl-C and SIGTERM in a command that ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a program ended by Ctrl-C, as shells have it.
const INTERRUPTED: i32 = 130;

/// From now on the first signal only sets the switch, so that what is under way can finish; the second ends the program.
pub(crate) fn watch(stop: Arc<AtomicBool>) {
    let Ok(mut signals) = Signals::new() else { return };
    tokio::spawn(async move {
        if signals.next().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
            tracing::warn!("finishing what is under way; once more ends at once");
        }
        if signals.next().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    });
}

/// Ctrl-C, and SIGTERM where there is one. From the moment it is made none of them ends the program by itself.
#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> anyhow::Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        Ok(())
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> anyhow::Result<()> {
        Ok(tokio::signal::ctrl_c().await?)
    }
}
