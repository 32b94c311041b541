/// Calls a macro with the name of every case.
#[doc(hidden)]
#[macro_export]
macro_rules! __social_target_cases {
    ($callback:ident! { $($before:tt)* }) => {
        $crate::$callback! { $($before)* [
            names_are_stable
            text_is_counted_exactly_at_the_maximum
            declared_settings_reach_the_network
            check_names_the_account
            check_reports_refused_credentials
            check_posts_nothing
            uploaded_media_is_shown_with_its_alt_text
            upload_is_repeatable
            oversized_media_is_refused_before_any_request
            one_publish_is_one_visible_post
            text_and_link_arrive_unchanged
            different_keys_are_different_posts
            same_key_twice_is_one_visible_post
            overlong_text_is_refused_before_any_request
            rate_limit_says_how_long_to_wait
            refused_credentials_are_unauthenticated
            refused_connection_is_retryable
            lost_answer_is_unknown_and_then_found
            lost_request_is_unknown_and_then_absent
            absent_then_published_is_one_visible_post
            silence_is_unknown
            server_error_after_commit_is_unknown
            garbage_answer_is_unknown
            no_secret_is_printed
            reconcile_finds_what_was_published
            reconcile_of_nothing_is_absent
            reconcile_never_posts
            two_matches_cannot_be_told_apart
        ] }
    };
}

/// Expands every case of the suite into one named test over a [`Harness`](crate::conformance::Harness).
///
/// The [module](crate::conformance) shows a whole one. `social_target_conformance!(MyHarness; test = wasm_bindgen_test)`
/// runs it elsewhere, `skip { case = "reason" }` leaves cases out.
///
/// The test attribute is `#[tokio::test]` unless another is given. A skipped case prints its reason and fails when
/// [`is_declared`](crate::conformance::is_declared) says that the behaviour is there.
#[macro_export]
macro_rules! social_target_conformance {
    ($harness:ty $(; test = $attribute:meta)? $(; skip { $($case:ident = $reason:literal),+ $(,)? })?) => {
        $crate::__social_target_cases! { __social_target_tests! {
            ($harness) [$($attribute)?] [$($($case = $reason,)+)?]
        } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __social_target_tests {
    ($harness:tt [] $skips:tt $cases:tt) => {
        $crate::__social_target_tests! { $harness [tokio::test] $skips $cases }
    };
    ($harness:tt [$attribute:meta] $skips:tt [$($case:ident)+]) => {
        $(
            #[$attribute]
            async fn $case() {
                $crate::__social_target_case! { $harness $case $skips }
            }
        )+
    };
}

/// The skip list is searched at run time: `macro_rules` cannot compare names.
#[doc(hidden)]
#[macro_export]
macro_rules! __social_target_case {
    (($harness:ty) $case:ident [$($skipped:ident = $reason:literal,)*]) => {
        let skips: &[(&str, &str)] = &[$((stringify!($skipped), $reason)),*];
        let h = <$harness as $crate::conformance::Harness>::start().await;
        for (skipped, _) in skips {
            assert!($crate::conformance::CASES.contains(skipped), "there is no case named {skipped}");
        }
        match skips.iter().find(|(skipped, _)| *skipped == stringify!($case)) {
            Some((case, reason)) => {
                assert!(
                    !$crate::conformance::is_declared(&h, case),
                    "{case} is skipped, but the target declares the behaviour"
                );
                println!("{case} is skipped: {reason}");
            }
            None => $crate::conformance::$case(&h).await,
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __social_target_names {
    ([$($case:ident)+]) => {
        &[$(stringify!($case)),+]
    };
}

/// The name of every case.
pub const CASES: &[&str] = crate::__social_target_cases! { __social_target_names! {} };
