//! Vectors of the [embedding models](https://developers.cloudflare.com/workers-ai/models/?tasks=Text+Embeddings).

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::WorkersAi;
use crate::http::{self, Batch, Count, Embeds, Few, JSON, Most, Numbers, Peer};
use crate::{EmbeddingModel, EmbeddingRequest, EmbeddingResponse, Error, Failure, Result};

/// REST wraps the result; the binding may not.
#[derive(Debug, Default, Deserialize)]
struct Reply {
    #[serde(default)]
    data: Few<Numbers>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    result: Option<Box<Reply>>,
}

#[derive(Debug, Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Count,
}

#[async_trait]
impl Embeds for WorkersAi {
    fn peer(&self) -> &Peer {
        &self.server().peer
    }

    fn model(&self) -> &str {
        &self.model
    }

    /// `maxItems` of `text` in the input schema of the
    /// [models](https://developers.cloudflare.com/workers-ai/models/bge-large-en-v1.5/).
    fn most(&self) -> Most {
        Most {
            texts: 100,
            bytes: usize::MAX,
        }
    }

    async fn batch(&self, texts: &[String], _: Option<u32>, timeout: Option<Duration>) -> Result<Batch> {
        let peer = &self.server().peer;
        let mut answer = self.exchange(timeout, JSON, &json!({ "text": texts })).await?;
        let body = http::read(peer, &mut answer.body).await?;
        let mut reply: Reply = http::parse(peer, &answer, &body)?;
        if let Some(inner) = reply.result.take() {
            reply = *inner;
        } else if reply.data.is_empty()
            && let Some(told) = http::Told::in_json(&body)
        {
            return Err(http::error_told(peer, None, &answer.headers, told));
        }
        Ok(Batch {
            vectors: reply.data.into_iter().map(|vector| (None, vector.0)).collect(),
            tokens: reply.usage.and_then(|usage| usage.prompt_tokens.0),
            request_id: answer.request_id(peer),
        })
    }
}

#[async_trait]
impl EmbeddingModel for WorkersAi {
    fn provider(&self) -> &str {
        &self.server().peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    /// The models have one length of vectors each: asking for another is [`Error::Unsupported`].
    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
        if request.dimensions.is_some() {
            let message = "the models of this provider take no dimensions";
            return Err(Error::Unsupported(
                Failure::new(&self.server().peer.provider, message).boxed(),
            ));
        }
        http::embed(self, request).await
    }
}
