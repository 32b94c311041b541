//! A deterministic offline writer: fills templates from the data in the prompt, needs no network and no key.

mod builder;
mod embeddings;
mod fill;

use std::collections::BTreeMap;

use async_trait::async_trait;
use futures_util::stream;
use serde_json::{Map, Value};

pub use self::builder::TemplateBuilder;
use crate::clock::elapsed;
use crate::ledger::enter;
use crate::{
    Attempt, Capabilities, Error, Failure, LanguageModel, Message, ResponseSchema, Result, Role, StreamEvent,
    TextRequest, TextResponse, TextStream, platform,
};

const NAME: &str = "template";

/// Streams come in pieces of about this many bytes, as a model's do.
const PIECE: usize = 64;

/// Writes typed objects from minijinja templates and the data in the request.
///
/// A request's [`schema`](TextRequest::schema) names the object; the data is the last ```` ```json ```` block of the
/// last user message that has one, which is what any other model sees, too. Each field is rendered, then shaped
/// by the schema: text is trimmed, a list takes one item per line that is not empty, anything else is read as JSON.
/// An optional field that renders to nothing is left out. Fields whose name ends in `_html` are escaped as HTML, others
/// not at all.
///
/// Sampling and reasoning settings, limits and instructions are taken, and have nothing to act on; every response carries
/// a warning that no model wrote it. `usage` is unknown, because there is none.
///
/// A name the data does not have is [`Error::Rejected`], telling field, line and placeholder; so are an
/// unknown object and a prompt without data.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use presswork_ai_adapter::{LanguageModelExt, Template, TextRequest, schemars};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// #[schemars(rename = "page")]
/// struct Page {
///     title: String,
///     keywords: Vec<String>,
/// }
///
/// let writer = Template::builder()
///     .object("page", [("title", "Time in {{ city }}"), ("keywords", "{{ city }}\n{{ city }} time")])
///     .build()?;
/// let request = TextRequest::user("Write the page. The facts:\n```json\n{\"city\": \"Rome\"}\n```");
/// let page: Page = writer.generate_object(&request).await?.value;
/// assert_eq!(page.title, "Time in Rome");
/// assert_eq!(page.keywords, ["Rome", "Rome time"]);
/// # Ok::<(), presswork_ai_adapter::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Template {
    environment: minijinja::Environment<'static>,
    /// Object to fields, in the order given; a field's template is named `object.field`.
    objects: BTreeMap<String, Vec<String>>,
}

impl Template {
    /// Begins a writer without objects.
    pub fn builder() -> TemplateBuilder {
        TemplateBuilder::default()
    }

    fn write(&self, request: &TextRequest) -> Result<TextResponse> {
        let schema = request.schema.as_ref().ok_or_else(|| {
            Error::Unsupported(Failure::new(NAME, "templates write typed objects; the request has no schema").boxed())
        })?;
        let fields = self.objects.get(&schema.name).ok_or_else(|| {
            let known: Vec<_> = self.objects.keys().map(String::as_str).collect();
            rejected(format!(
                "there are no templates for `{}`, only for: {}",
                schema.name,
                known.join(", ")
            ))
        })?;
        Self::check_required(schema, fields)?;
        let data = data(&request.messages)?;
        let data = minijinja::Value::from(minijinja::value::Serde(data));
        let mut object = Map::new();
        for field in fields {
            let text = self.render(&schema.name, field, &data)?;
            if let Some(value) = fill::shape(&text, field, &schema.schema)
                .map_err(|reason| rejected(format!("field `{}.{field}`: {reason}", schema.name)))?
            {
                object.insert(field.clone(), value);
            }
        }
        let mut response = TextResponse::new(NAME, NAME, Value::Object(object).to_string());
        response
            .warnings
            .push("no model wrote this text: templates filled from data did".to_owned());
        Ok(response)
    }

    /// The schema's demands are known now; a missing field would only come back as one error more per page.
    fn check_required(schema: &ResponseSchema, fields: &[String]) -> Result<()> {
        let required = schema
            .schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        match required
            .filter_map(Value::as_str)
            .find(|name| !fields.iter().any(|field| field == name))
        {
            Some(name) => Err(rejected(format!(
                "object `{}` has no template for its field `{name}`",
                schema.name
            ))),
            None => Ok(()),
        }
    }

    fn render(&self, object: &str, field: &str, data: &minijinja::Value) -> Result<String> {
        let template = self.environment.get_template(&builder::template_name(object, field));
        template.and_then(|template| template.render(data)).map_err(|error| {
            let place = fill::place(&error);
            rejected_by(
                format!("field `{object}.{field}`{place}: {}", fill::reason(&error)),
                error,
            )
        })
    }

    fn recorded(&self, request: &TextRequest) -> Result<TextResponse> {
        let started = platform::now_ms();
        let mut result = self.write(request);
        // No model, no bill: a known price of nothing.
        enter(&mut result, || Attempt {
            cost_micros: Some(0),
            ..Attempt::new(NAME, NAME, Some(elapsed(started, platform::now_ms())))
        });
        result
    }
}

fn rejected(message: String) -> Error {
    Error::Rejected(Failure::new(NAME, message).boxed())
}

fn rejected_by(message: String, source: minijinja::Error) -> Error {
    Error::Rejected(Failure::new(NAME, message).source(source).boxed())
}

/// The last fenced JSON block of the last user message that has one; a repair turn has none.
fn data(messages: &[Message]) -> Result<Value> {
    let users = messages.iter().rev().filter(|message| message.role == Role::User);
    let text = users.map(Message::text).find(|text| text.contains("```json"));
    let text = text.ok_or_else(|| rejected("the prompt has no ```json block to take data from".to_owned()))?;
    let block = text.rsplit_once("```json").map_or("", |(_, rest)| rest);
    // Inside valid JSON no line begins with a fence: line breaks in strings are escaped.
    let block = block.split_once("\n```").map_or(block, |(block, _)| block);
    match serde_json::from_str(block) {
        Ok(data @ Value::Object(_)) => Ok(data),
        Ok(_) => Err(rejected("the ```json block of the prompt is not an object".to_owned())),
        Err(error) => Err(rejected(format!(
            "the ```json block of the prompt is not JSON: {error}"
        ))),
    }
}

#[async_trait]
impl LanguageModel for Template {
    fn provider(&self) -> &str {
        NAME
    }

    fn model(&self) -> &str {
        NAME
    }

    /// Objects by schema, streams, and settings that a deterministic writer honours by nature.
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            native_schema: true,
            streaming: true,
            sampling: true,
            reasoning_effort: true,
            ..Capabilities::none()
        }
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        self.capabilities().check(NAME, request)?;
        self.recorded(request)
    }

    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        self.capabilities().check_stream(NAME, request)?;
        let response = self.recorded(request)?;
        let mut events = Vec::new();
        let mut rest = response.text.as_str();
        while !rest.is_empty() {
            let end = (PIECE..rest.len())
                .find(|at| rest.is_char_boundary(*at))
                .unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            events.push(Ok(StreamEvent::Text(piece.to_owned())));
            rest = after;
        }
        events.push(Ok(StreamEvent::Done(Box::new(response))));
        Ok(TextStream::new(stream::iter(events)))
    }
}

#[cfg(test)]
mod tests;
