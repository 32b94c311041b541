use std::time::Duration;

pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// `setTimeout` takes 31 bits of milliseconds, almost 25 days: longer than any isolate lives.
const MAX_TIMER: Duration = Duration::from_millis(i32::MAX as u64);

pub(crate) fn sleep(duration: Duration) -> impl Future<Output = ()> + Send {
    send_wrapper::SendWrapper::new(gloo_timers::future::sleep(duration.min(MAX_TIMER)))
}

/// The text in composed form (NFC), by the host's own tables: ours would weigh more than the rest of the counters.
pub(crate) fn composed(text: &str) -> std::borrow::Cow<'_, str> {
    String::from(js_sys::JsString::from(text).normalize("NFC")).into()
}

#[cfg(feature = "__http")]
pub(crate) use web::*;

/// The host's `URL` and `fetch`: a Worker has both, and a client of our own would weigh more than a network.
#[cfg(feature = "__http")]
mod web {
    use std::time::Duration;

    use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
    use send_wrapper::SendWrapper;
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;

    use crate::{
        host::{Address, Reach},
        http::{Answer, Failure, MAX_BODY, Request},
    };

    fn get(of: &JsValue, name: &str) -> JsValue {
        Reflect::get(of, &name.into()).unwrap_or_default()
    }

    fn text(of: &JsValue, name: &str) -> String {
        get(of, name).as_string().unwrap_or_default()
    }

    fn function(of: &JsValue, name: &str) -> Result<Function, JsValue> {
        get(of, name).dyn_into()
    }

    /// What a thrown value says.
    fn thrown(value: &JsValue) -> String {
        value.as_string().unwrap_or_else(|| text(value, "message"))
    }

    pub(crate) fn parse_url(written: &str) -> Option<Address> {
        let class = function(&js_sys::global(), "URL").ok()?;
        let url = Reflect::construct(&class, &Array::of1(&written.into())).ok()?;
        let href = text(&url, "href");
        Some(Address {
            scheme: text(&url, "protocol").trim_end_matches(':').to_owned(),
            user: !text(&url, "username").is_empty() || !text(&url, "password").is_empty(),
            host: text(&url, "hostname"),
            port: text(&url, "port").parse().ok(),
            path: text(&url, "pathname"),
            query: text(&url, "search").trim_start_matches('?').to_owned(),
            fragment: href.contains('#'),
            url: href,
        })
    }

    /// What makes requests.
    pub(crate) struct Fetcher;

    impl Fetcher {
        /// `fetch` looks names up out of sight.
        pub(crate) fn new(_: Reach) -> Result<Self, String> {
            Ok(Self)
        }

        /// Makes one exchange and follows no redirect.
        pub(crate) fn exchange(
            &self,
            request: Request,
            timeout: Duration,
        ) -> impl Future<Output = Result<Answer, Failure>> + Send + use<> {
            SendWrapper::new(async move {
                let request = prepare(&request, timeout).map_err(|error| failure(&error, false))?;
                // `fetch` does not tell how far a failed request got.
                fetch(&request).await.map_err(|error| failure(&error, true))
            })
        }
    }

    fn failure(error: &JsValue, sent: bool) -> Failure {
        Failure {
            sent,
            not_public: false,
            message: thrown(error),
            source: None,
        }
    }

    fn prepare(request: &Request, timeout: Duration) -> Result<JsValue, JsValue> {
        let headers = Array::new();
        for (name, value) in &request.headers {
            headers.push(&Array::of2(&(*name).into(), &value.into()));
        }
        let signal = get(&js_sys::global(), "AbortSignal");
        let timeout = JsValue::from_f64(timeout.as_millis() as f64);
        let signal = function(&signal, "timeout")?.call1(&signal, &timeout)?;
        let init: JsValue = Object::new().into();
        let body = match &request.body[..] {
            [] => JsValue::UNDEFINED,
            bytes => Uint8Array::from(bytes).into(),
        };
        let fields = [
            ("method", request.method.into()),
            ("headers", headers.into()),
            ("redirect", "manual".into()),
            ("signal", signal),
            ("body", body),
        ];
        for (name, value) in fields {
            Reflect::set(&init, &name.into(), &value)?;
        }
        let class = function(&js_sys::global(), "Request")?;
        Reflect::construct(&class, &Array::of2(&request.url.as_str().into(), &init))
    }

    async fn resolved(promise: JsValue) -> Result<JsValue, JsValue> {
        JsFuture::from(promise.dyn_into::<Promise>()?).await
    }

    async fn fetch(request: &JsValue) -> Result<Answer, JsValue> {
        let global = js_sys::global();
        let response = resolved(function(&global, "fetch")?.call1(&global, request)?).await?;
        let mut headers = Vec::new();
        for pair in Array::from(&get(&response, "headers")).iter() {
            let pair = Array::from(&pair);
            let text = |at| pair.get(at).as_string().unwrap_or_default();
            headers.push((text(0), text(1)));
        }
        let redirected = get(&response, "redirected").is_truthy() || text(&response, "type") == "opaqueredirect";
        Ok(Answer {
            status: get(&response, "status").as_f64().unwrap_or_default() as u16,
            headers,
            redirected,
            body: read(&get(&response, "body")).await,
        })
    }

    async fn read(stream: &JsValue) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        if stream.is_null() || stream.is_undefined() {
            return Ok(body);
        }
        let reader = function(stream, "getReader").and_then(|open| open.call0(stream));
        let reader = reader.map_err(|error| thrown(&error))?;
        loop {
            let next = function(&reader, "read").and_then(|read| read.call0(&reader));
            let next = resolved(next.map_err(|error| thrown(&error))?).await;
            let next = next.map_err(|error| thrown(&error))?;
            if get(&next, "done").is_truthy() {
                return Ok(body);
            }
            let chunk = Uint8Array::new(&get(&next, "value"));
            if body.len() + chunk.length() as usize > MAX_BODY {
                // What is left of it is not fetched.
                let _ = function(&reader, "cancel").and_then(|cancel| cancel.call0(&reader));
                return Err(format!("the answer is longer than {MAX_BODY} bytes"));
            }
            body.extend_from_slice(&chunk.to_vec());
        }
    }
}
