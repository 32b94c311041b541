use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use presswork_ai_adapter::{CircuitBreaker, Error, LanguageModel, LanguageModelExt, Scripted, VirtualClock};

use super::{down, failure, hello, secs};

fn breaker(script: &Scripted) -> (CircuitBreaker<Scripted>, Arc<VirtualClock>) {
    let clock = Arc::new(VirtualClock::new(0.5));
    let breaker = script.clone().circuit_breaker().failures(3).open_for(secs(30));
    (breaker.clock(clock.clone()), clock)
}

async fn open(model: &CircuitBreaker<Scripted>, script: &Scripted) {
    for _ in 0..3 {
        let _ = script.clone().error(down());
        model.generate(&hello()).await.unwrap_err();
    }
    assert!(model.is_open());
}

#[tokio::test]
async fn failures_in_a_row_open_it_and_a_good_probe_closes_it() {
    let script = Scripted::new();
    let (model, clock) = breaker(&script);
    open(&model, &script).await;
    clock.advance(secs(10));
    let error = model.generate(&hello()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && error.is_retryable());
    assert_eq!(error.retry_after(), Some(secs(20)));
    assert_eq!(error.attempts().len(), 1, "the refusal stands in the ledger");
    assert!(model.stream(&hello()).await.is_err());
    assert_eq!(script.requests().len(), 3, "nobody was asked");

    clock.advance(secs(20));
    let _ = script.clone().reply("up").reply("again");
    model.generate(&hello()).await.unwrap();
    model.generate(&hello()).await.unwrap();
    assert!(!model.is_open());
}

#[tokio::test]
async fn a_success_in_between_starts_the_count_anew() {
    let script = Scripted::new();
    let (model, _) = breaker(&script);
    let _ = script
        .clone()
        .error(down())
        .error(down())
        .reply("ok")
        .error(down())
        .error(down());
    for _ in 0..5 {
        let _ = model.generate(&hello()).await;
    }
    assert!(!model.is_open());
}

#[tokio::test]
async fn a_failed_probe_opens_it_for_the_whole_time_again() {
    let script = Scripted::new();
    let (model, clock) = breaker(&script);
    open(&model, &script).await;
    clock.advance(secs(30));
    let _ = script.clone().error(down());
    model.generate(&hello()).await.unwrap_err();
    let error = model.generate(&hello()).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(secs(30)));
    assert_eq!(script.requests().len(), 4);
}

#[tokio::test]
async fn only_the_providers_health_counts() {
    let script = Scripted::new();
    let (model, clock) = breaker(&script);
    for _ in 0..2 {
        for error in [
            Error::Rejected(failure()),
            Error::Refused(failure()),
            Error::Config(failure()),
            Error::RateLimited(failure()),
            Error::QuotaExhausted(failure()),
            Error::Unauthenticated(failure()),
        ] {
            let _ = script.clone().error(error);
            model.generate(&hello()).await.unwrap_err();
        }
    }
    assert!(!model.is_open());

    open(&model, &script).await;
    clock.advance(secs(30));
    // A server that knows what to reject is up; a limit says nothing, and the next call probes again.
    let _ = script
        .clone()
        .error(Error::RateLimited(failure()))
        .error(Error::Rejected(failure()));
    model.generate(&hello()).await.unwrap_err();
    assert!(!model.is_open());
    model.generate(&hello()).await.unwrap_err();
    open(&model, &script).await;
}

#[tokio::test]
async fn one_probe_at_a_time_and_a_cancelled_one_frees_its_place() {
    let script = Scripted::new();
    let (model, clock) = breaker(&script);
    open(&model, &script).await;
    clock.advance(secs(30));
    let _ = script.clone().silence().reply("up");
    let request = hello();
    let mut probe = model.generate(&request);
    assert!(probe.as_mut().now_or_never().is_none());
    let error = model.generate(&hello()).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)), "half open: one at a time");
    drop(probe);
    model.generate(&hello()).await.unwrap();
    assert!(!model.is_open());
}

#[tokio::test]
async fn a_stream_counts_when_it_ends() {
    let script = Scripted::new();
    let (model, clock) = breaker(&script);
    for _ in 0..3 {
        let _ = script.clone().cut(["a"]);
        let stream = model.stream(&hello()).await.unwrap();
        assert!(!model.is_open());
        stream.response().await.unwrap_err();
    }
    assert!(model.is_open());

    clock.advance(secs(30));
    let _ = script.clone().pieces(["a"]).pieces(["a"]);
    let mut dropped = model.stream(&hello()).await.unwrap();
    dropped.next().await.unwrap().unwrap();
    assert!(model.is_open(), "the probe is still running");
    drop(dropped);
    model.stream(&hello()).await.unwrap().response().await.unwrap();
    assert!(!model.is_open());
}

#[tokio::test]
async fn what_began_before_it_opened_is_no_news() {
    let script = Scripted::new().silence();
    let (model, clock) = breaker(&script);
    let _ = script.clone().pieces(["late"]);
    let request = hello().timeout(secs(9));
    // Takes the silence, which only fails once polled to its end.
    drop(model.generate(&request));
    let _ = model.generate(&request).await;
    let late = model.stream(&hello()).await.unwrap();
    open(&model, &script).await;
    late.response().await.unwrap();
    assert!(model.is_open(), "an old success closes nothing");
    clock.advance(secs(40));
    assert!(!model.is_open());
}
