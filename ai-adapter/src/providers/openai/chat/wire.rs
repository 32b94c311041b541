//! The request, as Chat Completions takes it.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::dialect_of;
use crate::http::words;
use crate::providers::openai::{Dialect, ReasoningForm, SchemaForm};
use crate::{Message, Part, Role, TextRequest, ToolChoice};
use crate::{SchemaDialect, compile_schema};

#[derive(Debug, Serialize)]
pub(in crate::providers) struct ChatRequest<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Routing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Turn<'a> {
    Rendered(WireMessage<'a>),
    Verbatim(&'a Value),
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Named(NamedTool<'a>),
}

#[derive(Debug, Serialize)]
struct Reasoning {
    effort: &'static str,
}

/// Keeps OpenRouter from choosing a backend that ignores the schema.
#[derive(Debug, Serialize)]
struct Routing {
    require_parameters: bool,
}

#[derive(Debug, Serialize)]
struct WireMessage<'a> {
    role: &'static str,
    /// Left out, never null: Workers AI refuses a null.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "words_if_any")]
    content: Option<std::borrow::Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

fn words_if_any<T: AsRef<str>, S: Serializer>(text: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    words(&text.as_ref().map_or("", AsRef::as_ref), serializer)
}

#[derive(Debug, Serialize)]
struct WireCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: CalledFunction<'a>,
}

#[derive(Debug, Serialize)]
struct CalledFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonObject {
        #[serde(skip_serializing_if = "Option::is_none")]
        schema: Option<std::borrow::Cow<'a, Value>>,
    },
    JsonSchema {
        json_schema: JsonSchema<'a>,
    },
}

#[derive(Debug, Serialize)]
struct JsonSchema<'a> {
    name: &'a str,
    schema: std::borrow::Cow<'a, Value>,
    strict: bool,
}

#[derive(Debug, Serialize)]
struct WireTool<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Debug, Serialize)]
struct NamedTool<'a> {
    r#type: &'static str,
    function: ToolName<'a>,
}

#[derive(Debug, Serialize)]
struct ToolName<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> ChatRequest<'a> {
    /// Renders `request`; what the dialect cannot say in full goes into `warnings`.
    pub(in crate::providers) fn new(
        model: &'a str,
        provider: &str,
        dialect: &Dialect,
        request: &'a TextRequest,
        stream: bool,
        warnings: &mut Vec<String>,
    ) -> Self {
        let (completion, plain) = if dialect.max_completion_tokens {
            (request.max_output_tokens, None)
        } else {
            (None, request.max_output_tokens)
        };
        let system = request
            .system
            .as_deref()
            .map(|text| Turn::Rendered(WireMessage::text("system", text.into())));
        let mut messages = Vec::with_capacity(request.messages.len() + 1);
        messages.extend(system);
        for message in &request.messages {
            turns(message, provider, &mut messages);
        }
        let effort = request.reasoning_effort.map(crate::ReasoningEffort::as_str);
        let must_honour = dialect.require_parameters && (request.schema.is_some() || request.json_mode);
        Self {
            model,
            messages,
            max_completion_tokens: completion,
            max_tokens: plain,
            temperature: request.temperature,
            top_p: request.top_p,
            stop: &request.stop,
            response_format: response_format(request, dialect.schema, warnings),
            tools: request.tools.iter().map(wire_tool).collect(),
            tool_choice: match &request.tool_choice {
                ToolChoice::Auto => None,
                ToolChoice::None => (!request.tools.is_empty()).then_some(Choice::Word("none")),
                ToolChoice::Required => Some(Choice::Word("required")),
                ToolChoice::Named(name) => Some(Choice::Named(NamedTool {
                    r#type: "function",
                    function: ToolName { name },
                })),
            },
            reasoning_effort: effort.filter(|_| dialect.reasoning == ReasoningForm::Effort),
            reasoning: effort
                .filter(|_| dialect.reasoning == ReasoningForm::Object)
                .map(|effort| Reasoning { effort }),
            provider: must_honour.then_some(Routing {
                require_parameters: true,
            }),
            prompt_cache_key: None,
            stream,
            stream_options: (stream && dialect.stream_usage).then_some(StreamOptions { include_usage: true }),
        }
    }
}

impl<'a> ChatRequest<'a> {
    pub(in crate::providers) fn prompt_cache_key(mut self, key: Option<&'a str>) -> Self {
        self.prompt_cache_key = key;
        self
    }
}

fn wire_tool(tool: &crate::Tool) -> WireTool<'_> {
    let function = Function {
        name: &tool.name,
        description: &tool.description,
        parameters: &tool.parameters,
    };
    WireTool {
        r#type: "function",
        function,
    }
}

fn response_format<'a>(
    request: &'a TextRequest,
    form: SchemaForm,
    warnings: &mut Vec<String>,
) -> Option<ResponseFormat<'a>> {
    let Some(wanted) = &request.schema else {
        return request.json_mode.then_some(ResponseFormat::JsonObject { schema: None });
    };
    let compiled = compile_schema(&wanted.schema, SchemaDialect::OpenAi);
    if let Some(loss) = compiled.unenforceable() {
        warnings.push(format!(
            "schema `{}` was sent as it is and may not be enforced: {loss}",
            wanted.name
        ));
    }
    let (strict, schema) = match compiled.schema {
        Some(schema) => (true, std::borrow::Cow::Owned(schema)),
        None => (false, std::borrow::Cow::Borrowed(&wanted.schema)),
    };
    Some(match form {
        SchemaForm::JsonObject => ResponseFormat::JsonObject { schema: Some(schema) },
        SchemaForm::Envelope => ResponseFormat::JsonSchema {
            json_schema: JsonSchema {
                name: &wanted.name,
                strict,
                schema,
            },
        },
    })
}

impl<'a> WireMessage<'a> {
    fn text(role: &'static str, content: std::borrow::Cow<'a, str>) -> Self {
        Self {
            role,
            content: Some(content),
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// One turn, or one per tool result: each goes in a message of its own.
fn turns<'a>(message: &'a Message, provider: &str, out: &mut Vec<Turn<'a>>) {
    let has_verbatim = message.parts.iter().any(|part| matches!(part, Part::Verbatim(_)));
    if has_verbatim && let Some(turn) = message.verbatim(&dialect_of(provider)) {
        out.push(Turn::Verbatim(turn));
        return;
    }
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let at = out.len();
    let mut text: Option<std::borrow::Cow<'_, str>> = None;
    let mut tool_calls = Vec::new();
    for part in &message.parts {
        match part {
            Part::Text(more) => match &mut text {
                Some(text) => text.to_mut().push_str(more),
                None => text = Some(more.into()),
            },
            Part::ToolCall(call) => tool_calls.push(WireCall {
                id: &call.id,
                r#type: "function",
                function: CalledFunction {
                    name: &call.name,
                    arguments: &call.arguments,
                },
            }),
            Part::ToolResult { call_id, content } => out.push(Turn::Rendered(WireMessage {
                tool_call_id: Some(call_id),
                ..WireMessage::text("tool", content.into())
            })),
            Part::Verbatim(_) => {}
        }
    }
    if text.is_some() || !tool_calls.is_empty() || out.len() == at {
        let content = text.or_else(|| tool_calls.is_empty().then_some("".into()));
        let tool_call_id = None;
        let turn = WireMessage {
            role,
            content,
            tool_calls,
            tool_call_id,
        };
        out.insert(at, Turn::Rendered(turn));
    }
}
