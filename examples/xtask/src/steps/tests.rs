use std::path::Path;

use anyhow::{Context, Result};

use super::{Action, Outcome, Step};
use crate::{run::run, tools};

pub(super) const STEP: Step = Step {
    name: "tests",
    why: "Every unit test, integration test and conformance suite passes, with every feature.",
    action: Action::Check {
        does: "cargo nextest run --locked --workspace --all-features, or cargo test where nextest cannot be installed",
        check,
    },
};

fn check(root: &Path) -> Result<Outcome> {
    let program = match tools::NEXTEST.ensure(root) {
        Ok(program) => program,
        Err(error) => return fallback(root, &error),
    };
    let program = program.to_string_lossy();
    let line = [
        &*program,
        "nextest",
        "run",
        "--locked",
        "--workspace",
        "--all-features",
        "--no-fail-fast",
        "--config-file",
        "examples/xtask/nextest.toml",
        "--profile",
        "xtask",
    ];
    // Where nextest keeps reports, whatever the target folder is.
    let report = root.join("target/nextest/xtask/junit.xml");
    // A report of an earlier run must not speak for this one.
    let _ = std::fs::remove_file(&report);
    let ran = run(root, &line, &[])?;
    let (passed, failed) = nextest_counts(&ran.output);
    let skipped = if passed + failed == 0 {
        Vec::new()
    } else {
        let xml = std::fs::read_to_string(&report).with_context(|| format!("reading {}", report.display()))?;
        skips(&xml)
    };
    Ok(Outcome::of_tests(
        ran,
        passed.saturating_sub(skipped.len() as u64),
        failed,
        skipped,
    ))
}

fn fallback(root: &Path, why: &anyhow::Error) -> Result<Outcome> {
    let line = [
        "cargo",
        "test",
        "--locked",
        "--workspace",
        "--all-features",
        "--lib",
        "--bins",
        "--tests",
        "--no-fail-fast",
    ];
    let ran = run(root, &line, &[])?;
    let (passed, failed) = libtest_counts(&ran.output);
    let mut outcome = Outcome::of_tests(ran, passed, failed, Vec::new());
    let why = why.to_string();
    outcome.note = format!(
        "{}, with cargo test: {}",
        outcome.note,
        why.lines().next().unwrap_or_default()
    );
    Ok(outcome)
}

/// Passed and failed tests of `Summary [ 1.2s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 3 skipped`.
fn nextest_counts(output: &str) -> (u64, u64) {
    let summary = output
        .lines()
        .rev()
        .find_map(|l| l.trim_start().strip_prefix("Summary [")?.split_once("run: "));
    let Some((_, counts)) = summary else {
        return (0, 0);
    };
    let mut total = (0, 0);
    for part in counts.split(", ") {
        let mut words = part.split_whitespace();
        let count: u64 = words.next().and_then(|w| w.parse().ok()).unwrap_or(0);
        match words.next() {
            Some("passed") => total.0 += count,
            Some("failed" | "timed" | "exec") => total.1 += count,
            _ => {}
        }
    }
    total
}

/// Passed and failed tests of every `test result: ok. 3 passed; 0 failed; ..`.
pub(super) fn libtest_counts(output: &str) -> (u64, u64) {
    let mut total = (0, 0);
    for counts in output
        .lines()
        .filter_map(|l| l.strip_prefix("test result: ")?.split_once(". "))
    {
        for part in counts.1.split("; ") {
            match part.split_once(' ') {
                Some((n, "passed")) => total.0 += n.parse().unwrap_or(0),
                Some((n, "failed")) => total.1 += n.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    total
}

/// Tests that passed by saying why they cannot run here: a line of their output that begins with `skipped`.
fn skips(junit: &str) -> Vec<(String, String)> {
    let mut skips = Vec::new();
    for case in junit.split("<testcase ").skip(1) {
        let name = case
            .split_once("name=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map_or("", |(name, _)| name);
        let text = case
            .replace("<system-out>", "\n")
            .replace("<system-err>", "\n")
            .replace("</system-", "\n<");
        // With one thread libtest writes the name of the test in front.
        let said = text
            .lines()
            .map(|l| l.split_once(" ... ").map_or(l, |(_, rest)| rest).trim_start());
        let reason = said
            .filter_map(|l| l.strip_prefix("skipped"))
            .map(|l| l.trim_start_matches(':').trim())
            .next();
        if let Some(reason) = reason {
            skips.push((unescape(name), unescape(reason)));
        }
    }
    skips
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests_of_counting {
    use super::*;

    #[test]
    fn summaries_are_counted() {
        let one = "------\n     Summary [   0.012s] 18 tests run: 18 passed, 0 skipped\n";
        assert_eq!(nextest_counts(one), (18, 0));
        let bad =
            "     Summary [   1.0s] 9/12 tests run: 5 passed (1 slow), 2 failed, 1 timed out, 1 exec failed, 3 skipped";
        assert_eq!(nextest_counts(bad), (5, 4));
        assert_eq!(nextest_counts("error: could not compile"), (0, 0));
        let doc = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                   test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s\n";
        assert_eq!(libtest_counts(doc), (4, 2));
    }

    #[test]
    fn skips_carry_name_and_reason() {
        let xml = "<testcase name=\"redis::works\" time=\"0\">\n<system-out>\nrunning 1 test\nskipped: no \
                   redis-server &amp; no docker\ntest ok\n</system-out></testcase>\n<testcase name=\"fine\"></testcase>";
        assert_eq!(
            skips(xml),
            [("redis::works".to_owned(), "no redis-server & no docker".to_owned())]
        );
        let inline = "<testcase name=\"a\"><system-err>test a ... skipped no server</system-err></testcase>";
        assert_eq!(skips(inline), [("a".to_owned(), "no server".to_owned())]);
    }
}
