//! Patience with models of pictures and of vectors.

use async_trait::async_trait;

use super::Retry;
use crate::ledger::prepend;
use crate::{EmbeddingModel, EmbeddingRequest, EmbeddingResponse, ImageModel, ImageRequest, ImageResponse, Result};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: ImageModel> ImageModel for Retry<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let names = (self.inner.provider(), self.inner.model());
        let (mut result, earlier) = self
            .run(names, request, |model, request| model.generate_image(request))
            .await;
        prepend(&mut result, earlier);
        result
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<M: EmbeddingModel> EmbeddingModel for Retry<M> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn model(&self) -> &str {
        self.inner.model()
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
        let names = (self.inner.provider(), self.inner.model());
        let (mut result, earlier) = self.run(names, request, |model, request| model.embed(request)).await;
        prepend(&mut result, earlier);
        result
    }
}
