//! Progress bars: on a terminal only; a pipe sees nothing.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts things, with rate and time left.
#[must_use]
pub(crate) fn items(title: &'static str, total: u64) -> ProgressBar {
    bar(title, total, "{msg:<8} {wide_bar} {pos}/{len} · {per_sec} · {eta} left")
}

/// A bar that counts bytes, with rate and time left.
#[must_use]
pub(crate) fn bytes(title: &'static str, total: u64) -> ProgressBar {
    bar(
        title,
        total,
        "{msg:<8} {wide_bar} {bytes}/{total_bytes} · {bytes_per_sec} · {eta} left",
    )
}

/// A count of rows of which nobody knows how many there are.
#[must_use]
pub(crate) fn rows(title: &'static str) -> ProgressBar {
    bar(title, 0, "{msg:<8} {pos} rows · {per_sec}")
}

fn bar(title: &'static str, total: u64, template: &str) -> ProgressBar {
    // Standard error, so that `--json` and tables stay clean; hidden there unless it is a terminal.
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(title);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
