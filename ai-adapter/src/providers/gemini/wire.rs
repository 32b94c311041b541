//! The request, as `generateContent` takes it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::DIALECT;
use super::builder::Options;
use crate::{Message, Part as Piece, ReasoningEffort, Role, SchemaDialect, TextRequest, ToolChoice, compile_schema};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request<'a> {
    contents: Vec<Content<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Config::is_empty")]
    generation_config: Config<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Tools<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    safety_settings: Vec<Safety<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached_content: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Content<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    role: &'static str,
    parts: Vec<Part<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Text {
        #[serde(serialize_with = "crate::http::words")]
        text: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Call {
        function_call: Call<'a>,
    },
    #[serde(rename_all = "camelCase")]
    Response {
        function_response: Response<'a>,
    },
    Verbatim(&'a Value),
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    args: Object<'a>,
}

#[derive(Debug, Serialize)]
struct Response<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    response: Object<'a>,
}

/// JSON that is an object, or text made one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Object<'a> {
    Raw(&'a RawValue),
    Result { result: &'a str },
    Empty {},
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<Thinking>,
}

impl Config<'_> {
    fn is_empty(&self) -> bool {
        *self == Config::default()
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Thinking {
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    include_thoughts: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tools<'a> {
    function_declarations: Vec<Declaration<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'a> {
    name: &'a str,
    description: &'a str,
    parameters_json_schema: &'a Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'a> {
    function_calling_config: Calling<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Calling<'a> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'a str; 1]>,
}

#[derive(Debug, Serialize)]
struct Safety<'a> {
    category: &'a str,
    threshold: &'a str,
}

impl<'a> Request<'a> {
    /// Renders `request`; what the API cannot say in full goes into `warnings`.
    pub(super) fn new(model: &str, options: &'a Options, request: &'a TextRequest, warnings: &mut Vec<String>) -> Self {
        let declarations = request.tools.iter().map(|tool| Declaration {
            name: &tool.name,
            description: &tool.description,
            parameters_json_schema: &tool.parameters,
        });
        let has_tools = !request.tools.is_empty();
        let system = request.system.as_deref().map(|text| Content {
            role: "",
            parts: vec![Part::Text { text }],
        });
        let safety = options.safety.iter();
        Self {
            contents: contents(&request.messages),
            system_instruction: system,
            generation_config: config(model, options, request, warnings),
            tools: has_tools.then(|| {
                [Tools {
                    function_declarations: declarations.collect(),
                }]
            }),
            tool_config: calling(&request.tool_choice)
                .filter(|_| has_tools)
                .map(|calling| ToolConfig {
                    function_calling_config: calling,
                }),
            safety_settings: safety
                .map(|(category, threshold)| Safety { category, threshold })
                .collect(),
            cached_content: options.cached_content.as_deref(),
        }
    }
}

fn calling(choice: &ToolChoice) -> Option<Calling<'_>> {
    let (mode, name) = match choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => ("NONE", None),
        ToolChoice::Required => ("ANY", None),
        ToolChoice::Named(name) => ("ANY", Some([name.as_str()])),
    };
    Some(Calling {
        mode,
        allowed_function_names: name,
    })
}

fn config<'a>(model: &str, options: &Options, request: &'a TextRequest, warnings: &mut Vec<String>) -> Config<'a> {
    let schema = request.schema.as_ref().map(|wanted| {
        let compiled = compile_schema(&wanted.schema, SchemaDialect::Gemini);
        if let Some(loss) = compiled.unenforceable() {
            warnings.push(format!(
                "schema `{}` was sent as it is and may not be enforced: {loss}",
                wanted.name
            ));
        }
        compiled.schema.map_or(Cow::Borrowed(&wanted.schema), Cow::Owned)
    });
    let mut thinking = request
        .reasoning_effort
        .map(|effort| thinking(model, effort, warnings))
        .unwrap_or_default();
    thinking.include_thoughts = options.include_thoughts;
    Config {
        temperature: request.temperature,
        top_p: request.top_p,
        max_output_tokens: request.max_output_tokens,
        stop_sequences: &request.stop,
        response_mime_type: (schema.is_some() || request.json_mode).then_some("application/json"),
        response_json_schema: schema,
        thinking_config: Some(thinking).filter(|thinking| *thinking != Thinking::default()),
    }
}

/// Gemini 2.5 counts tokens, by [Google's own table](https://ai.google.dev/gemini-api/docs/openai#thinking); later models take a level.
fn thinking(model: &str, effort: ReasoningEffort, warnings: &mut Vec<String>) -> Thinking {
    let mut thinking = Thinking::default();
    if model.contains("gemini-2") {
        thinking.thinking_budget = Some(match effort {
            ReasoningEffort::None => 0,
            ReasoningEffort::Minimal | ReasoningEffort::Low => 1024,
            ReasoningEffort::Medium => 8192,
            ReasoningEffort::High | ReasoningEffort::XHigh | ReasoningEffort::Max => 24_576,
        });
        return thinking;
    }
    let level = match effort {
        ReasoningEffort::None | ReasoningEffort::Minimal => "minimal",
        ReasoningEffort::Low => "low",
        ReasoningEffort::Medium => "medium",
        ReasoningEffort::High | ReasoningEffort::XHigh | ReasoningEffort::Max => "high",
    };
    if level != effort.as_str() {
        warnings.push(format!(
            "reasoning effort `{}` was sent as `{level}`, the nearest there is",
            effort.as_str()
        ));
    }
    thinking.thinking_level = Some(level);
    thinking
}

/// The conversation in turns that alternate; tool results belong to the user's turn.
fn contents(messages: &[Message]) -> Vec<Content<'_>> {
    let mut contents: Vec<Content<'_>> = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        let role = match message.role {
            Role::User | Role::Tool => "user",
            Role::Assistant => "model",
        };
        if contents.last().is_none_or(|content| content.role != role) {
            contents.push(Content {
                role,
                parts: Vec::with_capacity(message.parts.len()),
            });
        }
        let Some(content) = contents.last_mut() else { continue };
        if let Some(Value::Array(parts)) = message.verbatim(DIALECT) {
            content.parts.extend(parts.iter().map(Part::Verbatim));
            continue;
        }
        for part in &message.parts {
            match part {
                Piece::Text(text) => content.parts.push(Part::Text { text }),
                Piece::ToolCall(call) => content.parts.push(Part::Call {
                    function_call: Call {
                        id: real_id(&call.id),
                        name: &call.name,
                        args: object(&call.arguments).unwrap_or(Object::Empty {}),
                    },
                }),
                Piece::ToolResult {
                    call_id,
                    content: result,
                } => content.parts.push(Part::Response {
                    function_response: Response {
                        id: real_id(call_id),
                        name: called(&messages[..at], call_id),
                        response: object(result).unwrap_or(Object::Result { result }),
                    },
                }),
                Piece::Verbatim(_) => {}
            }
        }
    }
    contents
}

/// Ids made up here mean nothing there.
fn real_id(id: &str) -> Option<&str> {
    let made_up = id
        .strip_prefix("call_")
        .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    (!made_up).then_some(id)
}

/// The name of the tool a result answers: the last call of that id before it.
fn called<'a>(before: &'a [Message], id: &'a str) -> &'a str {
    let calls = before.iter().rev().flat_map(|message| &message.parts);
    let mut names = calls.filter_map(|part| match part {
        Piece::ToolCall(call) if call.id == id => Some(call.name.as_str()),
        _ => None,
    });
    names.next().unwrap_or(id)
}

fn object(text: &str) -> Option<Object<'_>> {
    let raw = serde_json::from_str::<&RawValue>(text.trim()).ok()?;
    raw.get().starts_with('{').then_some(Object::Raw(raw))
}
