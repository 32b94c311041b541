//! The request, as the Messages API takes it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::DIALECT;
use super::builder::{Options, PromptCache, Thinking};
use crate::{Message, Part, ReasoningEffort, Role, SchemaDialect, TextRequest, ToolChoice, compile_schema};

#[derive(Debug, Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<[Text<'a>; 1]>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    stop_sequences: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<WireThinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Debug, Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    r#type: &'static str,
    #[serde(serialize_with = "crate::http::words")]
    text: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Block<'a> {
    Text(Text<'a>),
    ToolUse {
        r#type: &'static str,
        id: &'a str,
        name: &'a str,
        input: Input<'a>,
    },
    ToolResult {
        r#type: &'static str,
        tool_use_id: &'a str,
        #[serde(serialize_with = "crate::http::words")]
        content: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<CacheControl>,
    },
    Verbatim(&'a Value),
}

/// The arguments as the model wrote them, unless they are no JSON object.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Input<'a> {
    Raw(&'a RawValue),
    Empty {},
}

#[derive(Debug, Clone, Copy, Serialize)]
struct CacheControl {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    input_schema: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Serialize)]
struct Choice<'a> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct WireThinking {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_tokens: Option<u32>,
}

#[derive(Debug, Serialize)]
struct OutputConfig<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Debug, Serialize)]
struct Format<'a> {
    r#type: &'static str,
    schema: Cow<'a, Value>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    user_id: &'a str,
}

impl<'a> Request<'a> {
    /// Renders `request`; what the API cannot say in full goes into `warnings`.
    pub(super) fn new(
        model: &'a str,
        options: &'a Options,
        request: &'a TextRequest,
        stream: bool,
        warnings: &mut Vec<String>,
    ) -> Self {
        let cache_control = options.cache.map(cache_control);
        let mut messages = turns(&request.messages);
        if let Some(last) = messages.last_mut().and_then(|turn| turn.content.last_mut()) {
            match last {
                Block::Text(text) => text.cache_control = cache_control,
                Block::ToolResult {
                    cache_control: mark, ..
                } => *mark = cache_control,
                Block::ToolUse { .. } | Block::Verbatim(_) => {}
            }
        }
        let mut tools: Vec<_> = request.tools.iter().map(tool).collect();
        // One mark after tools and system covers both: tools come first.
        if let (Some(last), None) = (tools.last_mut(), &request.system) {
            last.cache_control = cache_control;
        }
        Self {
            model,
            max_tokens: request.max_output_tokens.unwrap_or(options.max_output_tokens),
            system: request
                .system
                .as_deref()
                .map(|system| [text(system.into(), cache_control)]),
            messages,
            temperature: request.temperature,
            top_p: request.top_p,
            stop_sequences: &request.stop,
            tool_choice: choice(&request.tool_choice).filter(|_| !tools.is_empty()),
            tools,
            thinking: thinking(request.reasoning_effort, options.thinking),
            output_config: output_config(request, warnings),
            metadata: options.user_id.as_deref().map(|user_id| Metadata { user_id }),
            stream,
        }
    }
}

fn cache_control(cache: PromptCache) -> CacheControl {
    CacheControl {
        r#type: "ephemeral",
        ttl: (cache == PromptCache::OneHour).then_some("1h"),
    }
}

fn text(text: Cow<'_, str>, cache_control: Option<CacheControl>) -> Text<'_> {
    Text {
        r#type: "text",
        text,
        cache_control,
    }
}

fn tool(tool: &crate::Tool) -> Tool<'_> {
    Tool {
        name: &tool.name,
        description: &tool.description,
        input_schema: &tool.parameters,
        cache_control: None,
    }
}

fn choice(choice: &ToolChoice) -> Option<Choice<'_>> {
    let (r#type, name) = match choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => ("none", None),
        ToolChoice::Required => ("any", None),
        ToolChoice::Named(name) => ("tool", Some(name.as_str())),
    };
    Some(Choice { r#type, name })
}

fn thinking(effort: Option<ReasoningEffort>, chosen: Option<Thinking>) -> Option<WireThinking> {
    let disabled = (effort == Some(ReasoningEffort::None)).then_some(Thinking::Disabled);
    let (r#type, budget_tokens) = match disabled.or(chosen)? {
        Thinking::Adaptive => ("adaptive", None),
        Thinking::Budget(tokens) => ("enabled", Some(tokens)),
        Thinking::Disabled => ("disabled", None),
    };
    Some(WireThinking { r#type, budget_tokens })
}

fn output_config<'a>(request: &'a TextRequest, warnings: &mut Vec<String>) -> Option<OutputConfig<'a>> {
    let effort = match request.reasoning_effort {
        None | Some(ReasoningEffort::None) => None,
        // The API's lowest step.
        Some(ReasoningEffort::Minimal) => Some("low"),
        Some(effort) => Some(effort.as_str()),
    };
    let format = request.schema.as_ref().map(|wanted| {
        let compiled = compile_schema(&wanted.schema, SchemaDialect::Anthropic);
        if let Some(loss) = compiled.unenforceable() {
            warnings.push(format!(
                "schema `{}` was sent as it is and may be refused: {loss}",
                wanted.name
            ));
        }
        Format {
            r#type: "json_schema",
            schema: compiled.schema.map_or(Cow::Borrowed(&wanted.schema), Cow::Owned),
        }
    });
    (effort.is_some() || format.is_some()).then_some(OutputConfig { effort, format })
}

/// The conversation in turns that alternate; tool results belong to the user's turn, and go first in it.
fn turns(messages: &[Message]) -> Vec<Turn<'_>> {
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(messages.len());
    for message in messages {
        let role = match message.role {
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        if turns.last().is_none_or(|turn| turn.role != role) {
            turns.push(Turn {
                role,
                content: Vec::with_capacity(message.parts.len()),
            });
        }
        let Some(turn) = turns.last_mut() else { continue };
        if let Some(Value::Array(blocks)) = message.verbatim(DIALECT) {
            turn.content.extend(blocks.iter().map(Block::Verbatim));
            continue;
        }
        for part in &message.parts {
            match part {
                Part::Text(more) => turn.content.push(Block::Text(text(more.into(), None))),
                Part::ToolCall(call) => turn.content.push(Block::ToolUse {
                    r#type: "tool_use",
                    id: &call.id,
                    name: &call.name,
                    input: input(&call.arguments),
                }),
                Part::ToolResult { call_id, content } => {
                    let is_result = |block: &Block<'_>| matches!(block, Block::ToolResult { .. });
                    let at = turn.content.iter().take_while(|block| is_result(block)).count();
                    let result = Block::ToolResult {
                        r#type: "tool_result",
                        tool_use_id: call_id,
                        content,
                        cache_control: None,
                    };
                    turn.content.insert(at, result);
                }
                Part::Verbatim(_) => {}
            }
        }
    }
    turns
}

fn input(arguments: &str) -> Input<'_> {
    match serde_json::from_str::<&RawValue>(arguments.trim()) {
        Ok(raw) if raw.get().starts_with('{') => Input::Raw(raw),
        _ => Input::Empty {},
    }
}
