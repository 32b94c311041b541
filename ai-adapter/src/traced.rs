//! A span for each call, in OpenTelemetry's words.

use std::task::Poll;

use async_trait::async_trait;
use futures_util::StreamExt;
use serde_json::{Value, json};
use tracing::{Instrument, Span, field::Empty};

use crate::{
    Capabilities, Error, LanguageModel, Message, Part, Result, Role, StreamEvent, TextRequest, TextResponse, TextStream,
};

/// Makes a [`tracing`] span of each call, with the attributes of OpenTelemetry's conventions for generative AI
/// (<https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/>, status "development").
///
/// The span is called `chat` and has `otel.name` = `chat {model}` and `otel.kind` = `client` for the bridge to OpenTelemetry. It
/// carries `gen_ai.operation.name`, `gen_ai.provider.name`, the `gen_ai.request.*` settings that were set, `gen_ai.output.type`,
/// and at the end `gen_ai.response.{id,model,finish_reasons}`, `gen_ai.usage.*` as far as reported, and on failure `error.type`: the
/// [condition](Error::condition). A stream's span lasts until it ended or was dropped.
///
/// What was asked and answered is left out unless [`content`](Self::content) asks for it.
#[derive(Debug, Clone)]
pub struct Traced<M> {
    inner: M,
    has_content: bool,
}

impl<M> Traced<M> {
    /// Wraps a model; content stays out.
    pub fn new(inner: M) -> Self {
        Self {
            inner,
            has_content: false,
        }
    }

    /// Sets whether `gen_ai.system_instructions`, `gen_ai.input.messages` and `gen_ai.output.messages` are recorded. They hold
    /// whole prompts and answers.
    #[must_use]
    pub fn content(mut self, is_recorded: bool) -> Self {
        self.has_content = is_recorded;
        self
    }

    /// The model inside.
    pub fn inner(&self) -> &M {
        &self.inner
    }
}

/// The provider, as the conventions name it.
fn well_known(provider: &str) -> &str {
    match provider {
        "gemini" => "gcp.gemini",
        "azure" => "azure.ai.openai",
        "mistral" => "mistral_ai",
        other => other,
    }
}

impl<M: LanguageModel> Traced<M> {
    fn span(&self, request: &TextRequest) -> Span {
        let model = self.inner.model();
        let is_json = request.schema.is_some() || request.json_mode;
        let span = tracing::info_span!(
            "chat",
            otel.name = format!("chat {model}"),
            otel.kind = "client",
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = well_known(self.inner.provider()),
            gen_ai.request.model = model,
            gen_ai.request.max_tokens = request.max_output_tokens,
            gen_ai.request.temperature = request.temperature,
            gen_ai.request.top_p = request.top_p,
            gen_ai.request.stop_sequences = Empty,
            gen_ai.output.type = if is_json { "json" } else { "text" },
            gen_ai.system_instructions = Empty,
            gen_ai.input.messages = Empty,
            gen_ai.output.messages = Empty,
            gen_ai.response.id = Empty,
            gen_ai.response.model = Empty,
            gen_ai.response.finish_reasons = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            gen_ai.usage.cache_read.input_tokens = Empty,
            gen_ai.usage.cache_creation.input_tokens = Empty,
            error.type = Empty,
        );
        if !request.stop.is_empty() {
            span.record("gen_ai.request.stop_sequences", json!(request.stop).to_string());
        }
        if self.has_content && !span.is_disabled() {
            if let Some(system) = &request.system {
                let parts = json!([{ "type": "text", "content": system }]);
                span.record("gen_ai.system_instructions", parts.to_string());
            }
            let messages: Vec<Value> = request.messages.iter().map(shown).collect();
            span.record("gen_ai.input.messages", Value::Array(messages).to_string());
        }
        span
    }
}

/// A turn in the shape the conventions give it.
fn shown(message: &Message) -> Value {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let parts: Vec<Value> = message
        .parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(json!({ "type": "text", "content": text })),
            Part::ToolCall(call) => Some(json!({
                "type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments,
            })),
            Part::ToolResult { call_id, content } => Some(json!({
                "type": "tool_call_response", "id": call_id, "response": content,
            })),
            // The turn's other parts say the same.
            Part::Verbatim(_) => None,
        })
        .collect();
    json!({ "role": role, "parts": parts })
}

fn answered(span: &Span, response: &TextResponse, has_content: bool) {
    let usage = response.usage;
    span.record("gen_ai.response.id", response.request_id.as_deref());
    span.record("gen_ai.response.model", response.model.as_str());
    let finish = serde_json::to_value(&response.finish).unwrap_or_default();
    let finish = match (&response.finish_raw, finish) {
        (Some(raw), _) => raw.clone(),
        (None, Value::String(word)) => word,
        (None, _) => String::new(),
    };
    span.record("gen_ai.response.finish_reasons", json!([finish]).to_string());
    span.record("gen_ai.usage.input_tokens", usage.input_tokens);
    span.record("gen_ai.usage.output_tokens", usage.output_tokens);
    span.record("gen_ai.usage.cache_read.input_tokens", usage.cached_input_tokens);
    span.record("gen_ai.usage.cache_creation.input_tokens", usage.cache_write_tokens);
    if has_content && !span.is_disabled() {
        let mut message = shown(&response.message());
        message["finish_reason"] = finish.into();
        span.record("gen_ai.output.messages", Value::Array(vec![message]).to_string());
    }
}

fn failed(span: &Span, error: &Error) {
    span.record("error.type", error.condition());
    span.record("gen_ai.response.id", error.failure().request_id.as_deref());
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: LanguageModel> LanguageModel for Traced<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        let span = self.span(request);
        let result = self.inner.generate(request).instrument(span.clone()).await;
        match &result {
            Ok(response) => answered(&span, response, self.has_content),
            Err(error) => failed(&span, error),
        }
        result
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let span = self.span(request);
        let has_content = self.has_content;
        let mut stream = match self.inner.stream(request).instrument(span.clone()).await {
            Ok(stream) => stream,
            Err(error) => {
                failed(&span, &error);
                return Err(error);
            }
        };
        Ok(TextStream::new(futures_util::stream::poll_fn(move |cx| {
            let entered = span.enter();
            let polled = stream.poll_next_unpin(cx);
            drop(entered);
            match &polled {
                Poll::Ready(Some(Ok(StreamEvent::Done(response)))) => answered(&span, response, has_content),
                Poll::Ready(Some(Err(error))) => failed(&span, error),
                _ => {}
            }
            polled
        })))
    }
}
