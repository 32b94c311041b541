use super::{Fault, Harness};
use crate::Certainty;

/// Whether limits and faults say that the behaviour of `case` is there, so that it must not be skipped.
///
/// # Panics
/// When there is no case of this name.
pub fn is_declared<H: Harness>(h: &H, case: &str) -> bool {
    let limits = h.target().limits();
    let looks_up = limits.reconcile > Certainty::Never;
    match case {
        "upload_is_repeatable" | "oversized_media_is_refused_before_any_request" => limits.media.max_count > 0,
        "check_reports_refused_credentials" | "refused_credentials_are_unauthenticated" => {
            h.can(Fault::Unauthenticated)
        }
        "rate_limit_says_how_long_to_wait" => h.can(Fault::RateLimited { seconds: 7 }),
        "refused_connection_is_retryable" => h.can(Fault::Down),
        "lost_answer_is_unknown_and_then_found" => looks_up && h.can(Fault::AnswerLost),
        "lost_request_is_unknown_and_then_absent" | "absent_then_published_is_one_visible_post" => {
            looks_up && h.can(Fault::RequestLost)
        }
        "silence_is_unknown" => looks_up && h.can(Fault::Silence),
        "server_error_after_commit_is_unknown" => looks_up && h.can(Fault::ServerErrorAfterCommit),
        "garbage_answer_is_unknown" => looks_up && h.can(Fault::GarbageAnswer),
        "reconcile_finds_what_was_published" | "reconcile_of_nothing_is_absent" | "reconcile_never_posts" => looks_up,
        "two_matches_cannot_be_told_apart" => limits.reconcile == Certainty::Likely && !limits.refuses_repeats,
        "no_secret_is_printed" => h.secret().is_some(),
        other => {
            assert!(super::CASES.contains(&other), "there is no case named {other}");
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::conformance::CASES;

    #[test]
    fn every_bullet_of_the_trait_has_its_case() {
        let promised: BTreeSet<&str> = include_str!("../target.rs")
            .lines()
            .filter(|line| line.trim_start().starts_with("///"))
            .flat_map(|line| line.split("(`").skip(1))
            .filter_map(|rest| rest.split_once("`)").map(|(name, _)| name))
            .collect();
        assert_eq!(promised, CASES.iter().copied().collect());
    }
}
