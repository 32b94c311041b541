//! Ways to an object: the ladder, and the stream.

use futures_util::StreamExt;
use serde_json::Value;

use super::*;
use crate::{Error, Failure, ObjectEvent, StreamEvent};

fn rejected() -> Error {
    Error::Rejected(Failure::new("scripted", "response_format is not supported").boxed())
}

fn call(arguments: &str) -> TextResponse {
    let mut response = TextResponse::new("scripted", "scripted", "");
    response.tool_calls = vec![ToolCall::new("c1", "Page", arguments)];
    response.finish = FinishReason::ToolCalls;
    response
}

#[tokio::test]
async fn a_ladder_goes_down_until_something_works_and_stays_there() {
    let script = Scripted::new()
        .error(rejected())
        .response(call(GOOD))
        .response(call(GOOD));
    let model = script.clone().ladder();
    let object = model.generate_object::<Page>(&request()).await.unwrap();
    assert_eq!((object.value, object.repairs), (page(), 0));
    assert_eq!(object.response.attempts.len(), 2);
    assert!(
        object.response.attempts[0]
            .error
            .as_ref()
            .unwrap()
            .contains("response_format")
    );
    model.clone().generate_object::<Page>(&request()).await.unwrap();
    let sent = script.requests();
    let ways: Vec<_> = sent
        .iter()
        .map(|sent| (sent.schema.is_some(), sent.tools.len()))
        .collect();
    assert_eq!(ways, [(true, 0), (false, 1), (false, 1)]);
}

#[tokio::test]
async fn a_way_that_is_ignored_is_left_too() {
    // The server takes a schema and does not care, has no tools, and writes JSON when told to.
    let script = Scripted::new()
        .reply("Rome is a fine city.")
        .error(rejected())
        .reply("No.")
        .reply(format!("```json\n{GOOD}\n```"))
        .reply(GOOD);
    let model = script.clone().ladder();
    let object = model.generate_object::<Page>(&request()).await.unwrap();
    assert_eq!((object.value, object.response.attempts.len()), (page(), 4));
    assert!(
        object.response.attempts[..3]
            .iter()
            .all(|attempt| attempt.error.is_some())
    );
    model.generate_object::<Page>(&request()).await.unwrap();
    assert!(script.requests()[4].system.as_ref().unwrap().contains("JSON schema"));
}

#[tokio::test]
async fn what_is_not_the_ways_fault_ends_at_once() {
    for error in [
        Error::Unavailable(Failure::new("scripted", "down").boxed()),
        Error::Refused(Failure::new("scripted", "no").boxed()),
    ] {
        let script = Scripted::new().error(error).reply(GOOD);
        script
            .clone()
            .ladder()
            .generate_object::<Page>(&request())
            .await
            .unwrap_err();
        assert_eq!(script.requests().len(), 1);
    }
    // A prompt that is wrong every way is the last way's error, and nothing is learned from it.
    let script = (0..4)
        .fold(Scripted::new(), |script, _| script.error(rejected()))
        .reply(GOOD);
    let model = script.clone().ladder();
    let error = model.generate_object::<Page>(&request()).await.unwrap_err();
    assert!(
        matches!(error, Error::Rejected(_)) && error.attempts().len() == 4,
        "{error:?}"
    );
    model.generate_object::<Page>(&request()).await.unwrap();
    assert!(script.requests()[4].schema.is_some());
}

#[tokio::test]
async fn the_ways_share_the_deadline() {
    let clock = std::sync::Arc::new(VirtualClock::new(0.5));
    let script = Scripted::new()
        .clock(clock.clone())
        .error(rejected())
        .silence()
        .reply(GOOD);
    let model = script.clone().ladder().clock(clock);
    let error = model
        .generate_object::<Page>(&request().timeout(Duration::from_secs(5)))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Timeout(_)) && error.attempts().len() == 2,
        "{error:?}"
    );
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test]
async fn a_ladder_streams_arguments_as_text() {
    let script = Scripted::new().error(rejected()).response(call(GOOD)).reply("hi");
    let model = script.clone().ladder();
    let ask = request().schema(ResponseSchema::of::<Page>());
    let response = model.stream(&ask).await.unwrap().response().await.unwrap();
    assert_eq!((response.text.as_str(), response.attempts.len()), (GOOD, 2));
    assert!(response.tool_calls.is_empty());
    // Without a schema nothing is touched.
    let events: Vec<_> = model.stream(&request()).await.unwrap().collect().await;
    assert!(matches!(&events[0], Ok(StreamEvent::Text(text)) if text == "hi"));
}

async fn partials(script: Scripted) -> (Vec<Value>, Result<Page>) {
    let mut stream = script.stream_object::<Page>(&request()).await.unwrap();
    let (mut partials, mut end) = (Vec::new(), None);
    while let Some(event) = stream.next().await {
        assert!(end.is_none(), "an event after the last one");
        match event {
            Ok(ObjectEvent::Partial(value)) => partials.push(value),
            Ok(ObjectEvent::Done(object)) => end = Some(Ok(object.value)),
            Err(error) => end = Some(Err(error)),
        }
    }
    (partials, end.expect("an end"))
}

#[tokio::test]
async fn an_object_grows_while_it_streams() {
    let pieces = [
        "```json\n{\"note\": \"a long, long, long",
        " note of no use\", \"title\": \"Ro",
        "me\", \"words\": 3}\n```",
    ];
    let (partials, end) = partials(Scripted::new().pieces(pieces)).await;
    assert_eq!(end.unwrap().title, "Rome");
    let want = [
        json!({ "note": "a long, long, long" }),
        json!({ "note": "a long, long, long note of no use", "title": "Ro" }),
    ];
    assert_eq!(partials, want);
}

#[tokio::test]
async fn a_streamed_object_is_validated_at_its_end() {
    let (_, end) = partials(Scripted::new().pieces(["{\"title\": \"Rome, the eternal\", ", "\"words\": 3}"])).await;
    let error = end.unwrap_err();
    assert!(
        matches!(&error, Error::InvalidObject { errors, .. } if errors[0].contains("/title")),
        "{error:?}"
    );
    assert_eq!(error.attempts().len(), 1);
    let (_, end) = partials(Scripted::new().cut(["{\"title\": \"Rome\", "])).await;
    assert!(matches!(end, Err(Error::Incomplete(_))), "{end:?}");
    let (_, end) = partials(Scripted::new().refuse("no")).await;
    assert!(matches!(end, Err(Error::Refused(_))), "{end:?}");
}

#[tokio::test]
async fn a_long_object_is_not_read_again_for_every_piece() {
    let text = "word ".repeat(20_000);
    let answer = format!(r#"{{"title": "Rome", "words": 3, "note": "{text}"}}"#);
    let pieces: Vec<String> = answer
        .as_bytes()
        .chunks(5)
        .map(|piece| String::from_utf8_lossy(piece).into())
        .collect();
    let count = pieces.len();
    let (partials, end) = partials(Scripted::new().pieces(pieces)).await;
    assert_eq!(end.unwrap().title, "Rome");
    assert!(
        partials.len() > 100 && partials.len() < count / 10,
        "{} of {count}",
        partials.len()
    );
}
