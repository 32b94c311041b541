//! Streams in every dialect, and how they break.

use super::*;

#[tokio::test]
async fn streams_end_well_in_every_dialect() {
    let text = |text: &str| format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
    let finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let usage = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n";
    let groq = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"x_groq\":{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}}\n\n";
    for (body, known) in [
        (
            format!(": hi\n\n{}{}{finish}{usage}data: [DONE]\n\n", text("a"), text("b")),
            true,
        ),
        (format!("{}{}{finish}", text("a"), text("b")), false),
        (
            format!("{}{}{groq}data: [DONE]", text("a"), text("b")).replace('\n', "\r\n"),
            true,
        ),
        (format!("{}{}data: [DONE]\n\n", text("a"), text("b")), false),
    ] {
        let events = stream_of(sse(&body)).await;
        assert_eq!(events.len(), 3, "{events:?}");
        let response = done(events);
        assert_eq!(response.text, "ab");
        assert_eq!(response.usage.output_tokens.is_some(), known, "{body}");
        assert_eq!(response.attempts.len(), 1);
    }
    let whole = json!({ "choices": [{ "message": { "content": "ab" }, "finish_reason": "stop" }] });
    let events = stream_of(ResponseTemplate::new(200).set_body_json(whole)).await;
    assert!(matches!(&events[0], Ok(StreamEvent::Text(text)) if text == "ab"));
    assert_eq!(done(events).text, "ab");
}

#[tokio::test]
async fn streamed_calls_and_thoughts_are_put_together() {
    let chunk = |delta: Value| format!("data: {}\n\n", json!({ "choices": [{ "delta": delta }] }));
    let call = |index: usize, id: &str, name: &str, arguments: &str| {
        chunk(
            json!({ "tool_calls": [{ "index": index, "id": id, "function": { "name": name, "arguments": arguments } }] }),
        )
    };
    let body = [
        chunk(json!({ "reasoning_content": "hm" })),
        call(0, "a", "f", ""),
        call(0, "", "", "{\"x\":"),
        call(0, "a", "f", "1}"),
        call(0, "b", "g", "{}"),
        call(1, "c", "h", "[]"),
        "data: [DONE]\n\n".to_owned(),
    ];
    let events = stream_of(sse(&body.concat())).await;
    assert!(matches!(&events[0], Ok(StreamEvent::Reasoning(thought)) if thought == "hm"));
    let want = [
        ToolCall::new("a", "f", "{\"x\":1}"),
        ToolCall::new("b", "g", "{}"),
        ToolCall::new("c", "h", "[]"),
    ];
    assert_eq!(done(events).tool_calls, want);
}

#[tokio::test]
async fn broken_streams_end_in_one_error() {
    let piece = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    for (body, condition) in [
        (
            format!("{piece}data: {{\"error\":{{\"message\":\"m\",\"type\":\"server_error\"}}}}\n\n{piece}"),
            "unavailable",
        ),
        (
            format!("{piece}data: {{\"error\":{{\"message\":\"m\",\"code\":429}}}}\n\n"),
            "rate_limited",
        ),
        (
            format!("{piece}data: {{\"choices\":[{{\"finish_reason\":\"error\"}}]}}\n\n"),
            "unavailable",
        ),
        (format!("{piece}data: {{\"choi\n\n"), "malformed"),
        (piece.to_owned(), "incomplete"),
        (String::new(), "incomplete"),
        ("data: [DONE]\n\n".to_owned(), "malformed"),
    ] {
        let mut events = stream_of(sse(&body)).await;
        let error = events.pop().unwrap().unwrap_err();
        assert_eq!(error.condition(), condition, "{body}");
        assert_eq!(error.attempts().len(), 1);
        let mut text = String::new();
        for event in events {
            if let StreamEvent::Text(piece) = event.unwrap() {
                text.push_str(&piece);
            }
        }
        // What came in one read with the error is passed on, what came behind it is not.
        assert_eq!(text, if body.starts_with(piece) { "a" } else { "" }, "{body}");
    }
}

#[tokio::test]
async fn the_callers_deadline_ends_a_slow_stream() {
    let answer = sse("data: {}\n\n").set_delay(Duration::from_secs(20));
    let (_server, model) = answering(answer).await;
    let error = model
        .stream(&hello().timeout(Duration::from_millis(50)))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    let error = model.generate(&hello().timeout(Duration::ZERO)).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}
