use futures_util::StreamExt;

use super::*;
use crate::{LanguageModelExt, Scripted, StreamEvent, TextRequest, TextResponse};

fn ask(text: &str) -> TextRequest {
    TextRequest::user(text)
}

fn failure() -> Box<Failure> {
    let mut failure = Failure::new("scripted", "no luck")
        .code(Some("c".to_owned()))
        .status(418);
    failure.retry_after = Some(std::time::Duration::from_millis(1_500));
    failure.retryable = Some(true);
    failure.request_id = Some("req_1".to_owned());
    failure.boxed()
}

fn every_error() -> Vec<Error> {
    vec![
        Error::RateLimited(failure()),
        Error::QuotaExhausted(failure()),
        Error::Unauthenticated(failure()),
        Error::ModelNotFound(failure()),
        Error::Rejected(failure()),
        Error::Refused(failure()),
        Error::Truncated(failure()),
        Error::Incomplete(failure()),
        Error::Unavailable(failure()),
        Error::Timeout(failure()),
        Error::Malformed(failure()),
        Error::InvalidObject {
            failure: failure(),
            errors: vec!["/a: missing".to_owned()],
        },
        Error::Unsupported(failure()),
        Error::Config(failure()),
    ]
}

#[tokio::test]
async fn every_end_is_told_again() {
    let script = every_error().into_iter().fold(Scripted::new(), Scripted::error);
    let model = script.reply("Hello.").refuse("no").record();
    let mut ends = Vec::new();
    for _ in 0..every_error().len() {
        ends.push(model.generate(&ask("fail")).await.unwrap_err());
    }
    let whole = model.generate(&ask("whole")).await.unwrap();
    model.generate(&ask("refuse")).await.unwrap();

    let lines = model.tape().to_json_lines().unwrap();
    let tape = Tape::from_json_lines(&lines).unwrap();
    assert_eq!(
        tape.to_json_lines().unwrap(),
        lines,
        "what was read is written the same"
    );
    let replay = Replay::new(tape);
    for end in ends {
        let again = replay.generate(&ask("fail")).await.unwrap_err();
        assert_eq!(again.to_string(), end.to_string());
        assert_eq!(again.condition(), end.condition());
        assert_eq!((again.retry_after(), again.is_retryable()), (end.retry_after(), true));
        assert_eq!(again.attempts().len(), 1);
    }
    assert_eq!(replay.generate(&ask("whole")).await.unwrap(), whole);
    assert!(replay.generate(&ask("refuse")).await.unwrap().is_refused());
    assert_eq!(replay.left(), 0);
    assert!(!lines.contains("req_1") && !lines.contains("latency\":{"), "{lines}");
}

#[tokio::test]
async fn streams_are_told_piece_by_piece_and_break_where_they_broke() {
    let model = Scripted::new()
        .pieces(["Hel", "lo."])
        .cut(["a", "b"])
        .reply("whole")
        .record();
    for text in ["good", "bad"] {
        let _: Vec<_> = model.stream(&ask(text)).await.unwrap().collect().await;
    }
    model.generate(&ask("whole")).await.unwrap();
    let replay = Replay::new(model.tape().clone());
    let events: Vec<_> = replay.stream(&ask("good")).await.unwrap().collect().await;
    assert!(
        matches!(&events[1], Ok(StreamEvent::Text(text)) if text == "lo."),
        "{events:?}"
    );
    assert!(matches!(&events[2], Ok(StreamEvent::Done(done)) if done.text == "Hello." && done.attempts.len() == 1));
    let events: Vec<_> = replay.stream(&ask("bad")).await.unwrap().collect().await;
    assert!(matches!(&events[2], Err(Error::Incomplete(_))), "{events:?}");
    assert_eq!(events.len(), 3);
    let whole = replay.stream(&ask("whole")).await.unwrap();
    assert_eq!(whole.response().await.unwrap().text, "whole");
}

#[tokio::test]
async fn what_changes_each_time_is_not_on_the_tape() {
    let mut answer = TextResponse::new("scripted", "scripted", "Hello.");
    answer.request_id = Some("req_1".to_owned());
    answer.limits.requests.limit = Some(60);
    let took = Some(std::time::Duration::from_millis(7));
    answer.attempts = vec![crate::Attempt::new("scripted", "scripted", took)];
    let model = Scripted::new().response(answer).record();
    let given = model.generate(&ask("whole")).await.unwrap();
    assert_eq!(
        (given.request_id.as_deref(), given.limits.requests.limit),
        (Some("req_1"), Some(60))
    );
    assert_eq!(given.attempts[0].latency, took);

    let told = Replay::new(model.tape().clone()).generate(&ask("whole")).await.unwrap();
    assert_eq!((told.request_id, told.limits), (None, crate::Limits::default()));
    assert_eq!(told.attempts[0].latency, None);
}

#[tokio::test]
async fn a_stream_that_never_began_is_told_again() {
    let model = NoStream.record();
    let error = model.stream(&ask("begin")).await.map(drop).unwrap_err();
    let told = Replay::new(model.tape().clone()).stream(&ask("begin")).await;
    let told = told.unwrap().response().await.unwrap_err();
    assert_eq!(
        (told.condition(), told.to_string()),
        (error.condition(), error.to_string())
    );
}

/// Refuses before its stream begins.
#[derive(Debug)]
struct NoStream;

#[async_trait::async_trait]
impl LanguageModel for NoStream {
    fn provider(&self) -> &str {
        "scripted"
    }

    fn model(&self) -> &str {
        "scripted"
    }

    fn capabilities(&self) -> Capabilities {
        LanguageModel::capabilities(&Scripted::new())
    }

    async fn generate(&self, _: &TextRequest) -> Result<TextResponse> {
        Err(Error::Unavailable(failure()))
    }

    async fn stream(&self, _: &TextRequest) -> Result<crate::TextStream> {
        Err(Error::Unavailable(failure()))
    }
}

#[tokio::test]
async fn what_was_not_recorded_is_refused_with_the_nearest_difference() {
    let model = Scripted::new().reply("1").reply("2").reply("3").record();
    model
        .generate(&ask("Write about Rome.").system("Be brief."))
        .await
        .unwrap();
    model.generate(&ask("Something else.")).await.unwrap();
    let replay = Replay::new(model.tape().clone());
    let near = ask("Write about Roma.")
        .system("Be brief.")
        .timeout(std::time::Duration::from_secs(1));
    let error = replay.generate(&near).await.unwrap_err();
    assert!(
        matches!(error, Error::Config(_)) && error.attempts().len() == 1,
        "{error:?}"
    );
    let message = error.to_string();
    assert!(
        message.contains("/messages/0/parts/0/text") && message.contains("Rome") && message.contains("Roma"),
        "{message}"
    );
    replay
        .generate(&ask("Something else.").metadata("site", "a"))
        .await
        .unwrap();
    let error = replay.stream(&ask("Something else.")).await.unwrap_err();
    assert!(error.to_string().contains("recorded 1 times"), "{error}");
    assert_eq!(replay.left(), 1);
}

#[tokio::test]
async fn secrets_stay_off_the_tape_and_requests_with_them_are_found() {
    let script = Scripted::new()
        .reply("Your key is sk-proj-abcdefghijkl, or AIzaSyNotReal0123456789abcdef.")
        .error(Error::Rejected(
            Failure::new("scripted", "hunter2 is no password").boxed(),
        ));
    let model = script.record().hide("hunter2");
    let secret = ask("My password is hunter2,\n  my header is Bearer abc.def").system("sk-ant-0123456789");
    model.generate(&secret).await.unwrap();
    model.generate(&secret).await.unwrap_err();
    let lines = model.tape().to_json_lines().unwrap();
    for hidden in ["hunter2", "abc.def", "sk-", "AIza"] {
        assert!(!lines.contains(hidden), "{hidden}: {lines}");
    }
    assert!(
        lines.contains("is [redacted],\\n  my header"),
        "white space stays: {lines}"
    );
    assert_eq!(format!("{:?}", model.tape()), "Tape(2 calls)");

    let tape = Tape::from_json_lines(&lines).unwrap();
    Replay::new(tape.clone()).generate(&secret).await.unwrap_err();
    let answer = Replay::new(tape).hide("hunter2").generate(&secret).await.unwrap();
    assert!(answer.text.starts_with("Your key is [redacted]"), "{}", answer.text);
}

#[test]
fn a_broken_tape_names_its_line() {
    let head = Scripted::new().record().tape().to_json_lines().unwrap();
    for (text, line) in [
        (String::new(), "line 1 "),
        ("{}".to_owned(), "line 1 "),
        (head.replace("\"version\":1", "\"version\":2"), "version 2"),
        (format!("{head}\n{{\"request\":{{}}}}"), "line 3 "),
        (format!("{head}half"), "line 2 "),
    ] {
        let error = Tape::from_json_lines(&text).unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(line),
            "{error}"
        );
    }
    assert!(Tape::from_json_lines(&head).unwrap().is_empty());
}
