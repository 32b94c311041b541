//! Ctrl-C and SIGTERM in a command that ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Exit code of a program ended by Ctrl-C, as shells have it.
const INTERRUPTED: i32 = 130;

/// From now on the first signal only sets the switch, so that what is under way can finish; the second ends the program.
pub(crate) fn watch(stop: Arc<AtomicBool>) {
    tokio::spawn(async move {
        if signal().await.is_ok() {
            stop.store(true, Ordering::Relaxed);
            tracing::warn!("finishing what is under way; once more ends at once");
        }
        if signal().await.is_ok() {
            std::process::exit(INTERRUPTED);
        }
    });
}

/// Ctrl-C, or SIGTERM where there is one.
#[cfg(unix)]
pub(crate) async fn signal() -> anyhow::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result?,
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn signal() -> anyhow::Result<()> {
    Ok(tokio::signal::ctrl_c().await?)
}
