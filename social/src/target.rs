use std::sync::Arc;

use async_trait::async_trait;

use crate::{Account, Attempt, Limits, Media, Post, Published, Reconciled, Result, UploadedMedia};

/// One account on one network, to which posts are published.
///
/// A target makes requests and classifies their answers; it never repeats an irreversible one. Whoever calls
/// [`publish`](SocialTarget::publish) writes down that it is about to (the *armed* record) before the call, and the
/// receipt after it. When the answer is [`Error::Unknown`](crate::Error::Unknown), or when an armed record without a
/// receipt is found later, [`reconcile`](SocialTarget::reconcile) says what became of the post; only
/// [`Reconciled::Absent`] allows another `publish`.
#[async_trait]
pub trait SocialTarget: Send + Sync {
    /// Names the network in lower case, for example `"mastodon"` or `"outbox"`.
    ///
    /// - It is not empty and the same at every call (`names_are_stable`).
    fn network(&self) -> &str;

    /// Names the account as it is configured, for example `"mastodon.example/@me"`; ledgers store it.
    ///
    /// - It is not empty, the same at every call, and no secret (`names_are_stable`).
    fn account(&self) -> &str;

    /// Says what the network takes and how surely it can be asked what became of a post.
    ///
    /// The value may change after [`check`](SocialTarget::check), which learns what an instance allows.
    ///
    /// - A post of exactly [`max_text`](Limits::max_text) is published, one more unit is refused
    ///   (`text_is_counted_exactly_at_the_maximum`).
    /// - A setting whose flag is `false` is refused with [`Error::Unsupported`](crate::Error::Unsupported), one whose
    ///   flag is `true` reaches the network (`declared_settings_reach_the_network`).
    fn limits(&self) -> Limits;

    /// Asks whether the credentials are good and learns the limits of the instance.
    ///
    /// - Good credentials return the account (`check_names_the_account`).
    /// - Refused credentials are [`Error::Unauthenticated`](crate::Error::Unauthenticated)
    ///   (`check_reports_refused_credentials`).
    /// - Nothing becomes visible (`check_posts_nothing`).
    async fn check(&self) -> Result<Account>;

    /// Uploads a picture or a video for a later post. Nothing becomes visible by it, so it may be repeated.
    ///
    /// - The post that carries the upload shows it with its alternative text; a target without media refuses with
    ///   [`Error::Unsupported`](crate::Error::Unsupported) (`uploaded_media_is_shown_with_its_alt_text`).
    /// - The same media may be uploaded again (`upload_is_repeatable`).
    /// - An alternative text or a file over the limits is refused before any request
    ///   (`oversized_media_is_refused_before_any_request`).
    async fn upload(&self, media: &Media) -> Result<UploadedMedia>;

    /// Makes exactly one irreversible attempt to publish `post`.
    ///
    /// The result is three-valued: `Ok` is a receipt; an error whose [`is_unknown`](crate::Error::is_unknown) is
    /// `false` says that nothing was posted; an error whose `is_unknown` is `true` says that the post may be visible
    /// and carries [`Evidence`](crate::Evidence) for [`reconcile`](SocialTarget::reconcile).
    ///
    /// - One call makes one visible post and returns its id (`one_publish_is_one_visible_post`).
    /// - Text, link and content arrive as they were given (`text_and_link_arrive_unchanged`).
    /// - Posts with different keys are different posts (`different_keys_are_different_posts`).
    /// - Within [`Limits::idempotency`] the same key again returns the first receipt and shows nothing new; where
    ///   [`Limits::refuses_repeats`] is set, the same text again is [`Error::Duplicate`](crate::Error::Duplicate)
    ///   (`same_key_twice_is_one_visible_post`).
    /// - Overlong text is [`Error::TooLong`](crate::Error::TooLong) before any request
    ///   (`overlong_text_is_refused_before_any_request`).
    /// - A rate limit is [`Error::RateLimited`](crate::Error::RateLimited) with the time to wait, and nothing is
    ///   visible (`rate_limit_says_how_long_to_wait`).
    /// - Refused credentials are [`Error::Unauthenticated`](crate::Error::Unauthenticated), and nothing is visible
    ///   (`refused_credentials_are_unauthenticated`).
    /// - A connection that was never made is retryable, and nothing is visible (`refused_connection_is_retryable`).
    /// - An answer lost after the network stored the post is unknown, and `reconcile` finds the post
    ///   (`lost_answer_is_unknown_and_then_found`).
    /// - A request lost on its way is unknown, and `reconcile` says absent (`lost_request_is_unknown_and_then_absent`).
    /// - After `Absent` a second publish makes exactly one visible post (`absent_then_published_is_one_visible_post`).
    /// - No answer at all is unknown (`silence_is_unknown`).
    /// - A server error is unknown, whatever the network did before it (`server_error_after_commit_is_unknown`).
    /// - A success that cannot be read is unknown (`garbage_answer_is_unknown`).
    /// - Neither value nor error prints a secret (`no_secret_is_printed`).
    async fn publish(&self, post: &Post) -> Result<Published>;

    /// Looks up what became of an earlier attempt. It reads and never posts, so it may be repeated.
    ///
    /// An error says nothing about the post: ask again later. A target that cannot yet exclude that the network is
    /// still working on the attempt answers with a retryable error and the time to wait instead of `Absent`.
    ///
    /// - A published post is found, with the id `publish` gave (`reconcile_finds_what_was_published`).
    /// - A post that never arrived is absent (`reconcile_of_nothing_is_absent`).
    /// - Nothing becomes visible (`reconcile_never_posts`).
    /// - More than one match is [`Reconciled::CannotTell`] (`two_matches_cannot_be_told_apart`).
    async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled>;
}

macro_rules! forward {
    ($($target:ty),+) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: SocialTarget + ?Sized> SocialTarget for $target {
            fn network(&self) -> &str {
                (**self).network()
            }
            fn account(&self) -> &str {
                (**self).account()
            }
            fn limits(&self) -> Limits {
                (**self).limits()
            }
            async fn check(&self) -> Result<Account> {
                (**self).check().await
            }
            async fn upload(&self, media: &Media) -> Result<UploadedMedia> {
                (**self).upload(media).await
            }
            async fn publish(&self, post: &Post) -> Result<Published> {
                (**self).publish(post).await
            }
            async fn reconcile(&self, attempt: &Attempt) -> Result<Reconciled> {
                (**self).reconcile(attempt).await
            }
        }
    )+};
}

forward!(Arc<T>, Box<T>, &T);

const _: fn(&dyn SocialTarget) = |_| {};
const _: fn(Arc<dyn SocialTarget>) = |target| {
    fn is_target<T: SocialTarget>(_: T) {}
    is_target(target);
};
const _: fn(&dyn SocialTarget, &Post) = |target, post| {
    fn is_send<F: Send>(_: F) {}
    is_send(target.publish(post));
};
