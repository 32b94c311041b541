use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use presswork_ai_adapter::{LanguageModel, LanguageModelExt, Scripted, TextRequest, TextResponse, ToolCall, Usage};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::down;

type Fields = BTreeMap<String, String>;

/// Remembers what every span was given, and whether it is over.
#[derive(Clone, Default)]
struct Spans {
    ids: Arc<AtomicU64>,
    fields: Arc<Mutex<BTreeMap<u64, Fields>>>,
    open: Arc<AtomicU64>,
}

struct Writer<'a>(&'a mut Fields);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.ids.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fields = Fields::new();
        fields.insert("span".to_owned(), span.metadata().name().to_owned());
        span.record(&mut Writer(&mut fields));
        self.fields.lock().unwrap().insert(id, fields);
        self.open.fetch_add(1, Ordering::SeqCst);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut all = self.fields.lock().unwrap();
        values.record(&mut Writer(all.entry(span.into_u64()).or_default()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, _: Id) -> bool {
        self.open.fetch_sub(1, Ordering::SeqCst);
        true
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.open.fetch_add(1, Ordering::SeqCst);
        id.clone()
    }
}

fn answer() -> TextResponse {
    let mut response = TextResponse::new("gemini", "gemini-x-001", "Secret answer.");
    response.usage = Usage::new(12, 34);
    response.usage.cached_input_tokens = Some(5);
    response.request_id = Some("req_1".to_owned());
    response.tool_calls = vec![ToolCall::new("call_0", "look_up", "{\"word\":\"secret\"}")];
    response
}

fn ask() -> TextRequest {
    TextRequest::user("Secret question.")
        .system("Secret rule.")
        .max_output_tokens(99)
        .temperature(0.5)
        .stop("END")
}

fn get<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).map_or("", String::as_str)
}

#[tokio::test]
async fn a_call_is_a_span_in_opentelemetrys_words_without_content() {
    let spans = Spans::default();
    let guard = tracing::subscriber::set_default(spans.clone());
    let script = Scripted::new()
        .named("gemini", "gemini-x")
        .response(answer())
        .error(down());
    let model = script.traced();
    model.generate(&ask()).await.unwrap();
    model.generate(&ask()).await.unwrap_err();
    drop(guard);
    let all = spans.fields.lock().unwrap();
    let first = &all[&1];
    for (name, value) in [
        ("span", "chat"),
        ("otel.name", "chat gemini-x"),
        ("otel.kind", "client"),
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "gcp.gemini"),
        ("gen_ai.request.model", "gemini-x"),
        ("gen_ai.request.max_tokens", "99"),
        ("gen_ai.request.temperature", "0.5"),
        ("gen_ai.request.stop_sequences", r#"["END"]"#),
        ("gen_ai.output.type", "text"),
        ("gen_ai.response.id", "req_1"),
        ("gen_ai.response.model", "gemini-x-001"),
        ("gen_ai.response.finish_reasons", r#"["stop"]"#),
        ("gen_ai.usage.input_tokens", "12"),
        ("gen_ai.usage.output_tokens", "34"),
        ("gen_ai.usage.cache_read.input_tokens", "5"),
        ("error.type", ""),
        ("gen_ai.usage.cache_creation.input_tokens", ""),
    ] {
        assert_eq!(get(first, name), value, "{name}: {first:?}");
    }
    assert_eq!(get(&all[&2], "error.type"), "unavailable");
    let everything = format!("{all:?}").to_lowercase();
    assert!(!everything.contains("secret"), "{everything}");
}

#[tokio::test]
async fn content_is_there_when_asked_for() {
    let spans = Spans::default();
    let guard = tracing::subscriber::set_default(spans.clone());
    let model = Scripted::new().response(answer()).traced().content(true);
    model.generate(&ask()).await.unwrap();
    drop(guard);
    let all = spans.fields.lock().unwrap();
    let part = |text: &str| json!({ "type": "text", "content": text });
    for (name, value) in [
        ("gen_ai.system_instructions", json!([part("Secret rule.")])),
        (
            "gen_ai.input.messages",
            json!([{ "role": "user", "parts": [part("Secret question.")] }]),
        ),
        (
            "gen_ai.output.messages",
            json!([{ "role": "assistant", "finish_reason": "stop", "parts": [part("Secret answer."), {
                "type": "tool_call", "id": "call_0", "name": "look_up", "arguments": "{\"word\":\"secret\"}",
            }] }]),
        ),
    ] {
        assert_eq!(
            serde_json::from_str::<Value>(get(&all[&1], name)).unwrap(),
            value,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_streams_span_lasts_as_long_as_the_stream() {
    let spans = Spans::default();
    let _guard = tracing::subscriber::set_default(spans.clone());
    let model = Scripted::new().response(answer()).cut(["a"]).traced();
    let mut stream = model.stream(&ask()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    assert!(spans.open.load(Ordering::SeqCst) > 0);
    assert_eq!(get(&spans.fields.lock().unwrap()[&1], "gen_ai.usage.output_tokens"), "");
    while stream.next().await.is_some() {}
    drop(stream);
    assert_eq!(spans.open.load(Ordering::SeqCst), 0);
    assert_eq!(
        get(&spans.fields.lock().unwrap()[&1], "gen_ai.usage.output_tokens"),
        "34"
    );
    model.stream(&ask()).await.unwrap().response().await.unwrap_err();
    assert_eq!(get(&spans.fields.lock().unwrap()[&2], "error.type"), "incomplete");
}
