//! One exchange with the service, and the one place that turns its answer into an error.

use std::{fmt, pin::pin, time::Duration};

use futures_util::{
    StreamExt,
    future::{Either, select},
};
use reqwest::{Client, Method, header};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    PROVIDER,
    wire::{Problem, Reply},
};
use crate::{Error, Result, error::bounded, platform, providers::cloudflare_codes::refusal};

/// The longest answer that is read: 100 messages of 128 kB in base64, and room.
const MAX_ANSWER: usize = 24 * 1024 * 1024;
/// No server is believed when it asks for more than an hour.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// What the loss of an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Nothing: it can be asked again.
    Read,
    /// It may have happened.
    Write,
}

/// The API, for one account.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) client: Client,
    /// Ends with the account.
    pub(super) base: String,
    pub(super) token: header::HeaderValue,
    pub(super) deadline: Duration,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

struct Answer {
    status: u16,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Api {
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        intent: Intent,
        method: Method,
        path: &str,
        body: Option<&(impl Serialize + Sync)>,
    ) -> Result<Option<T>> {
        let mut request = self.client.request(method, format!("{}/{path}", self.base));
        request = request.header(header::AUTHORIZATION, self.token.clone());
        if let Some(body) = body {
            // Strings, numbers and lists always have a JSON form.
            let body = serde_json::to_vec(body).unwrap_or_default();
            request = request.header(header::CONTENT_TYPE, "application/json").body(body);
        }
        let request = request.build().map_err(|error| Error::Config {
            provider: PROVIDER,
            message: words(&error.without_url()),
        })?;
        let exchange = exchange(self.client.clone(), request);
        let answer = match select(pin!(exchange), pin!(platform::sleep(self.deadline))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => return Err(lost(intent, format!("no answer within {:?}", self.deadline))),
        };
        match answer {
            Ok(answer) => read(intent, &answer),
            Err((true, message)) => Err(unavailable(message, None)),
            Err((false, message)) => Err(lost(intent, message)),
        }
    }
}

/// The answer; or whether the request was never sent, and why.
// Not `async`: on wasm32 what the client gives must not be held outside of the wrapper.
fn exchange(client: Client, request: reqwest::Request) -> impl Future<Output = Result<Answer, (bool, String)>> + Send {
    platform::local(async move {
        let failed = |error: reqwest::Error| (platform::never_sent(&error), words(&error.without_url()));
        let response = client.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let retry_after = retry_after.map(|seconds| Duration::from_secs(seconds).min(MAX_WAIT));
        let mut stream = response.bytes_stream();
        let mut body = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| (false, words(&error.without_url())))?;
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err((false, format!("the answer is longer than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            status,
            retry_after,
            body,
        })
    })
}

fn read<T: DeserializeOwned>(intent: Intent, answer: &Answer) -> Result<Option<T>> {
    let ok = (200..300).contains(&answer.status);
    match serde_json::from_slice::<Reply<T>>(&answer.body) {
        Ok(reply) if ok && reply.success != Some(false) => Ok(reply.result),
        Ok(reply) => Err(refused(intent, answer, &reply.errors)),
        // The result of a refusal is not of the wanted type.
        Err(_) if !ok => {
            let errors = serde_json::from_slice::<Reply<serde_json::Value>>(&answer.body);
            Err(refused(
                intent,
                answer,
                &errors.map(|reply| reply.errors).unwrap_or_default(),
            ))
        }
        Err(error) => Err(lost(
            intent,
            format!(
                "the answer does not read as expected at line {}, column {}",
                error.line(),
                error.column()
            ),
        )),
    }
}

fn refused(intent: Intent, answer: &Answer, errors: &[Problem]) -> Error {
    let provider = PROVIDER;
    let (code, said) = errors
        .first()
        .map_or((0, ""), |error| (error.code, error.message.as_str()));
    let message = bounded(&format!("HTTP {}: {said} ({code})", answer.status)).to_owned();
    let known = errors
        .iter()
        .find_map(|error| refusal(provider, error.code, message.clone()));
    match (known, answer.status) {
        (Some(Error::Unavailable { .. }), _) => {
            unavailable(message, answer.retry_after.or(Some(Duration::from_secs(1))))
        }
        (Some(known), _) => known,
        (None, 401 | 403 | 404) => Error::Config { provider, message },
        // The word stands in the text; its place there is not documented.
        (None, 409) if answer.body.windows(6).any(|word| word == b"paused") => Error::Locked {
            provider,
            message,
            source: None,
        },
        (None, 429) => unavailable(message, answer.retry_after.or(Some(Duration::from_secs(1)))),
        (None, 400..500) => Error::InvalidMessage { provider, message },
        // Internal errors say nothing about what was done before.
        (None, _) => lost(intent, message),
    }
}

pub(super) fn unavailable(message: String, retry_after: Option<Duration>) -> Error {
    Error::Unavailable {
        provider: PROVIDER,
        message,
        retry_after,
        source: None,
    }
}

fn lost(intent: Intent, message: String) -> Error {
    match intent {
        Intent::Read => unavailable(message, None),
        Intent::Write => Error::OutcomeUnknown {
            provider: PROVIDER,
            message,
            source: None,
        },
    }
}

/// The error and everything underneath it on one line; the outermost message alone says next to nothing.
fn words(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    bounded(&text).to_owned()
}
