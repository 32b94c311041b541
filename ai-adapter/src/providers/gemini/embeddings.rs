//! Vectors, by [`batchEmbedContents`](https://ai.google.dev/api/embeddings) of an embedding model.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Gemini;
use super::reply::WireUsage;
use crate::http::{self, Batch, Embeds, Few, JSON, Most, Numbers, Peer};
use crate::{EmbeddingModel, EmbeddingRequest, EmbeddingResponse, Result, Usage};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    #[serde(default)]
    embeddings: Few<Embedding>,
    #[serde(default)]
    usage_metadata: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
struct Embedding {
    values: Numbers,
}

#[async_trait]
impl Embeds for Gemini {
    fn peer(&self) -> &Peer {
        &self.server.peer
    }

    fn model(&self) -> &str {
        &self.model
    }

    /// "At most 100 requests can be in one batch", as the API refuses more; its documents name no number
    /// ([vercel/ai #16575](https://github.com/vercel/ai/pull/16575)).
    fn most(&self) -> Most {
        Most {
            texts: 100,
            bytes: usize::MAX,
        }
    }

    async fn batch(&self, texts: &[String], dimensions: Option<u32>, timeout: Option<Duration>) -> Result<Batch> {
        let name = if self.model.contains('/') {
            self.model.clone()
        } else {
            format!("models/{}", self.model)
        };
        let requests = texts.iter().map(|text| {
            let mut request = json!({ "model": name, "content": { "parts": [{ "text": text }] } });
            if let Some(dimensions) = dimensions {
                request["outputDimensionality"] = dimensions.into();
            }
            request
        });
        let body = json!({ "requests": requests.collect::<Vec<Value>>() });
        let peer = &self.server.peer;
        let mut answer = self.server.post(&self.embed, timeout, JSON, &body).await?;
        let body = http::read(peer, &mut answer.body).await?;
        let reply: Reply = http::parse(peer, &answer, &body)?;
        if reply.embeddings.is_empty()
            && let Some(told) = http::Told::in_json(&body)
        {
            return Err(http::error_told(peer, None, &answer.headers, told));
        }
        Ok(Batch {
            vectors: reply.embeddings.into_iter().map(|one| (None, one.values.0)).collect(),
            tokens: reply.usage_metadata.and_then(|usage| Usage::from(usage).input_tokens),
            request_id: answer.request_id(peer),
        })
    }
}

/// A model whose vectors are shortened by [`dimensions`](EmbeddingRequest::dimensions) does not give unit vectors: compare
/// by the angle.
#[async_trait]
impl EmbeddingModel for Gemini {
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
