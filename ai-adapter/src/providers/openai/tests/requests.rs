//! What is sent, and what is refused before.

use super::*;

#[tokio::test]
async fn the_request_is_exactly_what_the_api_takes() {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": "string", "maxLength": 5 }, "b": { "type": "integer", "format": "int32" } },
        "required": ["a"],
    });
    let request = TextRequest::user("Hi")
        .system("Be brief.")
        .message(Message::tool_calls([ToolCall::new("c1", "look_up", "{\"q\":1}")]))
        .message(Message::tool_result("c1", "42"))
        .max_output_tokens(50)
        .temperature(0.7)
        .top_p(0.9)
        .stop("END")
        .schema(ResponseSchema::new("page", schema))
        .tool(Tool::new("look_up", "Looks up.", json!({ "type": "object" })))
        .tool_choice(ToolChoice::Named("look_up".into()))
        .reasoning_effort(ReasoningEffort::Low)
        .metadata("site", "x");
    let want = json!({
        "model": "m",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Hi" },
            { "role": "assistant", "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "look_up", "arguments": "{\"q\":1}" } }] },
            { "role": "tool", "content": "42", "tool_call_id": "c1" },
        ],
        "max_completion_tokens": 50, "temperature": 0.7, "top_p": 0.9, "stop": ["END"],
        "response_format": { "type": "json_schema", "json_schema": { "name": "page", "strict": true, "schema": {
            "type": "object",
            "properties": {
                "a": { "type": "string", "description": "(maxLength 5)" },
                "b": { "anyOf": [{ "type": "integer" }, { "type": "null" }] },
            },
            "required": ["a", "b"], "additionalProperties": false,
        } } },
        "tools": [{ "type": "function", "function":
            { "name": "look_up", "description": "Looks up.", "parameters": { "type": "object" } } }],
        "tool_choice": { "type": "function", "function": { "name": "look_up" } },
        "reasoning_effort": "low",
    });
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "choices": [{ "message": { "content": "x" } }] }));
    Mock::given(method("POST"))
        .and(path("/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    model_at(&server.uri()).generate(&request).await.unwrap();
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(sent.body_json::<Value>().unwrap(), want);
    assert_eq!(sent.headers["authorization"], format!("Bearer {KEY}").as_str());
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent_and_the_dialect_names_the_limit() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(json!({ "choices": [{ "message": { "content": "x" } }] }));
    let want = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }], "max_tokens": 5 });
    Mock::given(body_json(want)).respond_with(answer).mount(&server).await;
    let model = OpenAi::builder("m")
        .base_url(server.uri())
        .name("ollama")
        .build()
        .unwrap();
    let response = model.generate(&hello().max_output_tokens(5)).await.unwrap();
    assert_eq!((response.provider.as_str(), response.model.as_str()), ("ollama", "m"));
    assert!(
        !server.received_requests().await.unwrap()[0]
            .headers
            .contains_key("authorization")
    );
}

#[tokio::test]
async fn no_key_in_anything_printable() {
    let echo =
        json!({ "error": { "message": format!("Incorrect API key provided: {KEY}. Bearer {KEY}"), "code": KEY } });
    let (_server, model) = answering(ResponseTemplate::new(401).set_body_json(echo)).await;
    let error = model.generate(&hello()).await.unwrap_err();
    let builder = OpenAi::builder("m").api_key(KEY);
    let unusable = OpenAi::builder("m")
        .api_key(format!("{KEY}\u{7f}\n1"))
        .build()
        .unwrap_err();
    let in_url = OpenAi::builder("m")
        .base_url(format!("https://user:{KEY}@h/v1"))
        .build()
        .unwrap_err();
    let printed = format!(
        "{model:?} {builder:?} {error} {error:?} {:?} {unusable:?} {in_url:?}",
        error.attempts()
    );
    assert!(!printed.contains("abcdefgh"), "{printed}");
    assert!(printed.contains("ApiKey(..)"));
}

#[test]
fn build_checks_everything() {
    let with_key = || OpenAi::builder("m").api_key("k");
    for (builder, reason) in [
        (OpenAi::builder(" ").api_key("k"), "model id is empty"),
        (OpenAi::builder("m"), "needs an API key"),
        (OpenAi::builder("m").api_key(" "), "API key is empty"),
        (with_key().name(""), "name is empty"),
        (with_key().timeout(Duration::ZERO), "timeout is zero"),
        (with_key().base_url("localhost:11434/v1"), "neither http nor https"),
        (with_key().base_url("/v1"), "is not a URL"),
        (with_key().base_url("https://h/v1?key=1"), "query"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(
            matches!(error, Error::Config(_)) && error.to_string().contains(reason),
            "{error}"
        );
    }
    let local = OpenAi::builder("m")
        .base_url("http://localhost:11434/v1/")
        .build()
        .unwrap();
    assert_eq!(local.endpoint.0.as_str(), "http://localhost:11434/v1/chat/completions");
    assert_eq!(local.server.peer.host, "localhost:11434");
    assert_eq!(local.dialect, Dialect::compatible());
    assert_eq!(with_key().build().unwrap().dialect, Dialect::openai());
}

#[test]
fn azure_wants_a_key_or_a_token_and_a_gateway_neither() {
    let azure = |url: &str| OpenAi::builder("m").preset(Preset::AZURE).base_url(url);
    let url = "https://me.openai.azure.com/openai/v1";
    let error = azure(url).build().unwrap_err();
    assert!(
        error.to_string().contains("me.openai.azure.com needs an API key"),
        "{error}"
    );
    azure(url).api_key("0123456789").build().unwrap();
    azure(url)
        .header("Authorization", "Bearer token-of-entra")
        .build()
        .unwrap();
    azure("https://gateway.example/openai/v1").build().unwrap();
}

#[tokio::test]
async fn presets_are_data_and_speak_their_dialect() {
    for preset in Preset::ALL {
        assert_eq!(Preset::named(preset.name), Some(&preset));
        let built = OpenAi::builder("m").preset(preset).build();
        match preset.key_needed_by {
            _ if preset.base_url.is_none() => assert!(built.unwrap_err().to_string().contains("base URL")),
            Some(host) => assert!(built.unwrap_err().to_string().contains(host)),
            None => assert_eq!(built.unwrap().provider(), preset.name),
        }
    }
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] });
    let request = hello()
        .max_output_tokens(5)
        .schema(ResponseSchema::new("page", schema.clone()));
    let strict = json!({ "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"],
                         "additionalProperties": false });
    let envelope =
        json!({ "type": "json_schema", "json_schema": { "name": "page", "schema": strict, "strict": true } });
    let messages = json!([{ "role": "user", "content": "Hi" }]);
    let answer = json!({ "choices": [{ "message": { "content": "x" }, "finish_reason": "stop" }] });
    for (preset, header, extra) in [
        (
            Preset::OLLAMA,
            "authorization",
            json!({ "max_tokens": 5, "response_format": envelope }),
        ),
        (
            Preset::LLAMA_CPP,
            "authorization",
            json!({ "max_tokens": 5, "response_format": { "type": "json_object", "schema": strict } }),
        ),
        (
            Preset::OPENROUTER,
            "authorization",
            json!({ "max_tokens": 5, "response_format": envelope, "provider": { "require_parameters": true } }),
        ),
        (
            Preset::GROQ,
            "authorization",
            json!({ "max_completion_tokens": 5, "response_format": envelope }),
        ),
        (
            Preset::MISTRAL,
            "authorization",
            json!({ "max_tokens": 5, "response_format": envelope }),
        ),
    ] {
        let server = MockServer::start().await;
        let mut want = json!({ "model": "m", "messages": messages });
        want.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        Mock::given(body_json(want))
            .and(path("/chat/completions"))
            .respond_with(ResponseTemplate::new(200).set_body_json(&answer))
            .mount(&server)
            .await;
        let model = OpenAi::builder("m").preset(preset).base_url(server.uri()).api_key(KEY);
        model.build().unwrap().generate(&request).await.unwrap();
        assert!(
            server.received_requests().await.unwrap()[0]
                .headers
                .contains_key(header)
        );
    }
    let server = MockServer::start().await;
    let answer = json!({ "status": "completed", "output": [{ "type": "message", "content": [{ "type": "output_text", "text": "x" }] }] });
    Mock::given(path("/openai/v1/responses"))
        .and(wiremock::matchers::header("api-key", KEY))
        .respond_with(ResponseTemplate::new(200).set_body_json(&answer))
        .mount(&server)
        .await;
    let azure = OpenAi::builder("m").preset(Preset::AZURE).api_key(KEY);
    let azure = azure.base_url(format!("{}/openai/v1/", server.uri())).build().unwrap();
    assert_eq!(azure.generate(&hello()).await.unwrap().provider, "azure");
    let sent = &server.received_requests().await.unwrap()[0];
    assert!(!sent.headers.contains_key("authorization"));
}

#[tokio::test]
async fn thoughts_go_back_to_the_server_they_came_from() {
    let call = json!({ "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let message = json!({ "content": "", "reasoning_content": "hm", "tool_calls": [call] });
    let body = json!({ "choices": [{ "message": message, "finish_reason": "tool_calls" }] });
    let (server, model) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let request = hello().tool(Tool::new("f", "", json!({ "type": "object" })));
    let response = model.generate(&request).await.unwrap();
    let next = request
        .message(response.message())
        .message(Message::tool_result("c1", "1"));
    model.generate(&next).await.unwrap();
    let sent: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
    let turn = json!({ "role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [call] });
    assert_eq!(sent["messages"][1], turn);
    let elsewhere = OpenAi::builder("m")
        .base_url(server.uri())
        .name("other")
        .build()
        .unwrap();
    elsewhere.generate(&next).await.unwrap();
    let sent: Value = server.received_requests().await.unwrap()[2].body_json().unwrap();
    assert_eq!(
        sent["messages"][1],
        json!({ "role": "assistant", "tool_calls": [call] })
    );
}

#[tokio::test]
async fn a_typed_answer_comes_back_through_the_strict_dialect() {
    #[derive(Debug, serde::Deserialize, schemars::JsonSchema, PartialEq)]
    struct Note {
        text: String,
        tag: Option<String>,
    }
    let content = json!({ "text": "hi", "tag": null }).to_string();
    let body = json!({ "choices": [{ "message": { "content": content }, "finish_reason": "stop" }] });
    let (server, model) = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let object = model.generate_object::<Note>(&hello()).await.unwrap();
    assert_eq!(
        object.value,
        Note {
            text: "hi".into(),
            tag: None
        }
    );
    let sent: Value = server.received_requests().await.unwrap()[0].body_json().unwrap();
    let schema = &sent["response_format"]["json_schema"];
    assert_eq!((&schema["name"], &schema["strict"]), (&json!("Note"), &json!(true)));
    assert_eq!(schema["schema"]["required"], json!(["tag", "text"]));
}

#[tokio::test]
async fn the_host_is_named_once_and_as_the_caller_wants() {
    let (server, _) = answering(ResponseTemplate::new(200)).await;
    let build = || OpenAi::builder("m").base_url(server.uri());
    let models = [
        build(),
        build().header("Host", "gateway.example"),
        build().client(reqwest::Client::new()),
    ];
    for model in models {
        let _ = model.build().unwrap().generate(&hello()).await;
    }
    let own = server.address().to_string();
    let requests = server.received_requests().await.unwrap();
    let hosts = requests
        .iter()
        .map(|request| request.headers.get_all("host").iter().collect::<Vec<_>>());
    assert_eq!(
        hosts.collect::<Vec<_>>(),
        [[own.as_str()], ["gateway.example"], [own.as_str()]]
    );
}

#[tokio::test]
async fn the_time_limit_of_a_shared_client_does_not_end_a_call() {
    let slow = ResponseTemplate::new(200)
        .set_body_json(json!({"choices":[{"message":{"content":"Hello."}}]}))
        .set_delay(Duration::from_millis(300));
    let (server, _) = answering(slow).await;
    let client = reqwest::Client::builder()
        .timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    let model = OpenAi::builder("m")
        .base_url(server.uri())
        .client(client)
        .build()
        .unwrap();
    assert_eq!(model.generate(&hello()).await.unwrap().text, "Hello.");
}
