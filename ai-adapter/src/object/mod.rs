//! Typed output: ask for an object, check it here, send the errors back.

mod decode;
mod extract;
mod ladder;
mod stream;
#[cfg(any(test, not(feature = "jsonschema")))]
mod structure;
mod tolerant;
mod validate;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use self::ladder::Ladder;
pub(crate) use self::stream::stream;
pub use self::stream::{ObjectEvent, ObjectStream};
use self::validate::Validator;
use crate::clock::remaining;
use crate::retry::within;
use crate::{
    Attempt, Capabilities, Error, Failure, FinishReason, LanguageModel, Message, ResponseSchema, Result, TextRequest,
    TextResponse, Tool, ToolChoice, Usage, platform,
};

/// Two repairs mend what can be mended; a model that fails three times fails the fourth, at the same price.
const MAX_REPAIRS: u32 = 2;

/// A typed answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Object<T> {
    /// The answer.
    pub value: T,
    /// The reply it was read from, the last one; its `attempts` list those of all replies.
    pub response: TextResponse,
    /// What all replies took together.
    pub usage: Usage,
    /// How often the errors had to be sent back, at most 2.
    pub repairs: u32,
}

pub(crate) async fn generate<T>(model: &dyn LanguageModel, request: &TextRequest) -> Result<Object<T>>
where
    T: JsonSchema + DeserializeOwned + Send,
{
    let mut schema = ResponseSchema::of::<T>();
    if let Some(named) = &request.schema {
        schema.name.clone_from(&named.name);
    }
    let mut value = None;
    let mut accept = |json| match serde_json::from_value(json) {
        Ok(decoded) => {
            value = Some(decoded);
            Ok(())
        }
        Err(error) => Err(error.to_string()),
    };
    let (response, usage, repairs) = converse(model, request, &schema, &mut accept).await?;
    match value {
        Some(value) => Ok(Object {
            value,
            response,
            usage,
            repairs,
        }),
        None => Err(Error::Malformed(
            Failure::new(model.provider(), "no object was decoded").boxed(),
        )),
    }
}

/// Takes a validated value; `Err` is a reason to send back.
type Accept<'a> = &'a mut (dyn FnMut(Value) -> Result<(), String> + Send);

/// The untyped core, compiled once.
async fn converse(
    model: &dyn LanguageModel,
    request: &TextRequest,
    schema: &ResponseSchema,
    accept: Accept<'_>,
) -> Result<(TextResponse, Usage, u32)> {
    let provider = model.provider();
    let validator = check(provider, request, schema)?;
    let started = platform::now_ms();
    let rung = Rung::of(model.capabilities());
    let mut ask = rung.phrase(request, schema);
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut usage = Usage::default();
    let mut repairs = 0;
    loop {
        let left = remaining(request.timeout, started, platform::now_ms());
        if repairs > 0 && left.is_some_and(|left| left.is_zero()) {
            let failure = Failure::new(
                provider,
                "no time left to repair an answer that does not fit the schema",
            );
            return Err(with_attempts(Error::Timeout(failure.boxed()), attempts));
        }
        let mut response = match model.generate(&within(&ask, left)).await {
            Ok(response) => response,
            Err(error) => return Err(with_attempts(error, attempts)),
        };
        attempts.append(&mut response.attempts);
        usage = usage.plus(response.usage);
        if let Some(error) = unfit(&response) {
            return Err(with_attempts(error, attempts));
        }
        let answer = rung.answer(&response, schema);
        let errors = match read(answer, &validator, &schema.schema, accept) {
            Ok(()) => {
                response.attempts = attempts;
                return Ok((response, usage, repairs));
            }
            Err(errors) => errors,
        };
        if repairs == MAX_REPAIRS {
            let message = format!(
                "the answer does not fit schema `{}` after {repairs} repairs",
                schema.name
            );
            let failure = Failure::new(&response.provider, message).request_id(response.request_id);
            return Err(with_attempts(
                Error::InvalidObject {
                    failure: failure.boxed(),
                    errors,
                },
                attempts,
            ));
        }
        repairs += 1;
        rung.send_back(&mut ask, &response, &errors);
    }
}

fn check(provider: &str, request: &TextRequest, schema: &ResponseSchema) -> Result<Validator> {
    if !request.tools.is_empty() {
        let message = "typed output takes no tools: the model could answer with a call";
        return Err(Error::Unsupported(Failure::new(provider, message).boxed()));
    }
    if schema.schema.get("type").and_then(Value::as_str) != Some("object") {
        let message = format!(
            "schema `{}` has no object at its root; wrap the type in a struct",
            schema.name
        );
        return Err(Error::Unsupported(Failure::new(provider, message).boxed()));
    }
    Validator::new(&schema.schema).map_err(|error| {
        let message = format!("schema `{}` is not a JSON schema: {error}", schema.name);
        Error::Config(Failure::new(provider, message).boxed())
    })
}

/// A refusal or a cut answer: asking again in other words would be arguing, or paying for the same cut.
fn unfit(response: &TextResponse) -> Option<Error> {
    let failure = |message: &str| Failure::new(&response.provider, message).request_id(response.request_id.clone());
    if response.is_refused() {
        let words = response.refusal.as_deref().unwrap_or_default();
        return Some(Error::Refused(failure(&format!("the model declined: {words}")).boxed()));
    }
    if response.finish == FinishReason::Length {
        let tokens = response
            .usage
            .output_tokens
            .map_or(String::new(), |tokens| format!(" after {tokens} tokens"));
        return Some(Error::Truncated(
            failure(&format!("the answer met the output limit{tokens}")).boxed(),
        ));
    }
    None
}

/// Finds, restores, validates and decodes the object; errors are lines of `path: reason`.
fn read(
    answer: &str,
    validator: &Validator,
    schema: &Value,
    accept: Accept<'_>,
) -> std::result::Result<(), Vec<String>> {
    let mut value = extract::json_object(answer).map_err(|reason| vec![reason])?;
    decode::restore(&mut value, schema);
    let errors: Vec<String> = validator
        .errors(&value)
        .iter()
        .map(|error| crate::failure::clean(error))
        .collect();
    if !errors.is_empty() {
        return Err(errors);
    }
    accept(value).map_err(|reason| vec![crate::failure::clean(&reason)])
}

fn with_attempts(mut error: Error, earlier: Vec<Attempt>) -> Error {
    crate::ledger::prepend_to(&mut error.failure_mut().attempts, earlier);
    error
}

/// How the schema reaches the model, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rung {
    Native,
    ForcedTool,
    JsonMode,
    Prompt,
}

impl Rung {
    /// The strongest a model has.
    fn of(capabilities: Capabilities) -> Self {
        Self::all(capabilities).first().copied().unwrap_or(Self::Prompt)
    }

    /// All a model has, the strongest first.
    fn all(capabilities: Capabilities) -> Vec<Self> {
        let has = [
            (Self::Native, capabilities.native_schema),
            (Self::ForcedTool, capabilities.tools && capabilities.forced_tool),
            (Self::JsonMode, capabilities.json_mode),
            (Self::Prompt, true),
        ];
        has.into_iter().filter(|(_, has)| *has).map(|(rung, _)| rung).collect()
    }

    /// The request, asking for the object this rung's way.
    fn phrase(self, request: &TextRequest, schema: &ResponseSchema) -> TextRequest {
        let mut ask = request.clone();
        ask.schema = None;
        ask.json_mode = self == Self::JsonMode;
        match self {
            Self::Native => ask.schema = Some(schema.clone()),
            Self::ForcedTool => {
                ask.tools = vec![Tool::new(&schema.name, "Gives the answer.", schema.schema.clone())];
                ask.tool_choice = ToolChoice::Named(schema.name.clone());
            }
            Self::JsonMode | Self::Prompt => {
                let told = format!(
                    "Answer with one JSON object and nothing else. It fits this JSON schema:\n{}",
                    schema.schema
                );
                ask.system = Some(match ask.system.take() {
                    Some(system) => format!("{system}\n\n{told}"),
                    None => told,
                });
            }
        }
        ask
    }

    /// Where the object stands in the reply. A model may answer in text although a tool was forced.
    fn answer<'a>(self, response: &'a TextResponse, schema: &ResponseSchema) -> &'a str {
        let call = response
            .tool_calls
            .iter()
            .find(|call| self == Self::ForcedTool && call.name == schema.name);
        call.map_or(&response.text, |call| &call.arguments)
    }

    /// Adds the reply and what is wrong with it to the conversation.
    fn send_back(self, ask: &mut TextRequest, response: &TextResponse, errors: &[String]) {
        let wrong = format!(
            "The answer does not fit the schema:\n- {}\nGive the whole corrected JSON object and nothing else.",
            errors.join("\n- ")
        );
        if self == Self::ForcedTool && !response.tool_calls.is_empty() {
            // Providers want every call answered before the next turn.
            ask.messages
                .push(Message::tool_calls(response.tool_calls.iter().cloned()));
            ask.messages.extend(
                response
                    .tool_calls
                    .iter()
                    .map(|call| Message::tool_result(&call.id, &wrong)),
            );
        } else {
            ask.messages.push(Message::assistant(&response.text));
            ask.messages.push(Message::user(wrong));
        }
    }
}

#[cfg(test)]
mod tests;

/// The object an answer holds.
#[cfg(fuzzing)]
pub(crate) fn json_in(text: &str) -> Option<serde_json::Value> {
    extract::json_object(text).ok()
}

/// The object a text begins with, as far as it goes.
#[cfg(fuzzing)]
pub(crate) fn json_so_far(text: &str) -> Option<serde_json::Value> {
    tolerant::object(text).map(|(value, _)| value)
}
