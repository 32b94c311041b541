use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use presswork_ai_adapter::{
    Account, Attempt, Cap, Error, LanguageModel, LanguageModelExt, Price, Prices, Scripted, TextRequest, TextResponse,
    Tool, Usage, VirtualClock,
};
use serde_json::json;

use super::{down, failure, hello, secs};

/// One dollar a million tokens read, ten a million written: a token is 1 or 10 millionths of a dollar.
fn prices() -> Prices {
    Prices::as_of("2026-11-23").model("scripted", "scripted", Price::new(1_000_000, 10_000_000))
}

fn account(caps: impl IntoIterator<Item = Cap>) -> Account {
    Account::new(prices(), caps).clock(Arc::new(VirtualClock::new(0.5)))
}

fn answer(input: u64, output: u64) -> TextResponse {
    let mut response = TextResponse::new("scripted", "scripted", "ok");
    response.usage = Usage::new(input, output);
    response
}

/// Spent and reserved under the first cap.
fn state(account: &Account) -> (u64, u64) {
    let state = account.state();
    state
        .first()
        .map_or((0, 0), |state| (state.spent_micros, state.reserved_micros))
}

fn ask() -> TextRequest {
    hello().max_output_tokens(100)
}

#[tokio::test]
async fn the_ceiling_is_reserved_and_the_price_is_settled() {
    let account = account([Cap::per_run(10_000)]);
    let script = Scripted::new().silence().response(answer(20, 30));
    let model = script.budget(&account);
    let request = ask();
    let mut running = model.generate(&request);
    assert!(running.as_mut().now_or_never().is_none());
    let (spent, reserved) = state(&account);
    // 100 tokens of answer, 2 bytes of text, and 16 around each of one message and the system's place.
    assert_eq!((spent, reserved), (0, 1_000 + 2 + 32));
    drop(running);
    assert_eq!(state(&account), (1_034, 0), "cancelled: nobody knows");

    let response = model.generate(&ask()).await.unwrap();
    assert_eq!(response.attempts[0].cost_micros, Some(320));
    assert_eq!(state(&account), (1_034 + 320, 0));
}

#[tokio::test]
async fn only_what_cannot_have_been_billed_is_given_back() {
    let kept = [
        Error::Timeout(failure()),
        Error::Incomplete(failure()),
        Error::Malformed(failure()),
        Error::Refused(failure()),
    ];
    for error in kept {
        let account = account([Cap::per_run(10_000)]);
        let name = error.condition();
        let model = Scripted::new().error(error).budget(&account);
        model.generate(&ask()).await.unwrap_err();
        assert_eq!(state(&account), (1_034, 0), "{name}");
    }
    for error in [down(), Error::RateLimited(failure()), Error::Rejected(failure())] {
        let account = account([Cap::per_run(10_000)]);
        let name = error.condition();
        let model = Scripted::new().error(error).budget(&account);
        model.generate(&ask()).await.unwrap_err();
        assert_eq!(state(&account), (0, 0), "{name}");
    }
    // Overloaded in the middle of a stream, for example: what was taken until then is known, and paid.
    let account = self::account([Cap::per_run(10_000)]);
    let mut taken = Attempt::new("scripted", "scripted", None);
    taken.usage = Usage::new(20, 30);
    let mut told = failure();
    told.attempts.push(taken);
    let model = Scripted::new().error(Error::Unavailable(told)).budget(&account);
    let error = model.generate(&ask()).await.unwrap_err();
    assert_eq!(
        (error.attempts()[0].cost_micros, state(&account)),
        (Some(320), (320, 0))
    );
    // An answer that does not say what it took.
    let account = self::account([Cap::per_run(10_000)]);
    let response = Scripted::new()
        .reply("ok")
        .budget(&account)
        .generate(&ask())
        .await
        .unwrap();
    assert_eq!((response.attempts[0].cost_micros, state(&account)), (None, (1_034, 0)));
}

#[tokio::test]
async fn a_stream_pays_at_its_end_or_in_full() {
    let account = account([Cap::per_run(10_000)]);
    let script = Scripted::new().response(answer(20, 30)).pieces(["a", "b"]).cut(["a"]);
    let model = script.budget(&account);
    let response = model.stream(&ask()).await.unwrap().response().await.unwrap();
    assert_eq!(response.attempts[0].cost_micros, Some(320));
    assert_eq!(state(&account), (320, 0));
    let mut dropped = model.stream(&ask()).await.unwrap();
    dropped.next().await.unwrap().unwrap();
    assert_eq!(state(&account), (320, 1_034));
    drop(dropped);
    assert_eq!(state(&account), (320 + 1_034, 0));
    model.stream(&ask()).await.unwrap().response().await.unwrap_err();
    assert_eq!(state(&account), (320 + 2 * 1_034, 0));
}

#[tokio::test]
async fn what_does_not_fit_is_not_asked() {
    let account = account([Cap::per_run(1_500)]);
    let script = Scripted::new().response(answer(20, 60)).reply("never");
    let model = script.clone().budget(&account);
    model.generate(&ask()).await.unwrap();
    let error = model.generate(&ask()).await.unwrap_err();
    assert!(matches!(error, Error::QuotaExhausted(_)), "{error:?}");
    assert!(!error.is_retryable() && error.is_provider_fault());
    assert_eq!((error.attempts().len(), script.requests().len()), (1, 1));
    let message = error.to_string();
    assert!(
        message.contains("$0.001034") && message.contains("$0.000880") && message.contains("2026-11-23"),
        "{message}"
    );
    // A smaller question still fits.
    model.generate(&hello().max_output_tokens(50)).await.unwrap();
}

#[tokio::test]
async fn what_runs_is_counted_before_it_has_ended() {
    let account = account([Cap::per_run(1_500)]);
    let script = Scripted::new().silence().response(answer(20, 30));
    let model = script.clone().budget(&account);
    let request = ask();
    let mut running = model.generate(&request);
    assert!(running.as_mut().now_or_never().is_none());
    let error = model.generate(&ask()).await.unwrap_err();
    assert!(matches!(error, Error::QuotaExhausted(_)), "{error:?}");
    assert_eq!((script.requests().len(), state(&account)), (1, (0, 1_034)));
}

#[tokio::test]
async fn a_call_without_a_price_or_a_bound_is_refused() {
    let account = account([Cap::per_run(1_000_000)]);
    let script = Scripted::new().named("other", "model").reply("never");
    let error = script.budget(&account).generate(&ask()).await.unwrap_err();
    assert!(
        matches!(error, Error::Config(_)) && error.to_string().contains("other/model"),
        "{error}"
    );

    let script = Scripted::new().reply("never");
    let error = script.clone().budget(&account).generate(&hello()).await.unwrap_err();
    assert!(error.to_string().contains("max_output_tokens"), "{error}");
    assert!(script.requests().is_empty());

    let free = Account::new(
        Prices::as_of("2026-11-23").model("scripted", "scripted", Price::FREE),
        [Cap::per_run(0)],
    );
    script.budget(&free).generate(&hello()).await.unwrap();
}

#[tokio::test]
async fn days_and_sites_have_caps_of_their_own() {
    let clock = Arc::new(VirtualClock::new(0.5));
    let caps = [
        Cap::per_day(3_000),
        Cap::per_day(1_500).each("site"),
        Cap::per_run(4_000),
    ];
    let account = Account::new(prices(), caps).clock(clock.clone());
    let script = (0..9).fold(Scripted::new(), |script, _| script.response(answer(0, 100)));
    let model = script.clone().budget(&account);
    let of = |site: &str| ask().metadata("site", site);
    model.generate(&of("a")).await.unwrap();
    let error = model.generate(&of("a")).await.unwrap_err();
    assert!(error.to_string().contains("site `a`"), "{error}");
    model.generate(&of("b")).await.unwrap();
    let error = model.generate(&of("c")).await.unwrap_err();
    assert!(error.to_string().contains("$0.003000 a day"), "{error}");
    assert_eq!(error.retry_after(), Some(secs(86_400)));
    // Who forgets the label would escape its cap.
    let error = model.generate(&ask()).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");

    clock.advance(secs(86_400));
    model.generate(&of("a")).await.unwrap();
    let error = model.generate(&of("b")).await.unwrap_err();
    assert!(error.to_string().contains("a run"), "{error}");
    let spent: Vec<u64> = account.state().iter().map(|state| state.spent_micros).collect();
    assert_eq!(
        spent,
        [1_000, 1_000, 3_000],
        "yesterday's days are gone, the run is not"
    );
}

#[tokio::test]
async fn a_call_over_midnight_counts_for_the_day_it_began() {
    let clock = Arc::new(VirtualClock::new(0.5));
    let account = Account::new(prices(), [Cap::per_day(1_500)]).clock(clock.clone());
    let model = Scripted::new().silence().response(answer(0, 100)).budget(&account);
    let request = ask();
    let mut running = model.generate(&request);
    assert!(running.as_mut().now_or_never().is_none());
    clock.advance(secs(86_400));
    model.generate(&ask()).await.unwrap();
    drop(running);
    assert_eq!(state(&account), (1_000, 0));
}

#[tokio::test]
async fn models_share_an_account_and_a_restart_enters_what_was_spent() {
    let account = account([Cap::per_run(2_600)]);
    account.charge(&[], 500).unwrap();
    let first = Scripted::new().error(Error::Timeout(failure())).budget(&account);
    let second = Scripted::new().response(answer(0, 1)).budget(&account);
    let response = first.or(second).generate(&ask()).await.unwrap();
    assert_eq!(response.attempts.len(), 2);
    assert_eq!(state(&account), (500 + 1_034 + 10, 0));
}

#[test]
fn prices_are_exact_and_round_up() {
    let price = Price::new(250_000, 2_000_000).cached_input(25_000).cache_write(312_500);
    let mut usage = Usage::new(1_000, 100);
    assert_eq!(price.cost(&usage), Some(250 + 200));
    usage.cached_input_tokens = Some(600);
    usage.cache_write_tokens = Some(100);
    // 300 plain at 0.25, 600 at 0.025, 100 at 0.3125, 100 written at 2: 321.25, rounded up.
    assert_eq!(price.cost(&usage), Some(322));
    usage.output_tokens = None;
    assert_eq!(price.cost(&usage), None);
    assert_eq!(
        Price::new(u64::MAX, u64::MAX).cost(&Usage::new(u64::MAX, u64::MAX)),
        Some(u64::MAX)
    );
    assert!(serde_json::from_str::<Prices>(r#"{"as_of":"x","prices":{"a/b":{"input":1,"ouput":2}}}"#).is_err());
}

#[tokio::test]
async fn tools_and_schemas_are_part_of_the_ceiling() {
    let account = account([Cap::per_run(u64::MAX)]);
    let model = Scripted::new().reply("ok").budget(&account);
    let tool = Tool::new("look_up", "Looks up.", json!({ "type": "object" }));
    model.generate(&ask().tool(tool)).await.unwrap();
    assert!(state(&account).0 > 1_034 + 1_000);
}
