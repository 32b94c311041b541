//! The request, as the Responses API takes it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::DIALECT;
use crate::{Message, Part, Role, SchemaDialect, TextRequest, ToolChoice, compile_schema};

#[derive(Debug, Serialize)]
pub(in crate::providers) struct Request<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    model: &'a str,
    input: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    /// Thoughts come encrypted, so that they can go back without being stored.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    include: &'static [&'static str],
    /// The API keeps what it is not told to forget, for 30 days or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Message {
        role: &'static str,
        #[serde(serialize_with = "crate::http::words")]
        content: Cow<'a, str>,
    },
    Call {
        r#type: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    Output {
        r#type: &'static str,
        call_id: &'a str,
        output: &'a str,
    },
    Verbatim(&'a Value),
}

#[derive(Debug, Serialize)]
struct Text<'a> {
    format: Format<'a>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema {
        name: &'a str,
        schema: Cow<'a, Value>,
        strict: bool,
    },
}

#[derive(Debug, Serialize)]
struct Reasoning {
    effort: &'static str,
}

#[derive(Debug, Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Named { r#type: &'static str, name: &'a str },
}

impl<'a> Request<'a> {
    /// Renders `request`; what cannot be said in full goes into `warnings`.
    pub(in crate::providers) fn new(
        model: &'a str,
        request: &'a TextRequest,
        stream: bool,
        prompt_cache_key: Option<&'a str>,
        warnings: &mut Vec<String>,
    ) -> Self {
        let mut input = Vec::with_capacity(request.messages.len());
        for message in &request.messages {
            items(message, &mut input);
        }
        let has_tools = !request.tools.is_empty();
        Self {
            model,
            input,
            instructions: request.system.as_deref(),
            max_output_tokens: request.max_output_tokens,
            temperature: request.temperature,
            top_p: request.top_p,
            text: format(request, warnings).map(|format| Text { format }),
            reasoning: request.reasoning_effort.map(|effort| Reasoning {
                effort: effort.as_str(),
            }),
            tools: request.tools.iter().map(tool).collect(),
            tool_choice: match &request.tool_choice {
                ToolChoice::Auto => None,
                ToolChoice::None => has_tools.then_some(Choice::Word("none")),
                ToolChoice::Required => Some(Choice::Word("required")),
                ToolChoice::Named(name) => Some(Choice::Named {
                    r#type: "function",
                    name,
                }),
            },
            include: if has_tools {
                &["reasoning.encrypted_content"]
            } else {
                &[]
            },
            store: Some(false),
            prompt_cache_key,
            stream,
        }
    }

    /// Without what only OpenAI knows: the model is in the path, nothing is stored, thoughts are not encrypted.
    #[cfg(feature = "workers-ai")]
    pub(in crate::providers) fn bare(mut self) -> Self {
        self.model = "";
        self.store = None;
        self.include = &[];
        self
    }

    #[cfg(feature = "workers-ai")]
    pub(in crate::providers) fn limit(mut self, tokens: u32) -> Self {
        self.max_output_tokens = Some(tokens);
        self
    }
}

fn tool(tool: &crate::Tool) -> Tool<'_> {
    Tool {
        r#type: "function",
        name: &tool.name,
        description: &tool.description,
        parameters: &tool.parameters,
    }
}

fn format<'a>(request: &'a TextRequest, warnings: &mut Vec<String>) -> Option<Format<'a>> {
    let Some(wanted) = &request.schema else {
        return request.json_mode.then_some(Format::JsonObject);
    };
    let compiled = compile_schema(&wanted.schema, SchemaDialect::OpenAi);
    if let Some(loss) = compiled.unenforceable() {
        warnings.push(format!(
            "schema `{}` was sent as it is and may not be enforced: {loss}",
            wanted.name
        ));
    }
    Some(Format::JsonSchema {
        name: &wanted.name,
        strict: compiled.schema.is_some(),
        schema: compiled.schema.map_or(Cow::Borrowed(&wanted.schema), Cow::Owned),
    })
}

/// The items of one turn, in its order.
fn items<'a>(message: &'a Message, out: &mut Vec<Item<'a>>) {
    if let Some(Value::Array(items)) = message.verbatim(DIALECT) {
        out.extend(items.iter().map(Item::Verbatim));
        return;
    }
    let role = match message.role {
        Role::User | Role::Tool => "user",
        Role::Assistant => "assistant",
    };
    let at = out.len();
    for part in &message.parts {
        match part {
            Part::Text(more) => match out[at..].last_mut() {
                Some(Item::Message { content, .. }) => content.to_mut().push_str(more),
                _ => out.push(Item::Message {
                    role,
                    content: more.into(),
                }),
            },
            Part::ToolCall(call) => out.push(Item::Call {
                r#type: "function_call",
                call_id: &call.id,
                name: &call.name,
                arguments: &call.arguments,
            }),
            Part::ToolResult { call_id, content } => out.push(Item::Output {
                r#type: "function_call_output",
                call_id,
                output: content,
            }),
            Part::Verbatim(_) => {}
        }
    }
}
