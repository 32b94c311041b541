//! What a model call used, as the ledger keeps it.
//!
//! Names and numbers come from a server and may be anything; here they become something every store takes, because a line
//! of the spend ledger must never cost a page.

use presswork_ai_adapter::{Attempt, Error as ModelError, TextResponse, Usage};
use presswork_content_store::{NewSpend, Page};

use crate::text::name;

/// The largest whole number every store keeps exactly: 2^53 - 1.
const MAX_COUNT: u64 = (1 << 53) - 1;

/// A call that answered and belongs to no page, made for that campaign.
#[must_use]
pub fn of_answer(campaign: &str, purpose: &str, response: &TextResponse) -> NewSpend {
    NewSpend {
        page_id: None,
        campaign: campaign.into(),
        purpose: purpose.into(),
        provider: name(&response.provider),
        model: name(&response.model),
        input_tokens: count(response.usage.input_tokens),
        output_tokens: count(response.usage.output_tokens),
        cost_micros: count(total_cost(&response.attempts)),
        outcome: "ok".into(),
    }
}

/// A call that answered. `usage` is the sum over its repairs.
pub(crate) fn of_response(
    (page, campaign): (&Page, &str),
    purpose: &str,
    response: &TextResponse,
    usage: Usage,
) -> NewSpend {
    NewSpend {
        page_id: Some(page.id),
        input_tokens: count(usage.input_tokens),
        output_tokens: count(usage.output_tokens),
        ..of_answer(campaign, purpose, response)
    }
}

/// The calls behind an error: each may have been billed.
pub(crate) fn of_failure((page, campaign): (&Page, &str), purpose: &str, error: &ModelError) -> Vec<NewSpend> {
    let attempts = error.attempts().iter();
    attempts
        .map(|attempt| NewSpend {
            page_id: Some(page.id),
            campaign: campaign.into(),
            purpose: purpose.into(),
            provider: name(&attempt.provider),
            model: name(&attempt.model),
            input_tokens: count(attempt.usage.input_tokens),
            output_tokens: count(attempt.usage.output_tokens),
            cost_micros: count(attempt.cost_micros),
            // The condition alone; the page keeps the sentence.
            outcome: attempt
                .error
                .as_deref()
                .map_or_else(|| "ok".into(), |error| name(condition(error))),
        })
        .collect()
}

fn total_cost(attempts: &[Attempt]) -> Option<u64> {
    attempts
        .iter()
        .filter_map(|attempt| attempt.cost_micros)
        .reduce(u64::saturating_add)
}

fn condition(error: &str) -> &str {
    error.split_once(':').map_or(error, |(condition, _)| condition)
}

fn count(number: Option<u64>) -> Option<u64> {
    number.filter(|number| *number <= MAX_COUNT)
}
