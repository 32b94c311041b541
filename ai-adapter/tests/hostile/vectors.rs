//! Embedding models in the tables of text models: a question's texts are what is embedded, and any vectors are "Hello.".

use async_trait::async_trait;
use futures_util::stream;
use presswork_ai_adapter::{
    Capabilities, EmbeddingModel, EmbeddingRequest, LanguageModel, Result, StreamEvent, TextRequest, TextResponse,
    TextStream,
};

#[derive(Debug)]
pub(crate) struct Vectors<M>(pub(crate) M);

#[async_trait]
impl<M: EmbeddingModel> LanguageModel for Vectors<M> {
    fn provider(&self) -> &str {
        self.0.provider()
    }

    fn model(&self) -> &str {
        self.0.model()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn generate(&self, request: &TextRequest) -> Result<TextResponse> {
        let mut texts = EmbeddingRequest::new(request.messages.iter().map(|message| message.text()));
        texts.timeout = request.timeout;
        let reply = self.0.embed(&texts).await?;
        let mut response = TextResponse::new(&reply.provider, &reply.model, "Hello.");
        // Whoever looks for a secret finds what the reply would show.
        response.warnings.push(format!("{reply:?}"));
        response.request_id = reply.request_id;
        response.usage = reply.usage;
        response.attempts = reply.attempts;
        Ok(response)
    }

    /// Whole: there are no streams of vectors.
    async fn stream(&self, request: &TextRequest) -> Result<TextStream> {
        let response = self.generate(request).await?;
        let events = [
            StreamEvent::Text(response.text.clone()),
            StreamEvent::Done(Box::new(response)),
        ];
        Ok(TextStream::new(stream::iter(events.map(Ok))))
    }
}
