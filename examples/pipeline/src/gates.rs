//! What a page must satisfy before it is published.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use crate::config::GateConfig;
use crate::draft::PageDraft;
use crate::sanitise;

/// What the gates found in one page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateReport {
    /// Words in the body.
    pub words: u32,
    /// Everything that keeps the page from being published; empty means it passes.
    pub findings: Vec<Finding>,
}

/// One gate that is not satisfied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the gate.
    pub gate: String,
    /// What is wrong and what is expected, as the model and a person read it.
    pub message: String,
}

impl GateReport {
    /// Whether the page may be published.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.findings.is_empty()
    }

    /// Every finding in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        self.findings
            .iter()
            .map(|finding| finding.message.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Checks a sanitised draft. Slug and primary keyword are not here: the store itself refuses a second one.
#[must_use]
pub fn check(draft: &PageDraft, config: &GateConfig) -> GateReport {
    let mut report = GateReport {
        words: sanitise::words(&draft.body_html),
        findings: Vec::new(),
    };
    let mut found = |gate: &str, message: String| {
        report.findings.push(Finding {
            gate: gate.into(),
            message,
        })
    };

    length(&mut found, "title", &draft.title, config.title_min, config.title_max);
    length(
        &mut found,
        "description",
        &draft.description,
        config.description_min,
        config.description_max,
    );
    if draft.keywords.is_empty() {
        found("keywords", "keywords is empty, expected at least one".into());
    }
    if draft.hooks.is_empty() {
        found("hooks", "hooks is empty, expected at least one".into());
    }
    let words = sanitise::words(&draft.body_html);
    if words < config.words_min {
        found(
            "words",
            format!("body_html has {words} words, expected at least {}", config.words_min),
        );
    }
    if let Some(message) = heading_fault(&draft.body_html) {
        found("headings", message);
    }
    report
}

fn length(found: &mut impl FnMut(&str, String), field: &str, text: &str, min: u32, max: u32) {
    let count = text.graphemes(true).count();
    if count < min as usize || count > max as usize {
        found(
            field,
            format!("{field} has {count} characters, expected {min} to {max}"),
        );
    }
}

/// Headings begin at h2 and never skip a level on the way down.
fn heading_fault(html: &str) -> Option<String> {
    let mut above = 1;
    let mut any = false;
    for level in headings(html) {
        if level > above + 1 {
            return Some(if any {
                format!("body_html has an h{level} after an h{above}, expected no skipped level")
            } else {
                format!("body_html begins with an h{level}, expected an h2")
            });
        }
        above = level;
        any = true;
    }
    (!any).then(|| "body_html has no heading, expected at least one h2".into())
}

/// Levels of the headings of sanitised HTML, in order; a `<h2` of the text itself is escaped there.
fn headings(html: &str) -> impl Iterator<Item = u8> + '_ {
    html.match_indices("<h").filter_map(|(at, _)| {
        let mut rest = html.as_bytes()[at + 2..].iter();
        let level = rest.next()?.checked_sub(b'0').filter(|level| (1..=6).contains(level))?;
        matches!(rest.next(), Some(b'>' | b' ')).then_some(level)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(body: &str) -> PageDraft {
        PageDraft {
            title: "Time in Berlin: offset and daylight saving".into(),
            description: "x".repeat(120),
            keywords: vec!["time in berlin".into()],
            body_html: body.into(),
            image_prompt: "A clock".into(),
            hooks: vec!["Berlin changes its clocks twice a year.".into()],
        }
    }

    fn messages(body: &str) -> Vec<String> {
        let config = GateConfig {
            words_min: 0,
            ..GateConfig::default()
        };
        check(&draft(body), &config)
            .findings
            .into_iter()
            .map(|finding| finding.message)
            .collect()
    }

    #[test]
    fn headings_go_down_one_level_at_a_time() {
        assert!(messages("<h2>a</h2><h3>b</h3><h4>c</h4><h2>d</h2><h3>e</h3>").is_empty());
        assert_eq!(
            messages("<h2>a</h2><h4>b</h4>"),
            ["body_html has an h4 after an h2, expected no skipped level"]
        );
        assert_eq!(messages("<h3>a</h3>"), ["body_html begins with an h3, expected an h2"]);
        assert_eq!(
            messages("<p>a</p><hr>"),
            ["body_html has no heading, expected at least one h2"]
        );
    }

    #[test]
    fn lengths_count_what_a_reader_sees() {
        let mut page = draft("<h2>a</h2>");
        page.title = "👨‍👩‍👧‍👦".repeat(65);
        let config = GateConfig {
            words_min: 0,
            ..GateConfig::default()
        };
        assert!(check(&page, &config).passes());
        page.title.push('x');
        assert_eq!(
            check(&page, &config).summary(),
            "title has 66 characters, expected 30 to 65"
        );
    }

    #[test]
    fn a_thin_page_does_not_pass() {
        assert!(
            check(&draft("<h2>a</h2>"), &GateConfig::default())
                .summary()
                .contains("1 words, expected at least 150")
        );
    }
}
