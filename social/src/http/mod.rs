//! One HTTP exchange: how far it got, and what came back.

mod bearer;
mod caller;
mod wait;

use futures_util::StreamExt;
use reqwest::{Client, Request, header::HeaderMap};

use crate::platform;
pub(crate) use caller::{Call, Caller, LATEST_SEND, Settings, common_settings, config, form, percent_encoded};
pub(crate) use wait::{format_rfc3339, parse_rfc3339, until_next_day};

/// Largest answer that is read, in bytes; a page of 40 statuses is a tenth of it.
const MAX_BODY: usize = 1024 * 1024;

/// A status arrived. The body may have been cut off nevertheless.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Result<Vec<u8>, String>,
    /// Another URL than the requested one answered.
    pub(crate) redirected: bool,
}

/// No status arrived.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The request cannot have reached the server.
    NeverSent(reqwest::Error),
    /// The request may have reached the server.
    Lost(reqwest::Error),
}

/// Makes one exchange and never follows a redirect where the platform leaves the choice.
pub(crate) async fn exchange(client: &Client, request: Request) -> Result<Answer, Failure> {
    let client = client.clone();
    platform::local(async move {
        let asked = request.url().clone();
        let response = client.execute(request).await.map_err(|error| {
            let error = error.without_url();
            if platform::never_sent(&error) {
                Failure::NeverSent(error)
            } else {
                Failure::Lost(error)
            }
        })?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let redirected = *response.url() != asked;
        let body = read(response).await;
        Ok(Answer {
            status,
            headers,
            body,
            redirected,
        })
    })
    .await
}

// Not `async`: on wasm32 the response must not be held outside of the wrapper.
fn read(response: reqwest::Response) -> impl Future<Output = Result<Vec<u8>, String>> + Send {
    platform::local(async move {
        let mut stream = response.bytes_stream();
        let mut body = Vec::new();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| describe(&error.without_url()))?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(format!("the answer is longer than {MAX_BODY} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    })
}

/// The error and everything underneath it on one line; the outermost message alone says next to nothing.
pub(crate) fn describe(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as it arrived; nothing of one that was cut off.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }
}
