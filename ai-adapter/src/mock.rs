//! mockall mocks of the traits.

use async_trait::async_trait;
use mockall::mock;

use crate::{
    Capabilities, EmbeddingModel, EmbeddingRequest, EmbeddingResponse, ImageModel, ImageRequest, ImageResponse,
    LanguageModel, Result, TextRequest, TextResponse, TextStream,
};

mock! {
    /// A mock of [`LanguageModel`].
    #[derive(Debug)]
    pub LanguageModel {}

    #[async_trait]
    impl LanguageModel for LanguageModel {
        fn provider(&self) -> &str;
        fn model(&self) -> &str;
        fn capabilities(&self) -> Capabilities;
        async fn generate(&self, request: &TextRequest) -> Result<TextResponse>;
        async fn stream(&self, request: &TextRequest) -> Result<TextStream>;
    }
}

mock! {
    /// A mock of [`EmbeddingModel`].
    #[derive(Debug)]
    pub EmbeddingModel {}

    #[async_trait]
    impl EmbeddingModel for EmbeddingModel {
        fn provider(&self) -> &str;
        fn model(&self) -> &str;
        async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse>;
    }
}

mock! {
    /// A mock of [`ImageModel`].
    #[derive(Debug)]
    pub ImageModel {}

    #[async_trait]
    impl ImageModel for ImageModel {
        fn provider(&self) -> &str;
        fn model(&self) -> &str;
        async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse>;
    }
}
