//! What came of a step.

use crate::run::Ran;

/// Counts for the closing line, and what to show.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    /// Name and reason.
    pub(crate) skipped: Vec<(String, String)>,
    /// Shown beside the time.
    pub(crate) note: String,
    /// Shown when something failed.
    pub(crate) output: String,
}

impl Outcome {
    /// A pass that needs no words.
    pub(crate) fn passed() -> Self {
        Self {
            passed: 1,
            ..Self::default()
        }
    }

    pub(crate) fn failed(output: String) -> Self {
        Self {
            failed: 1,
            output,
            ..Self::default()
        }
    }

    /// The verdict of an exit code.
    pub(crate) fn of(ran: Ran) -> Self {
        if ran.ok {
            Self::passed()
        } else {
            Self::failed(ran.output)
        }
    }

    /// The verdict of a rule: each line breaks it.
    pub(crate) fn of_violations(violations: Vec<String>) -> Self {
        if violations.is_empty() {
            Self::passed()
        } else {
            Self::failed(violations.join("\n"))
        }
    }

    /// The verdict of a run of tests. A run that failed without a failed test did not get as far as its tests.
    pub(crate) fn of_tests(ran: Ran, passed: u64, failed: u64, skipped: Vec<(String, String)>) -> Self {
        let failed = if ran.ok { failed } else { failed.max(1) };
        let mut note = format!("{passed} tests");
        if passed + failed == 0 {
            note = "no tests".to_owned();
        }
        Self {
            passed,
            failed,
            skipped,
            note,
            output: ran.output,
        }
    }

    pub(super) fn verdict(&self) -> &'static str {
        if self.failed > 0 {
            "FAILED"
        } else if self.passed == 0 && !self.skipped.is_empty() {
            "skipped"
        } else {
            "ok"
        }
    }

    pub(super) fn remark(&self) -> String {
        if self.note.is_empty() {
            String::new()
        } else {
            format!("  {}", self.note)
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}
