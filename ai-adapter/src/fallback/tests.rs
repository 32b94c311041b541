use std::time::Duration;

use super::*;
use crate::{Error, Failure, LanguageModelExt, Scripted, VirtualClock};

fn first(error: fn(Box<Failure>) -> Error) -> Scripted {
    Scripted::new()
        .named("one", "m1")
        .error(error(Failure::new("one", "no").boxed()))
}

fn second() -> Scripted {
    Scripted::new().named("two", "m2").reply("from two")
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

#[tokio::test]
async fn the_providers_faults_move_on_and_are_recorded() {
    let faults: [fn(Box<Failure>) -> Error; 8] = [
        Error::RateLimited,
        Error::QuotaExhausted,
        Error::Unauthenticated,
        Error::ModelNotFound,
        Error::Unavailable,
        Error::Timeout,
        Error::Malformed,
        Error::Incomplete,
    ];
    for fault in faults {
        let response = first(fault).or(second()).generate(&hello()).await.unwrap();
        assert_eq!(
            (response.provider.as_str(), response.text.as_str()),
            ("two", "from two")
        );
        let ledger: Vec<_> = response
            .attempts
            .iter()
            .map(|attempt| (attempt.provider.as_str(), attempt.error.is_some()))
            .collect();
        assert_eq!(ledger, [("one", true), ("two", false)]);
    }
}

#[tokio::test]
async fn the_prompts_faults_stay() {
    let faults: [fn(Box<Failure>) -> Error; 4] = [Error::Rejected, Error::Refused, Error::Unsupported, Error::Config];
    for fault in faults {
        let other = second();
        let error = first(fault).or(other.clone()).generate(&hello()).await.unwrap_err();
        assert_eq!((error.attempts().len(), other.requests().len()), (1, 0), "{error:?}");
    }
}

#[tokio::test]
async fn both_failing_gives_the_last_error_and_both_reasons() {
    let last = Scripted::new()
        .named("two", "m2")
        .error(Error::Unavailable(Failure::new("two", "down").boxed()));
    let error = first(Error::QuotaExhausted)
        .or(last)
        .generate(&hello())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)));
    let reasons: Vec<_> = error
        .attempts()
        .iter()
        .filter_map(|attempt| attempt.error.as_deref())
        .collect();
    assert_eq!(reasons, ["quota_exhausted: one: no", "unavailable: two: down"]);
}

#[tokio::test]
async fn the_second_gets_what_is_left() {
    let clock = Arc::new(VirtualClock::new(0.5));
    let slow = || Scripted::new().named("one", "m1").clock(clock.clone()).silence();
    let other = second();
    let pair = Fallback::new(slow(), other.clone()).clock(clock.clone());
    let error = pair
        .generate(&hello().timeout(Duration::from_secs(5)))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout(_)));
    assert!(other.requests().is_empty(), "nothing was left");

    let patient = Fallback::new(first(Error::Unavailable), other.clone()).clock(clock);
    patient
        .generate(&hello().timeout(Duration::from_secs(5)))
        .await
        .unwrap();
    assert_eq!(other.requests()[0].timeout, Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn it_can_do_what_both_can() {
    let plain = second().capabilities(Capabilities {
        json_mode: false,
        ..Capabilities::all()
    });
    let pair = Scripted::new().reply("never").or(plain);
    assert!(!pair.capabilities().json_mode && pair.capabilities().tools);
    let error = pair.generate(&hello().json_mode()).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)));
}

#[tokio::test]
async fn a_stream_moves_on_before_its_first_piece() {
    let response = first(Error::Unavailable)
        .or(second())
        .stream(&hello())
        .await
        .unwrap()
        .response()
        .await
        .unwrap();
    assert_eq!((response.text.as_str(), response.attempts.len()), ("from two", 2));
}
