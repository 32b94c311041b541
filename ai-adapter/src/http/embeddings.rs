//! What the embedding APIs share: texts in batches, vectors in order.

use std::time::Duration;

use async_trait::async_trait;

use super::{Few, Peer, malformed};
use crate::clock::{elapsed, remaining};
use crate::ledger::enter;
use crate::{Attempt, EmbeddingRequest, EmbeddingResponse, Result, Usage, platform};

/// The numbers of one vector as they arrive. The vectors of known models are shorter (OpenAI's and Gemini's have 3,072); one
/// as long as a body allows would take twice the body's bytes, and as much again while it grows.
pub(crate) type Numbers = Few<f32, 16_384>;

/// One request of an API for vectors.
#[async_trait]
pub(crate) trait Embeds: Send + Sync {
    /// Who answers.
    fn peer(&self) -> &Peer;

    /// The model's id.
    fn model(&self) -> &str;

    /// How much one request takes.
    fn most(&self) -> Most;

    /// Asks once.
    async fn batch(&self, texts: &[String], dimensions: Option<u32>, timeout: Option<Duration>) -> Result<Batch>;
}

/// How much one request takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) texts: usize,
    /// Of all texts together; one that is longer goes alone.
    pub(crate) bytes: usize,
}

/// What one request brought.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// With the place of its text, if the API tells one.
    pub(crate) vectors: Vec<(Option<usize>, Vec<f32>)>,
    pub(crate) tokens: Option<u64>,
    pub(crate) request_id: Option<String>,
}

/// Asks in as many requests as it takes.
pub(crate) async fn embed<E: Embeds>(model: &E, request: &EmbeddingRequest) -> Result<EmbeddingResponse> {
    request.check(&model.peer().provider)?;
    if request.texts.is_empty() {
        return Ok(EmbeddingResponse::new(
            &model.peer().provider,
            model.model(),
            Vec::new(),
        ));
    }
    let started = platform::now_ms();
    let mut result = ask(model, request, started).await;
    let since = || elapsed(started, platform::now_ms());
    enter(&mut result, || {
        Attempt::new(&model.peer().provider, model.model(), Some(since()))
    });
    result
}

async fn ask<E: Embeds>(model: &E, request: &EmbeddingRequest, started: i64) -> Result<EmbeddingResponse> {
    let peer = model.peer();
    let mut response = EmbeddingResponse::new(&peer.provider, model.model(), Vec::new());
    let mut tokens = Some(0_u64);
    let mut rest = request.texts.as_slice();
    while !rest.is_empty() {
        let (texts, after) = rest.split_at(fits(rest, model.most()));
        let left = remaining(request.timeout, started, platform::now_ms());
        let batch = model.batch(texts, request.dimensions, left).await?;
        response.vectors.extend(in_order(peer, batch.vectors, texts.len())?);
        tokens = tokens.zip(batch.tokens).map(|(a, b)| a.saturating_add(b));
        response.request_id = batch.request_id.or(response.request_id);
        rest = after;
    }
    let wanted = request.dimensions.map(|dimensions| dimensions as usize);
    let length = wanted.or(response.vectors.first().map(Vec::len));
    if response.vectors.iter().any(|vector| Some(vector.len()) != length) {
        return Err(malformed(peer, "a vector has not the length it should"));
    }
    response.usage = Usage {
        input_tokens: tokens,
        ..Usage::default()
    };
    Ok(response)
}

/// How many of these texts one request takes, at least one.
fn fits(texts: &[String], most: Most) -> usize {
    let mut bytes = 0;
    let fit = texts.iter().take(most.texts).take_while(|text| {
        bytes += text.len();
        bytes <= most.bytes
    });
    fit.count().max(1)
}

/// The vectors by their places; every place is taken once.
fn in_order(peer: &Peer, vectors: Vec<(Option<usize>, Vec<f32>)>, count: usize) -> Result<Vec<Vec<f32>>> {
    let mut places: Vec<Option<Vec<f32>>> = vec![None; count];
    for (arrival, (index, vector)) in vectors.into_iter().enumerate() {
        let place = places.get_mut(index.unwrap_or(arrival)).filter(|place| place.is_none());
        let Some(place) = place else {
            return Err(malformed(peer, "a vector is of no text"));
        };
        if vector.is_empty() || !vector.iter().all(|number| number.is_finite()) {
            return Err(malformed(peer, "a vector is empty, or not of numbers"));
        }
        *place = Some(vector);
    }
    let vectors: Option<Vec<_>> = places.into_iter().collect();
    vectors.ok_or_else(|| malformed(peer, "a text has no vector"))
}
