//! What one would write by hand with reqwest and serde_json for this one server.

use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};

use crate::{KEY, MAX_TOKENS, SYSTEM, TEMPERATURE, USER};

pub struct Contender {
    client: Client,
    url: Url,
    model: String,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: [Message<'a>; 2],
    max_tokens: u32,
    temperature: f64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'a str,
    content: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    model: String,
    choices: Vec<Choice>,
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Content,
    finish_reason: String,
}

#[derive(Deserialize)]
struct Content {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Chunk {
    choices: Vec<Delta>,
}

#[derive(Deserialize)]
struct Delta {
    delta: Content,
}

impl Contender {
    pub fn new(base_url: &str, model: &str) -> Self {
        Self {
            client: Client::new(),
            url: format!("{base_url}/chat/completions").parse().unwrap(),
            model: model.to_owned(),
        }
    }

    async fn post(&self, stream: bool) -> reqwest::Response {
        let request = Request {
            model: &self.model,
            messages: [
                Message {
                    role: "system",
                    content: SYSTEM,
                },
                Message {
                    role: "user",
                    content: USER,
                },
            ],
            max_tokens: MAX_TOKENS,
            temperature: TEMPERATURE,
            stream,
        };
        let request = self.client.post(self.url.clone()).bearer_auth(KEY).json(&request);
        request.send().await.unwrap().error_for_status().unwrap()
    }

    pub async fn call(&self) -> String {
        let reply: Reply = self.post(false).await.json().await.unwrap();
        std::hint::black_box((&reply.model, reply.usage.prompt_tokens, reply.usage.completion_tokens));
        let choice = reply.choices.into_iter().next().unwrap();
        std::hint::black_box(&choice.finish_reason);
        choice.message.content.unwrap()
    }

    pub async fn stream(&self, on_chunk: &mut dyn FnMut()) {
        let mut response = self.post(true).await;
        let mut buffer = Vec::new();
        while let Some(bytes) = response.chunk().await.unwrap() {
            buffer.extend_from_slice(&bytes);
            while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                let data = buffer[..end].strip_prefix(b"data: ").unwrap();
                if data == b"[DONE]" {
                    return;
                }
                let chunk: Chunk = serde_json::from_slice(data).unwrap();
                if let Some(text) = chunk.choices.into_iter().next().and_then(|choice| choice.delta.content) {
                    if !text.is_empty() {
                        std::hint::black_box(text);
                        on_chunk();
                    }
                }
                buffer.drain(..end + 2);
            }
        }
    }
}
