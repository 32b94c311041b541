use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::{FutureExt, StreamExt};
use presswork_ai_adapter::{
    Cache, CacheStore, Clock, Error, FinishReason, LanguageModel, LanguageModelExt, MemoryCache, Message,
    ReasoningEffort, ResponseSchema, Scripted, StreamEvent, TextRequest, TextResponse, Tool, ToolCall, ToolChoice,
    Usage,
};
use serde_json::json;

use super::rate_limit::Slow;
use super::{PausedClock, down, hello, secs};

fn cached(script: &Scripted) -> Cache<Scripted> {
    script.clone().cache(MemoryCache::new(1_000_000))
}

#[tokio::test]
async fn the_same_question_is_asked_once() {
    let mut answer = TextResponse::new("scripted", "scripted", "ok");
    answer.usage = Usage::new(5, 7);
    answer.request_id = Some("req_1".to_owned());
    let script = Scripted::new().response(answer.clone());
    let model = cached(&script);
    let first = model.generate(&hello()).await.unwrap();
    assert_eq!((first.usage, first.warnings.len()), (Usage::new(5, 7), 0));
    // Labels and the deadline change no answer.
    let again = hello().metadata("site", "a").timeout(secs(9));
    let second = model.generate(&again).await.unwrap();
    assert_eq!(
        (second.text.as_str(), second.request_id.as_deref()),
        ("ok", Some("req_1"))
    );
    assert_eq!(second.warnings, ["answered from the cache"]);
    assert_eq!((second.usage, second.attempts.len()), (Usage::new(0, 0), 1));
    assert_eq!(second.attempts[0].cost_micros, Some(0));
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test]
async fn every_field_that_changes_the_answer_changes_the_key() {
    let model = cached(&Scripted::new());
    let tool = Tool::new("look_up", "Looks up.", json!({ "type": "object" }));
    let base = hello().tool(tool.clone());
    let mut other = tool.clone();
    other.description = "Looks words up.".to_owned();
    let variants = [
        hello(),
        TextRequest::user("Hi "),
        TextRequest::messages(vec![Message::assistant("Hi")]),
        hello().message(Message::user("Hi")),
        hello().system("Hi"),
        hello().max_output_tokens(1),
        hello().temperature(1.0),
        hello().top_p(1.0),
        hello().stop("a"),
        hello().stop("a").stop("b"),
        hello().json_mode(),
        hello().schema(ResponseSchema::new("a", json!({ "type": "object" }))),
        hello().schema(ResponseSchema::new("b", json!({ "type": "object" }))),
        hello().reasoning_effort(ReasoningEffort::Low),
        base.clone(),
        hello().tool(other),
        base.clone().tool_choice(ToolChoice::Required),
        base.tool_choice(ToolChoice::Named("look_up".to_owned())),
    ];
    let mut keys: Vec<String> = variants.iter().map(|request| model.key(request).unwrap()).collect();
    let named = Scripted::new().named("other", "scripted").cache(MemoryCache::new(1));
    keys.push(named.key(&hello()).unwrap());
    let named = Scripted::new().named("scripted", "other").cache(MemoryCache::new(1));
    keys.push(named.key(&hello()).unwrap());
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
    // Written down: another value would empty everybody's cache.
    assert_eq!(model.key(&hello()).unwrap(), KEY_OF_HELLO);
    assert!(matches!(
        model.key(&hello().temperature(f64::NAN)),
        Err(Error::Config(_))
    ));
}

const KEY_OF_HELLO: &str = "v1-c9331e380fc2e955f7835acade5ca5b9a9c43d48d86695adde6d533f29a6de3e";

#[tokio::test]
async fn errors_refusals_and_pauses_are_not_kept() {
    let mut paused = TextResponse::new("scripted", "scripted", "wait");
    paused.finish = FinishReason::Pause;
    let script = Scripted::new().error(down()).refuse("no").response(paused).reply("ok");
    let model = cached(&script);
    model.generate(&hello()).await.unwrap_err();
    for text in ["", "wait", "ok", "ok"] {
        assert_eq!(model.generate(&hello()).await.unwrap().text, text);
    }
    assert_eq!(script.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn equal_calls_at_once_are_one() {
    let clock = PausedClock::start();
    let slow = Slow::new(&clock, secs(3));
    let model = slow.clone().cache(MemoryCache::new(10_000)).clock(clock.clone());
    let (same, other) = (hello(), TextRequest::user("Bye"));
    let calls = [&same, &same, &other, &same].map(|request| model.generate(request));
    for answer in join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!((slow.starts().len(), clock.now_ms()), (2, 3_000));

    // A follower waits no longer than it may, and a leader that gives up leaves its place to the next.
    let third = TextRequest::user("Third");
    let hasty = third.clone().timeout(secs(1));
    let mut leader = model.generate(&third);
    assert!(leader.as_mut().now_or_never().is_none());
    let error = model.generate(&hasty).await.unwrap_err();
    assert!(
        matches!(error, Error::Timeout(_)) && error.attempts().len() == 1,
        "{error:?}"
    );
    let mut follower = model.generate(&third);
    assert!(follower.as_mut().now_or_never().is_none());
    drop(leader);
    follower.await.unwrap();
    assert_eq!(slow.starts().len(), 4);
}

#[tokio::test]
async fn a_failure_is_not_handed_to_those_who_wait() {
    let script = Scripted::new().error(down()).reply("ok");
    let model = cached(&script);
    let request = hello();
    let (first, second) = tokio::join!(model.generate(&request), model.generate(&request));
    assert!(first.is_err());
    assert_eq!(second.unwrap().text, "ok");
}

#[tokio::test]
async fn streams_come_back_as_streams() {
    let mut answer = TextResponse::new("scripted", "scripted", "Hello.");
    answer.tool_calls = vec![ToolCall::new("1", "look_up", "{}")];
    answer.finish = FinishReason::ToolCalls;
    let script = Scripted::new().response(answer.clone()).cut(["a"]);
    let model = cached(&script);
    model.stream(&hello()).await.unwrap().response().await.unwrap();
    let events: Vec<_> = model
        .stream(&hello())
        .await
        .unwrap()
        .map(Result::unwrap)
        .collect()
        .await;
    assert!(matches!(&events[0], StreamEvent::Text(text) if text == "Hello."));
    assert!(
        matches!(&events[1], StreamEvent::ToolCall { index: 0, name, arguments } if name == "look_up" && arguments == "{}")
    );
    let StreamEvent::Done(response) = &events[2] else {
        panic!("{events:?}")
    };
    assert_eq!((events.len(), &response.tool_calls), (3, &answer.tool_calls));
    assert_eq!(model.generate(&hello()).await.unwrap().text, "Hello.", "and as a whole");

    let other = TextRequest::user("cut");
    model.stream(&other).await.unwrap().response().await.unwrap_err();
    model.generate(&other).await.unwrap_err();
}

#[tokio::test]
async fn memory_keeps_what_was_used_last_within_its_bytes() {
    let cache = MemoryCache::new(30);
    for key in ["a", "b", "c"] {
        cache.put(key, "123456789").await;
    }
    assert_eq!(cache.bytes(), 30);
    cache.get("a").await.unwrap();
    cache.put("d", "123456789").await;
    assert_eq!((cache.get("b").await, cache.bytes()), (None, 30));
    assert!(cache.get("a").await.is_some());
    // Too large for the whole: what stood under the key is gone, and the rest stays.
    cache.put("d", &"1".repeat(30)).await;
    assert_eq!((cache.get("d").await, cache.bytes()), (None, 20));
    cache.put("a", "1").await;
    assert_eq!((cache.get("a").await.as_deref(), cache.bytes()), (Some("1"), 12));
    assert_eq!(format!("{cache:?}"), "MemoryCache(2 answers, 12 bytes)");
}

#[tokio::test]
async fn a_store_that_gives_nonsense_gives_nothing() {
    let store = Arc::new(MemoryCache::new(1_000));
    let script = Scripted::new().reply("ok");
    let model = script.cache(store.clone());
    store.put(&model.key(&hello()).unwrap(), "{not json").await;
    assert_eq!(model.generate(&hello()).await.unwrap().text, "ok");
}
