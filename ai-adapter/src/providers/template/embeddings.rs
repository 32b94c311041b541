//! Vectors of words, which no model made.

use async_trait::async_trait;

use super::{NAME, Template};
use crate::embedding_model::hashed;
use crate::ledger::enter;
use crate::{Attempt, EmbeddingModel, EmbeddingRequest, EmbeddingResponse, Result};

/// Texts that share words are near each other, and that is all: a vector counts the words of a text, each at the place its
/// hash says. The same text has the same vector on every machine, so near-duplicates are found without a key.
#[async_trait]
impl EmbeddingModel for Template {
    fn provider(&self) -> &str {
        NAME
    }

    fn model(&self) -> &str {
        NAME
    }

    async fn embed(&self, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
        request.check(NAME)?;
        let mut response = EmbeddingResponse::new(NAME, NAME, hashed::vectors(request));
        let warning = "no model made these vectors: they count words";
        response.warnings.push(warning.to_owned());
        let mut result = Ok(response);
        // No model, no bill: a known price of nothing.
        enter(&mut result, || Attempt {
            cost_micros: Some(0),
            ..Attempt::new(NAME, NAME, None)
        });
        result
    }
}
