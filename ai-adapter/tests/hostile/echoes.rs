//! A server that repeats every credential it was shown, in bodies and headers, in each spelling: whatever a program could
//! print of it (`Debug`, `Display`, sources, ledgers, spans, recordings) holds none.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use presswork_ai_adapter::providers::openai::{Dialect, Preset};
use presswork_ai_adapter::{
    Account, Anthropic, Budget, Cap, Error, Gemini, ImageModel, ImageRequest, LanguageModel, LanguageModelExt,
    MemoryCache, OpenAi, Price, Prices, Record, Replay, Result, Retry, RetryPolicy, StreamEvent, Tape, TextRequest,
    TextResponse, WorkersAi,
};
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::vectors::Vectors;

/// The key, shaped like no vendor's and with what JSON and URLs escape, so that only remembering it helps.
const KEY: &str = "not/Real+0123456789/abcdef==";
/// In a header of the user's own, behind `Bearer`.
const EXTRA: &str = "zyxwvu.9876543210.notreal";
/// A gateway's token in the path of the base URL, and a header of the shared client: not told to anybody who prints.
const PATH: &str = "path-token-qwertz0123456789";
const CLIENT: &str = "client-token-asdfgh0123456789";

/// Every model of the crate that speaks HTTP, with every kind of credential.
fn models(url: &str) -> Vec<Arc<dyn Model>> {
    macro_rules! model {
        ($builder:expr) => {{
            let builder = $builder
                .base_url(format!("{url}/{PATH}"))
                .api_key(KEY)
                .header("x-gateway", format!("Bearer {EXTRA}"))
                .client(client());
            no_secret("builder", &format!("{builder:?}"));
            Arc::new(builder.build().unwrap())
        }};
    }
    let policy = RetryPolicy::default().max_attempts(2).base_delay(Duration::ZERO);
    vec![
        model!(OpenAi::builder("m").dialect(Dialect::openai())),
        model!(OpenAi::builder("m").dialect(Dialect::chat())),
        model!(OpenAi::builder("m").preset(Preset::AZURE)),
        model!(OpenAi::builder("m").preset(Preset::OPENROUTER)),
        model!(Anthropic::builder("m")),
        model!(Gemini::builder("m")),
        model!(WorkersAi::builder("m").account("0123abcd")),
        Arc::new(Vectors(model!(OpenAi::builder("m")))),
        Arc::new(Vectors(model!(Gemini::builder("m")))),
        Arc::new(Vectors(Retry::new(model!(WorkersAi::builder("m")), policy))),
    ]
}

trait Model: LanguageModel + std::fmt::Debug {}
impl<M: LanguageModel + std::fmt::Debug> Model for M {}

fn client() -> reqwest::Client {
    let headers = [(reqwest::header::COOKIE, CLIENT.parse().unwrap())]
        .into_iter()
        .collect();
    reqwest::Client::builder().default_headers(headers).build().unwrap()
}

fn no_secret(what: &str, shown: &str) {
    for secret in [KEY, EXTRA, PATH, CLIENT] {
        for part in [&secret[..10], &secret[secret.len() - 10..]] {
            assert!(!shown.contains(part), "{what}: {shown}");
        }
    }
}

/// Everything an error can show.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        write!(shown, " {error} {error:?}").unwrap();
        source = error.source();
    }
    shown
}

/// Answers every API at once: what is an error to one is an answer to another.
#[derive(Clone, Copy, Debug)]
enum Echo {
    /// A failure of this status, as JSON, and the same with the key escaped as JSON or URLs escape it.
    Error(u16),
    Page(u16),
    /// An answer whose model, finish reason and request id are secrets.
    Answer,
    /// An answer no API knows.
    Nonsense,
    /// An object that fits no schema.
    Object,
}

impl Respond for Echo {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let sent = String::from_utf8_lossy(&request.body).into_owned();
        let streamed = sent.contains("\"stream\":true") || request.url.as_str().contains("stream");
        let both = format!("no {KEY} and {EXTRA}; Authorization: Bearer {KEY}");
        let template = match self {
            Self::Error(status) => {
                let error = json!({ "message": both, "code": KEY, "type": EXTRA, "details": { "error_code": KEY } });
                ResponseTemplate::new(*status).set_body_json(json!({ "error": error, "request_id": KEY }))
            }
            Self::Page(status) => {
                let (json, url) = (
                    KEY.replace('/', "\\/"),
                    KEY.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D"),
                );
                ResponseTemplate::new(*status).set_body_string(format!("{{ {json} {url} {both}"))
            }
            Self::Nonsense => {
                ResponseTemplate::new(200).set_body_json(json!({ "choices": KEY, "content": KEY, "x": EXTRA }))
            }
            Self::Answer if streamed => {
                let events: String = answers("Hello.")
                    .iter()
                    .map(|event| format!("data: {event}\n\n"))
                    .collect();
                ResponseTemplate::new(200).set_body_raw(events, "text/event-stream")
            }
            Self::Answer => {
                let mut body = whole("Hello.");
                // `data` is of another shape at Workers AI.
                if request.url.path().contains("/run/") {
                    body["data"] = json!([[0.5]]);
                }
                ResponseTemplate::new(200).set_body_json(body)
            }
            Self::Object => ResponseTemplate::new(200).set_body_json(whole("{\"title\": 7}")),
        };
        template
            .insert_header("x-request-id", KEY)
            .insert_header("request-id", EXTRA)
            .insert_header("x-echo", both.as_str())
    }
}

/// One body that is an answer of every API.
fn whole(text: &str) -> Value {
    let text_part = json!({ "type": "output_text", "text": text });
    json!({
        "model": KEY, "id": KEY, "type": "message", "stop_reason": KEY, "responseId": KEY, "modelVersion": EXTRA,
        "content": [{ "type": "text", "text": text }],
        "status": "incomplete", "incomplete_details": { "reason": KEY },
        "output": [{ "type": "message", "content": [text_part] }],
        "choices": [{ "message": { "content": text }, "finish_reason": KEY }],
        "candidates": [{ "content": { "parts": [{ "text": text }] }, "finishReason": EXTRA, "finishMessage": KEY }],
        "data": [{ "embedding": [0.5] }], "embeddings": [{ "values": [0.5] }],
    })
}

/// Events that are a stream of every API.
fn answers(text: &str) -> Vec<Value> {
    vec![
        json!({ "type": "message_start", "message": whole("") }),
        whole(text),
        // Without a choice, Workers AI's older models say their text under `response`.
        json!({ "type": "response.incomplete", "response": whole(text), "choices": [{ "delta": {} }] }),
        json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } }),
        json!({ "type": "message_delta", "delta": { "stop_reason": KEY } }),
        json!({ "type": "message_stop" }),
    ]
}

/// Everything that was written into spans and events, also by the crates below this one.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for Log {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0.lock().unwrap(), "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Every wrapper around the model, the outermost traced and recorded.
fn wrapped(model: Arc<dyn Model>) -> Record<impl LanguageModel + std::fmt::Debug> {
    let price = Price::new(1, 1);
    let prices = Prices::as_of("2026-11-25").model(model.provider(), "m", price);
    let account = Account::new(prices, [Cap::per_run(1_000_000_000)]);
    let policy = RetryPolicy::default().max_attempts(2).base_delay(Duration::ZERO);
    let guarded = Budget::new(model.clone(), &account)
        .rate_limit()
        .circuit_breaker()
        .timeout();
    let both = guarded
        .or(model)
        .retry(policy)
        .cache(MemoryCache::new(1 << 20))
        .ladder();
    both.traced().content(true).record()
}

/// A reply as a program sees it, whose own text is not in question.
fn answer(response: &TextResponse) -> String {
    format!("{response:?} {:?}", serde_json::to_string(response))
}

async fn call(model: &dyn LanguageModel, streamed: bool) -> Result<TextResponse> {
    let request = TextRequest::user("hello").max_output_tokens(10);
    if !streamed {
        return model.generate(&request).await;
    }
    let mut stream = model.stream(&request).await?;
    no_secret("stream", &format!("{stream:?}"));
    while let Some(event) = stream.next().await {
        let event = event?;
        no_secret("event", &format!("{event:?}"));
        if let StreamEvent::Done(response) = event {
            return Ok(*response);
        }
    }
    panic!("a stream without an end");
}

#[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
#[schemars(crate = "presswork_ai_adapter::schemars")]
struct Draft {
    #[allow(dead_code, reason = "only its schema counts")]
    title: String,
}

async fn check(echo: Echo) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(echo).mount(&server).await;
    let (mut good, mut bad) = (0, 0);
    for model in models(&server.uri()) {
        no_secret("model", &format!("{model:?} {model:#?}"));
        let wrapped = wrapped(model.clone());
        no_secret("wrappers", &format!("{wrapped:?} {wrapped:#?}"));
        for streamed in [false, true] {
            for model in [&*model as &dyn LanguageModel, &wrapped] {
                match call(model, streamed).await {
                    Ok(response) => {
                        no_secret("response", &answer(&response));
                        good += 1;
                    }
                    Err(error) => {
                        no_secret("error", &shown(&error));
                        assert!(!matches!(echo, Echo::Answer), "{error:?}");
                        bad += 1;
                    }
                }
            }
        }
        if let Err(error) = wrapped
            .generate_object::<Draft>(&TextRequest::user("a draft").max_output_tokens(10))
            .await
        {
            no_secret("object", &shown(&error));
        }
        let tape = wrapped.tape().to_json_lines().unwrap();
        no_secret("tape", &tape);
        let replay = Replay::new(Tape::from_json_lines(&tape).unwrap());
        no_secret("replay", &format!("{replay:?} {:?}", call(&replay, false).await));
    }
    match echo {
        Echo::Answer => assert_eq!((good > 0, bad), (true, 0)),
        Echo::Object => {}
        _ => assert_eq!((good, bad > 0), (0, true)),
    }
}

/// One test, since a subscriber for all threads is set once.
#[tokio::test(flavor = "current_thread")]
async fn nothing_shows_a_credential() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    for echo in [
        Echo::Answer,
        Echo::Object,
        Echo::Nonsense,
        Echo::Page(200),
        Echo::Page(500),
        Echo::Error(200),
        Echo::Error(400),
        Echo::Error(401),
        Echo::Error(429),
    ] {
        check(echo).await;
    }
    pictures().await;
    let log = log.0.lock().unwrap();
    assert!(
        log.contains("gen_ai.response.id") && log.contains("error.type"),
        "nothing was traced"
    );
    // The server under test logs what it was sent; the lines of this crate are those of its own fields.
    let ours: String = log
        .lines()
        .filter(|line| line.starts_with("gen_ai") || line.starts_with("error"))
        .collect();
    no_secret("trace", &ours);
}

async fn pictures() {
    for echo in [Echo::Error(400), Echo::Page(500), Echo::Nonsense, Echo::Answer] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(echo).mount(&server).await;
        let url = format!("{}/{PATH}", server.uri());
        let models: [Box<dyn ImageModel>; 3] = [
            Box::new(
                OpenAi::builder("gpt-image-2")
                    .base_url(&url)
                    .api_key(KEY)
                    .header("x", EXTRA)
                    .build()
                    .unwrap(),
            ),
            Box::new(
                Gemini::builder("m")
                    .base_url(&url)
                    .api_key(KEY)
                    .header("x", EXTRA)
                    .build()
                    .unwrap(),
            ),
            Box::new(
                WorkersAi::builder("m")
                    .base_url(&url)
                    .api_key(KEY)
                    .header("x", EXTRA)
                    .build()
                    .unwrap(),
            ),
        ];
        for model in models {
            let error = model.generate_image(&ImageRequest::new("a tower")).await.unwrap_err();
            no_secret("picture", &shown(&error));
        }
    }
}

/// A server nobody reaches, or that resets: the error of the transport beneath knows the URL.
#[tokio::test]
async fn no_error_of_the_transport_shows_the_url() {
    for model in models("http://127.0.0.1:9") {
        for streamed in [false, true] {
            let error = call(&*model, streamed).await.unwrap_err();
            assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
            no_secret("transport", &shown(&error));
        }
    }
}
