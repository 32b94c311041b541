use std::time::Duration;

use super::{
    Fault, Harness,
    posts::{found, post, reconcile},
};
use crate::{Attempt, Error, Reconciled};

/// Publishes into a fault and returns the error.
async fn failed<H: Harness>(h: &H, fault: Fault, key: &str) -> Error {
    h.inject(fault).await;
    let error = h.target().publish(&post(key)).await.unwrap_err();
    assert_eq!(error.network(), h.target().network());
    error
}

/// The attempt at `key`, as a caller finds it in its ledger after an unknown outcome.
fn attempt(key: &str, armed: i64, error: &Error) -> Attempt {
    assert!(error.is_unknown(), "expected an unknown outcome, got {error:?}");
    assert!(!error.is_retryable(), "an unknown outcome must not be repeated");
    let evidence = error.evidence().expect("an unknown outcome carries evidence");
    assert!(!evidence.note.is_empty());
    Attempt::new(post(key), armed).evidence(evidence.clone())
}

async fn nothing_was_posted<H: Harness>(h: &H, error: &Error) {
    assert!(!error.is_unknown(), "{error:?}");
    assert_eq!(h.visible().await, []);
}

/// A rate limit says how long to wait.
pub async fn rate_limit_says_how_long_to_wait<H: Harness>(h: &H) {
    let error = failed(h, Fault::RateLimited { seconds: 7 }, "limited").await;
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    assert!(error.is_retryable());
    let wait = error.retry_after().expect("a time to wait");
    assert!(
        wait > Duration::from_secs(5) && wait <= Duration::from_secs(8),
        "{wait:?}"
    );
    nothing_was_posted(h, &error).await;
}

/// Refused credentials are told from everything else.
pub async fn refused_credentials_are_unauthenticated<H: Harness>(h: &H) {
    let error = failed(h, Fault::Unauthenticated, "refused").await;
    assert!(matches!(error, Error::Unauthenticated { .. }), "{error:?}");
    assert!(!error.is_retryable());
    nothing_was_posted(h, &error).await;
}

/// A refused connection is retryable, and the repeated call makes one post.
pub async fn refused_connection_is_retryable<H: Harness>(h: &H) {
    let error = failed(h, Fault::Down, "down").await;
    assert!(error.is_retryable(), "{error:?}");
    nothing_was_posted(h, &error).await;
    h.target().publish(&post("down")).await.unwrap();
    assert_eq!(h.visible().await.len(), 1);
}

/// A lost answer is unknown, and the post is found.
pub async fn lost_answer_is_unknown_and_then_found<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let error = failed(h, Fault::AnswerLost, "answer").await;
    let published = found(reconcile(h, &attempt("answer", armed, &error)).await);
    let visible = h.visible().await;
    assert_eq!(visible.len(), 1);
    assert_eq!(visible[0].id, published.id);
}

/// A lost request is unknown, and the post is absent.
pub async fn lost_request_is_unknown_and_then_absent<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let error = failed(h, Fault::RequestLost, "request").await;
    h.settle().await;
    let reconciled = reconcile(h, &attempt("request", armed, &error)).await;
    assert_eq!(reconciled, Reconciled::Absent);
    assert_eq!(h.visible().await, []);
}

/// After `Absent` a second publish makes exactly one visible post.
pub async fn absent_then_published_is_one_visible_post<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let error = failed(h, Fault::RequestLost, "again").await;
    h.settle().await;
    assert_eq!(reconcile(h, &attempt("again", armed, &error)).await, Reconciled::Absent);
    let published = h.target().publish(&post("again")).await.unwrap();
    let visible = h.visible().await;
    assert_eq!(visible.len(), 1);
    assert_eq!(visible[0].id, published.id);
}

/// No answer is unknown.
pub async fn silence_is_unknown<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let error = failed(h, Fault::Silence, "silence").await;
    h.settle().await;
    let reconciled = reconcile(h, &attempt("silence", armed, &error)).await;
    assert_eq!(reconciled, Reconciled::Absent);
}

/// A server error after the post was stored is unknown, and the post is found.
pub async fn server_error_after_commit_is_unknown<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let error = failed(h, Fault::ServerErrorAfterCommit, "error").await;
    found(reconcile(h, &attempt("error", armed, &error)).await);
    assert_eq!(h.visible().await.len(), 1);
}

/// A success that cannot be read is unknown.
pub async fn garbage_answer_is_unknown<H: Harness>(h: &H) {
    let armed = h.now_ms();
    let error = failed(h, Fault::GarbageAnswer, "garbage").await;
    h.settle().await;
    let reconciled = reconcile(h, &attempt("garbage", armed, &error)).await;
    assert_eq!(reconciled, Reconciled::Absent);
}
