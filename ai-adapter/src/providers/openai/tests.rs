//! Requests byte for byte, replies in every dialect, and what goes wrong on the way.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::{
    Error, FinishReason, LanguageModelExt, Message, ReasoningEffort, ResponseSchema, StreamEvent, Tool, ToolCall,
    ToolChoice, Usage,
};

const KEY: &str = "sk-secret-abcdefghijklmnop";

fn model_at(uri: &str) -> OpenAi {
    OpenAi::builder("m")
        .api_key(KEY)
        .base_url(uri)
        .dialect(Dialect::chat())
        .build()
        .unwrap()
}

async fn answering(answer: ResponseTemplate) -> (MockServer, OpenAi) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let model = model_at(&server.uri());
    (server, model)
}

fn hello() -> TextRequest {
    TextRequest::user("Hi")
}

async fn reply_to(body: Value) -> Result<TextResponse> {
    answering(ResponseTemplate::new(200).set_body_json(body))
        .await
        .1
        .generate(&hello())
        .await
}

fn sse(text: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(text, "text/event-stream; charset=utf-8")
}

async fn stream_of(answer: ResponseTemplate) -> Vec<Result<StreamEvent>> {
    let (_server, model) = answering(answer).await;
    match model.stream(&hello()).await {
        Ok(stream) => {
            let events = stream.filter(|event| std::future::ready(!matches!(event, Ok(StreamEvent::Ping))));
            events.collect().await
        }
        Err(error) => vec![Err(error)],
    }
}

fn done(events: Vec<Result<StreamEvent>>) -> TextResponse {
    match events.into_iter().next_back() {
        Some(Ok(StreamEvent::Done(response))) => *response,
        other => panic!("not done: {other:?}"),
    }
}

mod replies;
mod requests;
mod responses;
mod streams;
