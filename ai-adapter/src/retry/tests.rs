use std::time::Duration;

use futures_util::StreamExt;

use super::*;
use crate::{Failure, LanguageModelExt, Scripted, StreamEvent, VirtualClock};

fn down() -> Error {
    Error::Unavailable(Failure::new("scripted", "down").boxed())
}

fn limited(after: Duration) -> Error {
    Error::RateLimited(Failure::new("scripted", "slow down").retry_after(Some(after)).boxed())
}

fn retrying(script: &Scripted, random: f64, policy: RetryPolicy) -> (Retry<Scripted>, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::new(random));
    (script.clone().retry(policy.clock(clock.clone())), clock)
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

#[tokio::test]
async fn waits_grow_with_full_jitter_up_to_the_cap() {
    let script = (0..6)
        .fold(Scripted::new(), |script, _| script.error(down()))
        .reply("ok");
    let policy = RetryPolicy::default().max_attempts(7);
    let (model, clock) = retrying(&script, 0.5, policy);
    let response = model.generate(&hello()).await.unwrap();
    let waits: Vec<_> = clock.sleeps().iter().map(Duration::as_millis).collect();
    assert_eq!(waits, [250, 500, 1000, 2000, 4000, 4000]);
    assert_eq!(response.attempts.len(), 7);
    assert_eq!(
        response.attempts[0].error.as_deref(),
        Some("unavailable: scripted: down")
    );
    assert_eq!(response.attempts[6].error, None);
}

#[tokio::test]
async fn gives_up_after_the_last_attempt_with_the_whole_ledger() {
    let script = Scripted::new().error(down()).error(down()).error(down()).reply("never");
    let (model, clock) = retrying(&script, 0.0, RetryPolicy::default());
    let error = model.generate(&hello()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)));
    assert_eq!(
        (error.attempts().len(), script.requests().len(), clock.sleeps().len()),
        (3, 3, 2)
    );
}

#[tokio::test]
async fn the_servers_wish_is_honoured_up_to_a_cap() {
    let script = Scripted::new().error(limited(Duration::from_secs(7))).reply("ok");
    let (model, clock) = retrying(&script, 0.9, RetryPolicy::default());
    model.generate(&hello()).await.unwrap();
    assert_eq!(clock.sleeps(), [Duration::from_secs(7)]);

    let script = Scripted::new().error(limited(Duration::from_secs(3600))).reply("never");
    let (model, clock) = retrying(&script, 0.9, RetryPolicy::default());
    let error = model.generate(&hello()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert!(clock.sleeps().is_empty());
}

#[tokio::test]
async fn the_error_decides() {
    for error in [
        Error::Rejected(Failure::new("s", "no").boxed()),
        Error::QuotaExhausted(Failure::new("s", "no").boxed()),
        Error::Unavailable(Failure::new("s", "no").retryable(Some(false)).boxed()),
    ] {
        let script = Scripted::new().error(error).reply("never");
        let (model, _) = retrying(&script, 0.5, RetryPolicy::default());
        assert_eq!(model.generate(&hello()).await.unwrap_err().attempts().len(), 1);
    }
    let odd = Error::Rejected(Failure::new("s", "server says: again").retryable(Some(true)).boxed());
    let (model, _) = retrying(&Scripted::new().error(odd).reply("ok"), 0.5, RetryPolicy::default());
    model.generate(&hello()).await.unwrap();
}

#[tokio::test]
async fn one_deadline_covers_every_attempt() {
    let script = Scripted::new()
        .error(limited(Duration::from_secs(4)))
        .error(limited(Duration::from_secs(4)))
        .reply("ok");
    let (model, clock) = retrying(&script, 0.5, RetryPolicy::default().max_attempts(9));
    let request = hello().timeout(Duration::from_secs(10));
    model.generate(&request).await.unwrap();
    let left: Vec<_> = script
        .requests()
        .iter()
        .map(|request| request.timeout.unwrap().as_secs())
        .collect();
    assert_eq!(left, [10, 6, 2]);

    let script = Scripted::new()
        .error(limited(Duration::from_secs(6)))
        .error(limited(Duration::from_secs(6)))
        .reply("no");
    let (model, _) = retrying(&script, 0.5, RetryPolicy::default().clock(clock));
    let error = model.generate(&request).await.unwrap_err();
    assert!(
        matches!(error, Error::RateLimited(_)),
        "waiting past the deadline only delays the error: {error:?}"
    );
    assert_eq!(error.attempts().len(), 2);
}

#[tokio::test]
async fn a_stream_is_repeated_only_before_its_first_piece() {
    let script = Scripted::new().error(down()).cut([] as [&str; 0]).pieces(["a", "b"]);
    let (model, _) = retrying(&script, 0.5, RetryPolicy::default());
    let response = model.stream(&hello()).await.unwrap().response().await.unwrap();
    assert_eq!((response.text.as_str(), response.attempts.len()), ("ab", 3));

    let script = Scripted::new().error(down()).cut(["a"]).reply("never");
    let (model, _) = retrying(&script, 0.5, RetryPolicy::default());
    let events: Vec<_> = model.stream(&hello()).await.unwrap().collect().await;
    assert!(matches!(&events[0], Ok(StreamEvent::Text(text)) if text == "a"));
    let error = events[1].as_ref().unwrap_err();
    assert!(matches!(error, Error::Incomplete(_)));
    assert_eq!(error.attempts().len(), 2);
    assert_eq!(script.requests().len(), 2);
}
