//! Pictures, by [`generateContent`](https://ai.google.dev/gemini-api/docs/image-generation) of an image model.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Gemini;
use super::reply::{Feedback, WireUsage};
use crate::http::{self, Few, First, JSON, MAX_IMAGE_BODY, Takes, Text, Word};
use crate::ledger::enter;
use crate::{Error, ImageModel, ImageRequest, ImageResponse, Result, Usage, platform};

/// The ratios of width to height the API takes.
const RATIOS: [(u32, u32); 10] = [
    (1, 1),
    (2, 3),
    (3, 2),
    (3, 4),
    (4, 3),
    (4, 5),
    (5, 4),
    (9, 16),
    (16, 9),
    (21, 9),
];

const TAKES: Takes = Takes {
    size: true,
    images: true,
    media_types: &[],
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply<'a> {
    #[serde(borrow, default)]
    candidates: First<Candidate<'a>>,
    #[serde(borrow, default)]
    prompt_feedback: Option<Feedback<'a>>,
    #[serde(default)]
    usage_metadata: Option<WireUsage>,
    #[serde(borrow, default)]
    response_id: Word<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    #[serde(borrow, default)]
    finish_reason: Word<'a>,
}

#[derive(Debug, Default, Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    parts: Few<Part<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part<'a> {
    #[serde(default)]
    text: Text,
    #[serde(default)]
    thought: bool,
    #[serde(borrow, default)]
    inline_data: Option<Inline<'a>>,
}

#[derive(Debug, Default, Deserialize)]
struct Inline<'a> {
    #[serde(borrow, default)]
    data: Word<'a>,
}

/// The nearest ratio there is.
fn ratio(width: u32, height: u32) -> (u32, u32) {
    let wanted = (f64::from(width.max(1)) / f64::from(height.max(1))).ln();
    let distance = |(w, h): &(u32, u32)| ((f64::from(*w) / f64::from(*h)).ln() - wanted).abs();
    let nearest = RATIOS.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.copied().unwrap_or((1, 1))
}

fn is_refusal(finish: &str) -> bool {
    matches!(
        finish,
        "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
    )
}

impl Gemini {
    fn picture_request(&self, request: &ImageRequest, warnings: &mut Vec<String>) -> Value {
        let mut parts: Vec<Value> = request
            .images
            .iter()
            .map(|image| {
                let (data, kind) = http::encoded(image);
                json!({ "inlineData": { "mimeType": kind, "data": data } })
            })
            .collect();
        parts.push(json!({ "text": request.prompt }));
        let mut config = json!({ "responseModalities": ["IMAGE"] });
        if let Some((width, height)) = request.size {
            let (w, h) = ratio(width, height);
            config["imageConfig"] = json!({ "aspectRatio": format!("{w}:{h}") });
            warnings.push(format!(
                "{width}x{height} pixels were asked for; the API takes ratios alone, and got {w}:{h}"
            ));
        }
        let mut body = json!({ "contents": [{ "role": "user", "parts": parts }], "generationConfig": config });
        if !self.options.safety.is_empty() {
            let settings = self.options.safety.iter();
            let settings: Vec<Value> = settings
                .map(|(category, threshold)| json!({ "category": category, "threshold": threshold }))
                .collect();
            body["safetySettings"] = settings.into();
        }
        body
    }

    async fn draw(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let peer = &self.server.peer;
        http::check_image(&peer.provider, request, TAKES)?;
        let mut warnings = Vec::new();
        let body = self.picture_request(request, &mut warnings);
        let mut answer = self.server.post(&self.generate, request.timeout, JSON, &body).await?;
        let body = http::read_most(peer, &mut answer.body, MAX_IMAGE_BODY).await?;
        let reply: Reply<'_> = http::parse(peer, &answer, &body)?;
        let request_id = answer
            .request_id(peer)
            .or_else(|| reply.response_id.get().map(|id| peer.hide(id).into_owned()));
        let blocked = reply.prompt_feedback.as_ref().and_then(|told| told.block_reason.get());
        if let Some(reason) = blocked {
            let failure = peer
                .failure(format!("the prompt was blocked: {reason}"))
                .request_id(request_id);
            return Err(Error::Refused(failure.boxed()));
        }
        let candidate = reply.candidates.0.unwrap_or_default();
        let finish = candidate.finish_reason.into_owned();
        let parts = candidate.content.map(|content| content.parts.0).unwrap_or_default();
        let images = parts
            .iter()
            // A thinking model shows its sketches, too.
            .filter(|part| !part.thought)
            .filter_map(|part| part.inline_data.as_ref())
            .map(|inline| http::decoded(peer, inline.data.get().unwrap_or_default()))
            .collect::<Result<Vec<_>>>()?;
        if images.is_empty() {
            let words: String = parts.iter().map(|part| part.text.0.as_str()).collect();
            let failure = peer
                .failure(format!("no picture was drawn ({finish}): {words}"))
                .request_id(request_id)
                .boxed();
            // A model that answers in words will not draw.
            return Err(if is_refusal(&finish) || !words.trim().is_empty() {
                Error::Refused(failure)
            } else {
                Error::Malformed(failure)
            });
        }
        let mut response = ImageResponse::new(&peer.provider, &self.model, images);
        response.usage = reply.usage_metadata.map(Usage::from).unwrap_or_default();
        response.request_id = request_id;
        response.warnings = warnings;
        Ok(response)
    }
}

#[async_trait]
impl ImageModel for Gemini {
    fn provider(&self) -> &str {
        &self.server.peer.provider
    }

    fn model(&self) -> &str {
        &self.model
    }

    async fn generate_image(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let started = platform::now_ms();
        let mut result = self.draw(request).await;
        enter(&mut result, || self.attempt_since(started));
        result
    }
}
