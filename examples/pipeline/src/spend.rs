//! What a model call used, as the ledger keeps it.

use presswork_ai_adapter::{Error as ModelError, TextResponse, Usage};
use presswork_content_store::{NewSpend, Page};

/// A call that answered. `usage` is the sum over its repairs.
pub(crate) fn of_response(page: &Page, purpose: &str, response: &TextResponse, usage: Usage) -> NewSpend {
    NewSpend {
        page_id: Some(page.id),
        purpose: purpose.into(),
        provider: response.provider.clone(),
        model: response.model.clone(),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_micros: response
            .attempts
            .iter()
            .filter_map(|attempt| attempt.cost_micros)
            .reduce(|a, b| a + b),
        outcome: "ok".into(),
    }
}

/// The calls behind an error: each may have been billed.
pub(crate) fn of_failure(page: &Page, purpose: &str, error: &ModelError) -> Vec<NewSpend> {
    let attempts = error.attempts().iter();
    attempts
        .map(|attempt| NewSpend {
            page_id: Some(page.id),
            purpose: purpose.into(),
            provider: attempt.provider.clone(),
            model: attempt.model.clone(),
            input_tokens: attempt.usage.input_tokens,
            output_tokens: attempt.usage.output_tokens,
            cost_micros: attempt.cost_micros,
            outcome: attempt.error.clone().unwrap_or_else(|| "ok".into()),
        })
        .collect()
}
