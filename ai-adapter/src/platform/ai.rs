//! The `AI` binding of a Worker, called as `run(model, inputs, options)` with a raw response.
//!
//! `worker` 0.8.7 passes no options and turns maps of serde into JS `Map`s, which workerd then writes as `{}`; so inputs and options
//! are made by `JSON.parse` here, and the binding's own errors come as a `Response` with status and headers.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{StreamExt, stream};
use js_sys::{Array, Function, JSON, Object, Promise, Reflect, Uint8Array};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::{Body, Broken, now_ms};

/// A Worker's `AI` binding: `AiBinding::from(JsValue)` of `env.AI`.
#[derive(Debug, Clone)]
pub struct AiBinding(SendWrapper<JsValue>);

impl From<JsValue> for AiBinding {
    fn from(binding: JsValue) -> Self {
        Self(SendWrapper::new(binding))
    }
}

/// One call; the deadline covers the reading of its body, too.
pub(crate) async fn run_binding(
    binding: &AiBinding,
    model: &str,
    inputs: &str,
    options: &str,
    timeout: Duration,
) -> Result<(u16, HeaderMap, Body), Broken> {
    SendWrapper::new(run(&binding.0, model, inputs, options, timeout)).await
}

async fn run(
    binding: &JsValue,
    model: &str,
    inputs: &str,
    options: &str,
    timeout: Duration,
) -> Result<(u16, HeaderMap, Body), Broken> {
    let deadline = now_ms().saturating_add(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
    let options = JSON::parse(options).map_err(js)?;
    let abort = Abort::new()?;
    Reflect::set(&options, &"signal".into(), &abort.signal).map_err(js)?;
    let run: Function = get(binding, "run")?;
    let inputs = JSON::parse(inputs).map_err(js)?;
    let answer = run.call3(binding, &model.into(), &inputs, &options).map_err(js)?;
    let response = before(deadline, &abort, answer.into()).await?;
    let status: JsValue = get(&response, "status")?;
    let status = status
        .as_f64()
        .ok_or_else(|| Broken::Js("the binding gave no response".to_owned()))?;
    let headers = headers(&get(&response, "headers")?);
    let body: JsValue = get(&response, "body")?;
    if body.is_null() || body.is_undefined() {
        return Ok((status as u16, headers, Body::of(stream::empty().boxed_local())));
    }
    let get_reader: Function = get(&body, "getReader")?;
    let reader = get_reader.call0(&body).map_err(js)?;
    let chunks = stream::unfold(Some((reader, abort)), move |state| async move {
        let (reader, abort) = state?;
        match read(&reader, deadline, &abort).await {
            Ok(Some(bytes)) => Some((Ok(bytes), Some((reader, abort)))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    Ok((status as u16, headers, Body::of(chunks.boxed_local())))
}

async fn read(reader: &JsValue, deadline: i64, abort: &Abort) -> Result<Option<Bytes>, Broken> {
    let read: Function = get(reader, "read")?;
    let next = before(deadline, abort, read.call0(reader).map_err(js)?.into()).await?;
    let done: JsValue = get(&next, "done")?;
    if done.is_truthy() {
        return Ok(None);
    }
    let chunk: Uint8Array = get(&next, "value")?;
    Ok(Some(Bytes::from(chunk.to_vec())))
}

/// Cancels the call when it is dropped or late: dropping a future alone does not.
struct Abort {
    controller: JsValue,
    signal: JsValue,
}

impl Abort {
    fn new() -> Result<Self, Broken> {
        let constructor: Function = get(&js_sys::global(), "AbortController")?;
        let controller = Reflect::construct(&constructor, &Array::new()).map_err(js)?;
        let signal = get(&controller, "signal")?;
        Ok(Self { controller, signal })
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        if let Ok(abort) = get::<Function>(&self.controller, "abort") {
            // After the end there is nothing to cancel, and nobody to tell.
            let _ = abort.call0(&self.controller);
        }
    }
}

async fn before(deadline: i64, _abort: &Abort, promise: Promise) -> Result<JsValue, Broken> {
    let left = Duration::from_millis(u64::try_from(deadline.saturating_sub(now_ms())).unwrap_or(0));
    let late = Box::pin(gloo_timers::future::sleep(left.min(super::MAX_TIMER)));
    match select(JsFuture::from(promise), late).await {
        Either::Left((result, _)) => result.map_err(js),
        Either::Right(_) => Err(Broken::TimedOut),
    }
}

fn headers(of: &JsValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for pair in Array::from(of).iter() {
        let pair = Array::from(&pair);
        let (name, value) = (pair.get(0).as_string(), pair.get(1).as_string());
        let name = name.and_then(|name| HeaderName::try_from(name).ok());
        let value = value.and_then(|value| HeaderValue::try_from(value).ok());
        if let (Some(name), Some(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    headers
}

fn get<T: JsCast>(object: &JsValue, name: &str) -> Result<T, Broken> {
    let value = Reflect::get(object, &name.into()).map_err(js)?;
    value
        .dyn_into()
        .map_err(|_| Broken::Js(format!("the binding's `{name}` is not what it should be")))
}

/// What was thrown, in its own words.
fn js(thrown: JsValue) -> Broken {
    let message = thrown
        .dyn_ref::<js_sys::Error>()
        .map(|error| String::from(error.message()))
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| String::from(Object::from(thrown).to_string()));
    Broken::Js(message)
}
