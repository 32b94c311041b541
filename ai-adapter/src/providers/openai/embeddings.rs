//! Vectors: [`POST /embeddings`](https://platform.openai.com/docs/api-reference/embeddings/create).

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::OpenAi;
use crate::http::{self, Batch, Count, Embeds, Few, JSON, Most, Numbers, Peer};
use crate::{EmbeddingModel, EmbeddingRequest, EmbeddingResponse, Result};

#[derive(Debug, Serialize)]
struct Request<'a> {
    model: &'a str,
    input: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Reply {
    #[serde(default)]
    data: Few<Datum>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
struct Datum {
    #[serde(default)]
    index: Option<usize>,
    embedding: Numbers,
}

#[derive(Debug, Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Count,
}

#[async_trait]
impl Embeds for OpenAi {
    fn peer(&self) -> &Peer {
        &self.server.peer
    }

    fn model(&self) -> &str {
        &self.model
    }

    /// OpenAI takes 2,048 texts and 300,000 tokens. Here it is 256, so that their vectors of 3,072 numbers, as JSON some
    /// 10 MB, stay below the bound of a body; and a token is a byte at least.
    fn most(&self) -> Most {
        Most {
            texts: 256,
            bytes: 300_000,
        }
    }

    async fn batch(&self, texts: &[String], dimensions: Option<u32>, timeout: Option<Duration>) -> Result<Batch> {
        let body = Request {
            model: &self.model,
            input: texts,
            dimensions,
        };
        let peer = &self.server.peer;
        let url = self.server.url("/embeddings")?;
        let mut answer = self.server.post(&url, timeout, JSON, &body).await?;
        let body = http::read(peer, &mut answer.body).await?;
        let reply: Reply = http::parse(peer, &answer, &body)?;
        if reply.data.is_empty()
            && let Some(told) = http::Told::in_json(&body)
        {
            return Err(http::error_told(peer, None, &answer.headers, told));
        }
        Ok(Batch {
            vectors: reply
                .data
                .into_iter()
                .map(|datum| (datum.index, datum.embedding.0))
                .collect(),
            tokens: reply.usage.and_then(|usage| usage.prompt_tokens.0),
            request_id: answer.request_id(peer),
        })
    }
}

#[async_trait]
impl EmbeddingModel for OpenAi {
    fn provider(&self) -> &str {
        &self.server.peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
        http::embed(self, request).await
    }
}
