//! The figures of the Workers in examples/README.md: written by `cargo xtask e2e --write`, and what a plain run holds
//! their size against.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::build::Size;
use crate::run::run;

const README: &str = "examples/README.md";
const BEGIN: &str = "<!-- what `cargo xtask e2e --write` wrote -->\n";
const END: &str = "<!-- end -->\n";

/// Bytes that a Worker may grow before its figures have to be written anew: 3 %.
fn limit(written: usize) -> usize {
    written + written * 3 / 100
}

/// One sentence for each Worker that weighs more than what is written of it, by more than the limit.
pub(super) fn grown(root: &Path, sizes: &[Size]) -> Result<Vec<String>> {
    let readme = fs::read_to_string(root.join(README)).with_context(|| format!("reading {README}"))?;
    Ok(sizes.iter().filter_map(|size| heavier(&readme, size)).collect())
}

fn heavier(readme: &str, size: &Size) -> Option<String> {
    let Some(written) = written(readme, size.worker) else {
        return Some(format!("{README} has no size of {}.", size.worker));
    };
    (size.gzip > limit(written)).then(|| {
        format!(
            "{} is {} bytes gzipped, {README} says {}: when that is meant, `cargo xtask e2e --write` writes it down.",
            size.worker,
            grouped(size.gzip),
            grouped(written)
        )
    })
}

/// The gzipped bytes in the row of that Worker.
fn written(readme: &str, worker: &str) -> Option<usize> {
    let (_, block) = readme.split_once(BEGIN)?;
    let row = block.lines().find(|line| line.starts_with(&format!("| {worker} ")))?;
    let digits = row.split('|').nth(3)?.replace(|c: char| !c.is_ascii_digit(), "");
    digits.parse().ok()
}

/// Measures, and writes the block of examples/README.md anew.
pub(super) fn write(root: &Path, folder: &Path, sizes: &[Size]) -> Result<()> {
    let ran = run(folder, &["node", "figures.js"], &[])?;
    let line = ran.output.lines().find_map(|line| line.strip_prefix("figures "));
    let (true, Some(line)) = (ran.ok, line) else {
        bail!("node figures.js failed:\n{}", ran.output);
    };
    let measured: Value = serde_json::from_str(line).context("reading what figures.js printed")?;
    replace(root, BEGIN, &block(sizes, &measured))
}

/// Puts a block in the place of the one that stands between `begin` and the next end.
pub(super) fn replace(root: &Path, begin: &str, block: &str) -> Result<()> {
    let path = root.join(README);
    let readme = fs::read_to_string(&path).with_context(|| format!("reading {README}"))?;
    let parts = readme
        .split_once(begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.with_context(|| format!("{README} has lost the lines around the figures"))?;
    fs::write(&path, format!("{before}{begin}{block}{END}{after}")).with_context(|| format!("writing {README}"))
}

fn block(sizes: &[Size], measured: &Value) -> String {
    let number = |pointer: &str| measured.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let mut block = String::from("\n| Worker | wasm | gzipped | start of a fresh isolate |\n|---|---|---|---|\n");
    for Size { worker, raw, gzip } in sizes {
        let start = number(&format!("/start/{worker}"));
        let (raw, gzip) = (grouped(*raw), grouped(*gzip));
        let _ = writeln!(block, "| {worker} | {raw} B | {gzip} B | {start:.0} ms |");
    }
    block.push_str(
        "\n| | calls of D1 | statements | rows read | rows written | CPU | wall |\n|---|---|---|---|---|---|---|\n",
    );
    for (what, name) in [("a page", "page"), ("a post", "post")] {
        let of = |key: &str| number(&format!("/{name}/{key}"));
        let _ = writeln!(
            block,
            "| {what} | {} | {} | {} | {} | {:.1} ms | {:.0} ms |",
            of("calls"),
            of("queries"),
            of("read"),
            of("written"),
            of("cpu"),
            of("wall"),
        );
    }
    let rows = (number("/page/written") + number("/post/written")) * 1_000.0;
    let _ = writeln!(
        block,
        "\nA run asks D1 at most {} times, a batch of two messages {} times. 1,000 pages, each posted to one network, are \
         {rows:.0} rows written: {:.0} % of what the free plan allows in a day, ${:.3} on the paid plan past what it includes.\n",
        number("/page/most"),
        number("/post/most"),
        rows / 1_000.0,
        rows / 1_000_000.0,
    );
    block
}

/// `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(gzip: usize) -> Size {
        Size {
            worker: "a-worker",
            raw: 1_234_567,
            gzip,
        }
    }

    #[test]
    fn a_worker_that_grew_is_told_and_a_little_is_not() {
        let readme = format!(
            "| a-worker | 9 B | 9 B |\n{BEGIN}{}{END}",
            block(&[size(400_000)], &Value::Null)
        );
        assert_eq!(written(&readme, "a-worker"), Some(400_000));
        assert_eq!(heavier(&readme, &size(412_000)), None);
        let told = heavier(&readme, &size(412_001)).unwrap();
        assert!(
            told.contains("is 412,001 bytes") && told.contains("says 400,000"),
            "{told}"
        );
        assert!(heavier("nothing", &size(1)).is_some());
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
