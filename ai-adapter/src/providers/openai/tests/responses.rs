//! The Responses API: requests, replies, and every event.

use super::*;

fn at(uri: &str) -> OpenAi {
    let model = OpenAi::builder("m")
        .api_key(KEY)
        .base_url(uri)
        .dialect(Dialect::openai());
    model.build().unwrap()
}

async fn answering(answer: ResponseTemplate) -> (MockServer, OpenAi) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/responses"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let model = at(&server.uri());
    (server, model)
}

async fn reply_to(body: Value) -> Result<TextResponse> {
    let (_server, model) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    model.generate(&hello()).await
}

fn message(content: Value) -> Value {
    json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content })
}

fn text(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [] })
}

async fn events_of(events: &[Value], request: TextRequest) -> Vec<Result<StreamEvent>> {
    let body: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect();
    let (_server, model) = answering(sse(&body)).await;
    let stream = model.stream(&request).await.unwrap();
    let events = stream.filter(|event| std::future::ready(!matches!(event, Ok(StreamEvent::Ping))));
    events.collect().await
}

#[tokio::test]
async fn the_request_is_exactly_what_the_api_takes() {
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let request = hello()
        .system("Be brief.")
        .message(Message::tool_calls([ToolCall::new("c1", "look_up", "{\"q\":1}")]))
        .message(Message::tool_result("c1", "42"))
        .message(Message::assistant("So."))
        .max_output_tokens(50)
        .temperature(0.5)
        .top_p(0.9)
        .schema(ResponseSchema::new("page", schema))
        .tool(Tool::new("look_up", "Looks up.", json!({ "type": "object" })))
        .tool_choice(ToolChoice::Named("look_up".into()))
        .reasoning_effort(ReasoningEffort::XHigh);
    let body = json!({ "status": "completed", "output": [message(json!([text("x")]))] });
    let (server, model) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    model.generate(&request).await.unwrap();
    let want = json!({
        "model": "m",
        "input": [
            { "role": "user", "content": "Hi" },
            { "type": "function_call", "call_id": "c1", "name": "look_up", "arguments": "{\"q\":1}" },
            { "type": "function_call_output", "call_id": "c1", "output": "42" },
            { "role": "assistant", "content": "So." },
        ],
        "instructions": "Be brief.", "max_output_tokens": 50, "temperature": 0.5, "top_p": 0.9,
        "text": { "format": { "type": "json_schema", "name": "page", "strict": true, "schema": {
            "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"], "additionalProperties": false } } },
        "reasoning": { "effort": "xhigh" },
        "tools": [{ "type": "function", "name": "look_up", "description": "Looks up.", "parameters": { "type": "object" } }],
        "tool_choice": { "type": "function", "name": "look_up" },
        "include": ["reasoning.encrypted_content"],
        "store": false,
    });
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.body_json::<Value>().unwrap(), want);
    assert_eq!(sent.headers["authorization"], format!("Bearer {KEY}").as_str());
}

#[tokio::test]
async fn a_whole_reply_is_read_by_its_items() {
    let body = json!({
        "id": "resp_1", "object": "response", "model": "m-2026", "status": "completed", "error": null,
        "incomplete_details": null,
        "output": [
            { "type": "reasoning", "id": "rs_1", "summary": [] },
            message(json!([text("Hel"), text("lo.")])),
            { "type": "web_search_call", "id": "ws_1", "status": "completed" },
            { "type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{\"x\":1}" },
        ],
        "usage": { "input_tokens": 20, "input_tokens_details": { "cached_tokens": 5, "cache_write_tokens": 2 },
                   "output_tokens": 7, "output_tokens_details": { "reasoning_tokens": 3 }, "total_tokens": 27 },
    });
    let response = reply_to(body).await.unwrap();
    assert_eq!((response.text.as_str(), response.model.as_str()), ("Hello.", "m-2026"));
    assert_eq!(response.tool_calls, [ToolCall::new("c1", "f", "{\"x\":1}")]);
    assert_eq!(response.finish, FinishReason::ToolCalls);
    let usage = Usage {
        input_tokens: Some(20),
        output_tokens: Some(7),
        cached_input_tokens: Some(5),
        cache_write_tokens: Some(2),
        reasoning_tokens: Some(3),
    };
    assert_eq!(response.usage, usage);
}

#[tokio::test]
async fn every_status_has_its_condition() {
    let output = json!([message(json!([text("Half")]))]);
    for (status, details, finish) in [
        ("completed", Value::Null, FinishReason::Stop),
        (
            "incomplete",
            json!({ "reason": "max_output_tokens" }),
            FinishReason::Length,
        ),
        (
            "incomplete",
            json!({ "reason": "content_filter" }),
            FinishReason::ContentFilter,
        ),
        (
            "incomplete",
            json!({ "reason": "steered" }),
            FinishReason::Other("steered".into()),
        ),
        (
            "incomplete",
            json!({ "reason": "max_messages" }),
            FinishReason::Other("max_messages".into()),
        ),
    ] {
        let body = json!({ "status": status, "incomplete_details": details, "output": output });
        assert_eq!(reply_to(body).await.unwrap().finish, finish, "{status} {details}");
    }
    for (code, condition) in [
        ("server_error", "unavailable"),
        ("rate_limit_exceeded", "rate_limited"),
        ("invalid_prompt", "rejected"),
        ("bio_policy", "refused"),
        ("misalignment_policy_violation", "refused"),
        ("image_content_policy_violation", "refused"),
        ("data_residency_mismatch", "rejected"),
        ("vector_store_timeout", "unavailable"),
    ] {
        let body = json!({ "status": "failed", "error": { "code": code, "message": "m" }, "output": [] });
        assert_eq!(reply_to(body).await.unwrap_err().condition(), condition, "{code}");
    }
    for (body, condition) in [
        (json!({ "status": "failed", "output": [] }), "unavailable"),
        (json!({ "status": "queued", "output": [] }), "unavailable"),
        (json!({ "status": "cancelled", "output": [] }), "unavailable"),
        (json!({ "status": "completed", "output": [] }), "malformed"),
        (json!({ "choices": [] }), "malformed"),
    ] {
        assert_eq!(
            reply_to(body.clone()).await.unwrap_err().condition(),
            condition,
            "{body}"
        );
    }
    let refusal = json!({ "type": "refusal", "refusal": "No." });
    let response = reply_to(json!({ "status": "completed", "output": [message(json!([refusal]))] }))
        .await
        .unwrap();
    assert_eq!(
        (response.refusal.as_deref(), response.finish),
        (Some("No."), FinishReason::ContentFilter)
    );
}

#[tokio::test]
async fn every_event_of_a_stream_is_understood_or_passed_over() {
    let call = json!({ "type": "function_call", "id": "fc", "call_id": "c1", "name": "f", "arguments": "" });
    let mut done_call = call.clone();
    done_call["arguments"] = json!("{\"x\":1}");
    let thought = json!({ "type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "gAAA" });
    let mut events = vec![
        json!({ "type": "response.created", "response": { "status": "in_progress" }, "sequence_number": 0 }),
        json!({ "type": "response.queued", "response": { "status": "queued" } }),
        json!({ "type": "response.in_progress", "response": { "status": "in_progress" } }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": { "type": "reasoning" } }),
        json!({ "type": "response.reasoning_summary_part.added", "part": {} }),
        json!({ "type": "response.reasoning_summary_text.delta", "delta": "hm", "obfuscation": "xx" }),
        json!({ "type": "response.reasoning_summary_text.done", "text": "hm" }),
        json!({ "type": "response.reasoning_summary_part.done", "part": {} }),
        json!({ "type": "response.reasoning_text.delta", "delta": "so" }),
        json!({ "type": "response.reasoning_text.done", "text": "so" }),
        json!({ "type": "response.output_item.done", "output_index": 0, "item": thought }),
        json!({ "type": "response.output_item.added", "output_index": 1, "item": { "type": "message" } }),
        json!({ "type": "response.content_part.added", "part": {} }),
        json!({ "type": "response.output_text.delta", "delta": "Hel", "logprobs": [] }),
        json!({ "type": "response.output_text.delta", "delta": "lo." }),
        json!({ "type": "response.output_text.annotation.added", "annotation": {} }),
        json!({ "type": "response.output_text.done", "text": "Hello." }),
        json!({ "type": "response.content_part.done", "part": {} }),
        json!({ "type": "response.output_item.done", "output_index": 1, "item": message(json!([text("Hello.")])) }),
        json!({ "type": "response.output_item.added", "output_index": 2, "item": call }),
        json!({ "type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{\"x\"" }),
        json!({ "type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{\"x\":1}" }),
        json!({ "type": "response.output_item.done", "output_index": 2, "item": done_call }),
        json!({ "type": "response.image_generation_call.in_progress" }),
        json!({ "type": "response.image_generation_call.partial_image", "partial_image_b64": "AA==" }),
        json!({ "type": "response.custom_tool_call_input.delta", "delta": "not for us" }),
        json!({ "type": "response.mcp_call.completed" }),
        json!({ "type": "response.from_the_future", "delta": { "a": 1 } }),
    ];
    let tool = Tool::new("f", "", json!({ "type": "object" }));
    for output in [
        json!(null),
        json!([thought, message(json!([text("Hello.")])), done_call]),
    ] {
        let usage = json!({ "input_tokens": 3, "output_tokens": 4 });
        events.push(json!({ "type": "response.completed",
            "response": { "status": "completed", "model": "m-1", "output": output, "usage": usage } }));
        let seen = events_of(&events, hello().tool(tool.clone())).await;
        let pieces: Vec<String> = seen
            .iter()
            .map(|event| match event.as_ref().unwrap() {
                StreamEvent::Text(text) => format!("t:{text}"),
                StreamEvent::Reasoning(text) => format!("r:{text}"),
                StreamEvent::ToolCall { index, name, arguments } => format!("c{index}:{name}:{arguments}"),
                _ => "done".to_owned(),
            })
            .collect();
        assert_eq!(
            pieces,
            ["r:hm", "r:so", "t:Hel", "t:lo.", "c0:f:", "c0::{\"x\"", "done"]
        );
        let response = done(seen);
        assert_eq!((response.text.as_str(), response.model.as_str()), ("Hello.", "m-1"));
        assert_eq!(response.tool_calls, [ToolCall::new("c1", "f", "{\"x\":1}")]);
        assert_eq!(response.usage.output_tokens, Some(4));
        let back = response.message();
        let items = back.verbatim("openai-responses").unwrap();
        assert_eq!((&items[0], items.as_array().unwrap().len()), (&thought, 3));
        events.pop();
    }
}

#[tokio::test]
async fn terminal_events_and_errors_end_a_stream() {
    let piece = json!({ "type": "response.output_text.delta", "delta": "a" });
    for (last, condition) in [
        (
            json!({ "type": "error", "code": "server_error", "message": "m", "param": null }),
            "unavailable",
        ),
        (
            json!({ "type": "error", "code": "rate_limit_exceeded", "message": "m" }),
            "rate_limited",
        ),
        (
            json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "m" } }),
            "rejected",
        ),
        (
            json!({ "type": "response.failed", "response": { "status": "failed", "error": { "code": "server_error", "message": "m" } } }),
            "unavailable",
        ),
        (json!({ "type": "response.completed" }), "malformed"),
    ] {
        let mut events = events_of(&[piece.clone(), last.clone(), piece.clone()], hello()).await;
        assert_eq!(events.pop().unwrap().unwrap_err().condition(), condition, "{last}");
        assert!(events.iter().all(Result::is_ok), "{events:?}");
    }
    let mut cut = events_of(std::slice::from_ref(&piece), hello()).await;
    assert_eq!(cut.pop().unwrap().unwrap_err().condition(), "incomplete");
    let refusal = json!({ "type": "response.refusal.delta", "delta": "No." });
    let end = json!({ "type": "response.completed", "response": { "status": "completed" } });
    // It repeats what the deltas said.
    let repeated = json!({ "type": "response.refusal.done", "refusal": "No." });
    let response = done(events_of(&[refusal, repeated, end], hello()).await);
    assert_eq!(response.refusal.as_deref(), Some("No."));
    let end = json!({ "type": "response.incomplete",
                      "response": { "status": "incomplete", "incomplete_details": { "reason": "max_output_tokens" } } });
    assert_eq!(
        done(events_of(&[piece, end], hello()).await).finish,
        FinishReason::Length
    );
}
