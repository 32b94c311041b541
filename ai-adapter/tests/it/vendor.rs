//! The suite around an HTTP provider, against a server that checks each request before it answers.

use std::sync::Arc;
use std::time::Duration;

use presswork_ai_adapter::LanguageModel;
use presswork_ai_adapter::conformance::{Fault, PATIENCE};
use serde_json::Value;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

pub(crate) const KEY: &str = "sk-test-key-1234567890";

/// What one vendor's API takes and says.
pub(crate) trait Vendor: Send + Sync + 'static {
    /// The model, pointed at a server.
    fn model(uri: &str) -> Arc<dyn LanguageModel>;

    /// Path and query a request has to go to.
    fn path(stream: bool) -> &'static str;

    /// Headers a request has to carry.
    fn headers() -> Vec<(&'static str, String)>;

    /// Checks a body as the vendor would, and says whether it asks for a stream.
    fn check(request: &Request, body: &Value) -> bool;

    /// "Hello." as whole reply, or the tool call that the body forces.
    fn reply(body: &Value) -> Value;

    /// "Hello." in pieces.
    fn events() -> ResponseTemplate;

    /// What the vendor does for a fault that depends on it.
    fn fault(fault: Fault) -> ResponseTemplate;
}

struct Checked<V>(std::marker::PhantomData<V>);

impl<V: Vendor> Respond for Checked<V> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = check::<V>(request);
        if V::check(request, &body) {
            assert_eq!(request.headers["accept"], "text/event-stream");
            V::events()
        } else {
            ResponseTemplate::new(200).set_body_json(V::reply(&body))
        }
    }
}

struct Faulty<V>(Fault, std::marker::PhantomData<V>);

impl<V: Vendor> Respond for Faulty<V> {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body = check::<V>(request);
        V::check(request, &body);
        match self.0 {
            Fault::Down => ResponseTemplate::new(503).set_body_string("<html>upstream</html>"),
            Fault::Silence => ResponseTemplate::new(200).set_delay(PATIENCE + Duration::from_secs(20)),
            Fault::Garbage => ResponseTemplate::new(200).set_body_raw("<html>Sign in</html>", "text/html"),
            Fault::HalfReply => {
                let whole = V::reply(&body).to_string();
                ResponseTemplate::new(200).set_body_raw(&whole.as_bytes()[..whole.len() / 2], "application/json")
            }
            fault => V::fault(fault),
        }
    }
}

/// Method, path and headers; then the body as JSON.
fn check<V: Vendor>(request: &Request) -> Value {
    let body: Value = serde_json::from_slice(&request.body).expect("a JSON body");
    let at = request.url.path().to_owned() + &request.url.query().map_or(String::new(), |query| format!("?{query}"));
    assert_eq!(request.method.as_str(), "POST");
    assert!([V::path(false), V::path(true)].contains(&at.as_str()), "{at}");
    assert_eq!(request.headers["content-type"], "application/json");
    for (name, value) in V::headers() {
        assert_eq!(
            request.headers.get(name).map(|value| value.to_str().unwrap()),
            Some(value.as_str()),
            "{name}"
        );
    }
    assert!(!request.url.as_str().contains(KEY), "a key in a URL");
    no_null(&body);
    body
}

/// Fields that are not set are left out: strict servers refuse a null.
fn no_null(value: &Value) {
    match value {
        Value::Null => panic!("a null was sent"),
        Value::Array(items) => items.iter().for_each(no_null),
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| *name != "schema")
            .for_each(|(_, value)| no_null(value)),
        _ => {}
    }
}

pub(crate) struct Server<V> {
    pub(crate) mock: MockServer,
    vendor: std::marker::PhantomData<V>,
}

impl<V: Vendor> Server<V> {
    pub(crate) async fn start() -> Self {
        Self {
            mock: MockServer::start().await,
            vendor: std::marker::PhantomData,
        }
    }

    /// Queues an answer to one call; the oldest comes first. A request that fails a check is a 500 and a failed test.
    async fn next(&self, answer: impl Respond + 'static) {
        Mock::given(wiremock::matchers::any())
            .respond_with(answer)
            .up_to_n_times(1)
            .expect(1)
            .mount(&self.mock)
            .await;
    }

    pub(crate) async fn answer(&self) {
        self.next(Checked::<V>(self.vendor)).await;
    }

    pub(crate) async fn inject(&self, fault: Fault) {
        self.next(Faulty::<V>(fault, self.vendor)).await;
    }

    pub(crate) async fn arrived(&self) -> Option<usize> {
        Some(self.mock.received_requests().await?.len())
    }
}

/// `text/event-stream` of named or unnamed events.
pub(crate) fn sse(events: &[Value], end: &str) -> ResponseTemplate {
    let mut body = ": keep-alive\n\n".to_owned();
    for event in events {
        if let Some(name) = event["type"].as_str() {
            body.push_str(&format!("event: {name}\n"));
        }
        body.push_str(&format!("data: {event}\n\n"));
    }
    body.push_str(end);
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream; charset=utf-8")
}

macro_rules! vendor_conformance {
    ($vendor:ty $(; skip { $($skip:ident = $reason:literal),* $(,)? })?) => {
        struct Far(crate::vendor::Server<$vendor>);

        #[async_trait::async_trait]
        impl presswork_ai_adapter::conformance::Harness for Far {
            async fn start() -> Self {
                Self(crate::vendor::Server::start().await)
            }

            fn model(&self) -> std::sync::Arc<dyn presswork_ai_adapter::LanguageModel> {
                <$vendor as crate::vendor::Vendor>::model(&self.0.mock.uri())
            }

            async fn answer(&self) {
                self.0.answer().await;
            }

            async fn inject(&self, fault: presswork_ai_adapter::conformance::Fault) {
                self.0.inject(fault).await;
            }

            async fn arrived(&self) -> Option<usize> {
                self.0.arrived().await
            }
        }

        presswork_ai_adapter::language_model_conformance!(Far $(; skip { $($skip = $reason),* })?);
    };
}
pub(crate) use vendor_conformance;
