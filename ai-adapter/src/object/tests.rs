//! Typed output from end to end, on scripted models.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::{LanguageModelExt, RetryPolicy, Scripted, ToolCall, VirtualClock};

mod ways;

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Page {
    #[schemars(length(max = 10))]
    title: String,
    words: u32,
    #[serde(default)]
    note: Option<String>,
}

fn only(set: fn(&mut Capabilities)) -> Capabilities {
    let mut capabilities = Capabilities::none();
    set(&mut capabilities);
    capabilities
}

const GOOD: &str = r#"{"title": "Rome", "words": 3}"#;

fn page() -> Page {
    Page {
        title: "Rome".to_owned(),
        words: 3,
        note: None,
    }
}

fn request() -> TextRequest {
    TextRequest::user("Write.").system("Be brief.")
}

#[tokio::test]
async fn takes_the_strongest_way_the_model_has() {
    let model = Scripted::new().reply(GOOD);
    let object = model.generate_object::<Page>(&request()).await.unwrap();
    assert_eq!((object.value, object.repairs), (page(), 0));
    let sent = &model.requests()[0];
    assert_eq!(sent.schema.as_ref().unwrap(), &ResponseSchema::of::<Page>());
    assert_eq!(sent.schema.as_ref().unwrap().name, "Page");
    assert_eq!(sent.system.as_deref(), Some("Be brief."));

    let forced = only(|can| (can.tools, can.forced_tool) = (true, true));
    let mut response = TextResponse::new("scripted", "scripted", "");
    response.tool_calls = vec![ToolCall::new("c1", "Page", GOOD)];
    let model = Scripted::new().capabilities(forced).response(response);
    assert_eq!(model.generate_object::<Page>(&request()).await.unwrap().value, page());
    let sent = &model.requests()[0];
    assert_eq!(sent.tool_choice, ToolChoice::Named("Page".to_owned()));
    assert_eq!(sent.tools[0].parameters, ResponseSchema::of::<Page>().schema);

    for (capabilities, json_mode) in [(only(|can| can.json_mode = true), true), (Capabilities::none(), false)] {
        let model = Scripted::new()
            .capabilities(capabilities)
            .reply(format!("Sure!\n```json\n{GOOD}\n```"));
        assert_eq!(model.generate_object::<Page>(&request()).await.unwrap().value, page());
        let sent = &model.requests()[0];
        assert_eq!(sent.json_mode, json_mode);
        let system = sent.system.as_deref().unwrap();
        assert!(system.starts_with("Be brief.\n\n") && system.contains("JSON") && system.contains("maxLength"));
    }
}

#[tokio::test]
async fn the_request_may_name_the_schema() {
    let model = Scripted::new().reply(GOOD);
    let named = request().schema(ResponseSchema::named::<Page>("page_v2"));
    model.generate_object::<Page>(&named).await.unwrap();
    assert_eq!(model.requests()[0].schema.as_ref().unwrap().name, "page_v2");
}

#[tokio::test]
async fn errors_go_back_to_the_model_and_everything_is_counted() {
    let mut first = TextResponse::new("scripted", "scripted", r#"{"title": "Rome, the eternal", "words": -1}"#);
    first.usage = Usage::new(10, 5);
    let mut second = TextResponse::new("scripted", "scripted", "Sorry, here it is.");
    second.usage = Usage::new(20, 5);
    let model = Scripted::new().response(first).response(second).reply(GOOD);
    let object = model.generate_object::<Page>(&request()).await.unwrap();
    assert_eq!((object.value, object.repairs), (page(), 2));
    assert_eq!(object.usage, Usage::new(30, 10));
    assert_eq!(object.response.attempts.len(), 3);
    let requests = model.requests();
    let repair = requests[1].messages[2].text();
    assert_eq!(requests[1].messages[1].role, crate::Role::Assistant);
    assert!(repair.contains("/title: ") && repair.contains("/words: "), "{repair}");
    assert!(requests[2].messages[4].text().contains("no JSON object"));
}

#[tokio::test]
async fn a_forced_tool_is_repaired_by_its_result() {
    let call = |id: &str, arguments: &str| {
        let mut response = TextResponse::new("scripted", "scripted", "");
        response.tool_calls = vec![ToolCall::new(id, "Page", arguments)];
        response
    };
    let forced = only(|can| (can.tools, can.forced_tool) = (true, true));
    let model = Scripted::new()
        .capabilities(forced)
        .response(call("c1", "{}"))
        .response(call("c2", GOOD));
    assert_eq!(model.generate_object::<Page>(&request()).await.unwrap().repairs, 1);
    let turns = &model.requests()[1].messages;
    assert_eq!(
        turns[1].parts,
        [crate::Part::ToolCall(ToolCall::new("c1", "Page", "{}"))]
    );
    assert!(
        matches!(&turns[2].parts[0], crate::Part::ToolResult { call_id, content }
        if call_id == "c1" && content.contains("\"title\" is a required property")),
        "{turns:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_repaired_is_a_typed_error_with_its_ledger() {
    let model = Scripted::new()
        .reply("{}")
        .reply("[]")
        .reply(r#"{"title": 1, "words": 1}"#)
        .reply(GOOD);
    let error = model.generate_object::<Page>(&request()).await.unwrap_err();
    assert_eq!(error.attempts().len(), 3);
    assert!(!error.is_retryable());
    match &error {
        Error::InvalidObject { errors, .. } => {
            assert!(errors[0].starts_with("/title: "), "{errors:?}")
        }
        other => panic!("{other:?}"),
    }
    assert!(
        error.to_string().contains("schema `Page` after 2 repairs: /title"),
        "{error}"
    );

    let error = Scripted::new()
        .refuse("No.")
        .generate_object::<Page>(&request())
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Refused(_)) && error.to_string().contains("No."),
        "{error:?}"
    );

    let mut cut = TextResponse::new("scripted", "scripted", r#"{"title": "Ro"#);
    cut.finish = FinishReason::Length;
    let model = Scripted::new().response(cut).reply(GOOD);
    let error = model.generate_object::<Page>(&request()).await.unwrap_err();
    assert!(matches!(error, Error::Truncated(_)), "{error:?}");
    assert_eq!(model.requests().len(), 1);

    let with_tool = request().tool(Tool::new("t", "", json!({ "type": "object" })));
    let error = Scripted::new().generate_object::<Page>(&with_tool).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
    let error = Scripted::new()
        .generate_object::<Vec<Page>>(&request())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

#[tokio::test]
async fn transport_retries_are_no_repairs_and_dyn_models_do_it_too() {
    let down = || Error::Unavailable(Failure::new("scripted", "down").boxed());
    let clock = std::sync::Arc::new(VirtualClock::new(0.5));
    let script = Scripted::new().error(down()).reply("{}").error(down()).reply(GOOD);
    let model: std::sync::Arc<dyn LanguageModel> =
        std::sync::Arc::new(script.retry(RetryPolicy::default().clock(clock)));
    let object = model.generate_object::<Page>(&request()).await.unwrap();
    assert_eq!((object.repairs, object.response.attempts.len()), (1, 4));
    let failed: Vec<_> = object
        .response
        .attempts
        .iter()
        .map(|attempt| attempt.error.is_some())
        .collect();
    assert_eq!(failed, [true, false, true, false]);
}

#[tokio::test]
async fn repairs_share_the_deadline() {
    let model = Scripted::new().reply("{}").reply("{}");
    let slow = request().timeout(Duration::ZERO);
    let error = model.generate_object::<Page>(&slow).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
    assert_eq!((model.requests().len(), error.attempts().len()), (1, 1));
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(tag = "kind")]
enum Block {
    Text { text: String },
    Rule,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Rich {
    /// The parts.
    blocks: Vec<Block>,
    counts: BTreeMap<String, u8>,
    next: Option<Box<Rich>>,
    ratio: Option<f64>,
}

#[test]
fn the_strict_form_is_closed_and_complete() {
    fn walk(schema: &Value) {
        if let Some(object) = schema.as_object() {
            for keyword in [
                "oneOf", "allOf", "default", "minimum", "maximum", "format", "const", "$schema", "title",
            ] {
                assert!(
                    !object.contains_key(keyword) || object.contains_key("properties"),
                    "{keyword} in {schema}"
                );
            }
            if object.get("type") == Some(&json!("object")) {
                assert_eq!(object["additionalProperties"], json!(false), "{schema}");
                let names: Vec<_> = object["properties"].as_object().unwrap().keys().collect();
                assert_eq!(object["required"], json!(names));
            }
            assert!(!object.contains_key("$ref") || object.len() == 1, "{schema}");
            assert!(object.get("type").is_none_or(Value::is_string), "{schema}");
            object.values().for_each(walk);
        }
        schema.as_array().into_iter().flatten().for_each(walk);
    }
    let schema = ResponseSchema::of::<Rich>().schema;
    let strict = crate::compile_schema(&schema, crate::SchemaDialect::OpenAi)
        .schema
        .unwrap();
    walk(&strict);
    assert_eq!(strict["properties"]["counts"]["type"], "array");
    assert!(
        strict["properties"]["next"]["anyOf"]
            .as_array()
            .unwrap()
            .contains(&json!({ "type": "null" }))
    );

    for free in [
        json!({ "type": "object", "properties": { "any": {} }, "required": ["any"] }),
        json!({ "type": "object", "properties": { "t": { "type": "array", "prefixItems": [] } } }),
        json!({ "type": "object", "properties": { "a": { "type": "string" } }, "additionalProperties": true }),
        json!({ "type": "array", "items": { "type": "string" } }),
        json!(true),
    ] {
        assert_eq!(
            crate::compile_schema(&free, crate::SchemaDialect::OpenAi).schema,
            None,
            "{free}"
        );
    }
}

#[tokio::test]
async fn a_strict_answer_is_turned_back() {
    let strict = json!({
        "blocks": [{ "kind": "Text", "text": "x" }, { "kind": "Rule" }],
        "counts": [{ "key": "a", "value": 1 }],
        "next": { "blocks": [], "counts": [], "next": null, "ratio": 0.5 },
        "ratio": null,
    });
    let object = Scripted::new()
        .reply(strict.to_string())
        .generate_object::<Rich>(&request())
        .await
        .unwrap();
    let inner = Rich {
        blocks: vec![],
        counts: BTreeMap::new(),
        next: None,
        ratio: Some(0.5),
    };
    let want = Rich {
        blocks: vec![Block::Text { text: "x".to_owned() }, Block::Rule],
        counts: BTreeMap::from([("a".to_owned(), 1)]),
        next: Some(Box::new(inner)),
        ratio: None,
    };
    assert_eq!(object.value, want);
    assert_eq!(object.repairs, 0);
}
