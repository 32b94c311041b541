//! Pictures: [`POST /images/generations`](https://platform.openai.com/docs/api-reference/images/create), and `/images/edits` for a
//! request with pictures.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::OpenAi;
use crate::http::{
    self, Answer, Count, Few, JSON, MAX_IMAGE_BODY, Multipart, Takes, Told, Word, error_told, malformed,
};
use crate::ledger::enter;
use crate::{Image, ImageModel, ImageRequest, ImageResponse, Result, Usage, platform};

/// GPT image models give base64 always, and refuse a `response_format`.
#[derive(Debug, Serialize)]
struct Generation<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_format: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial_images: Option<u8>,
}

#[derive(Debug, Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    data: Few<Datum<'a>>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Debug, Deserialize)]
struct Datum<'a> {
    #[serde(borrow, default)]
    b64_json: Word<'a>,
}

#[derive(Debug, Deserialize)]
pub(super) struct WireUsage {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
}

impl From<WireUsage> for Usage {
    fn from(wire: WireUsage) -> Self {
        Self {
            input_tokens: wire.input_tokens.0,
            output_tokens: wire.output_tokens.0,
            ..Self::default()
        }
    }
}

pub(super) const TAKES: Takes = Takes {
    size: true,
    images: true,
    media_types: &["image/png", "image/jpeg", "image/webp"],
};

impl OpenAi {
    async fn draw(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let peer = &self.server.peer;
        http::check_image(&peer.provider, request, TAKES)?;
        let mut answer = self.ask_for_image(request, None, JSON).await?;
        let body = http::read_most(peer, &mut answer.body, MAX_IMAGE_BODY).await?;
        self.picture(&answer, &body)
    }

    /// The answer to a request for a picture, as a stream with so many sights of it, or whole.
    pub(super) async fn ask_for_image(
        &self,
        request: &ImageRequest,
        partials: Option<u8>,
        accept: &'static str,
    ) -> Result<Answer> {
        let size = request.size.map(|(width, height)| format!("{width}x{height}"));
        let format = request
            .media_type
            .as_deref()
            .and_then(|kind| kind.strip_prefix("image/"));
        if request.images.is_empty() {
            let body = Generation {
                model: &self.model,
                prompt: &request.prompt,
                size: size.as_deref(),
                output_format: format,
                stream: partials.map(|_| true),
                partial_images: partials,
            };
            let url = self.server.url("/images/generations")?;
            return self.server.post(&url, request.timeout, accept, &body).await;
        }
        let mut form = Multipart::new();
        form.text("model", &self.model);
        form.text("prompt", &request.prompt);
        for image in &request.images {
            let kind = Image::type_of(&image.bytes).unwrap_or("image/png");
            form.file("image[]", kind, &image.bytes);
        }
        if let Some(size) = size {
            form.text("size", &size);
        }
        if let Some(format) = format {
            form.text("output_format", format);
        }
        if let Some(partials) = partials {
            form.text("stream", "true");
            form.text("partial_images", &partials.to_string());
        }
        let (content_type, body) = form.finish();
        let url = self.server.url("/images/edits")?;
        let kind = Some(content_type.as_str());
        self.server.post_bytes(&url, request.timeout, accept, kind, body).await
    }

    /// The pictures in a whole answer.
    pub(super) fn picture(&self, answer: &Answer, body: &[u8]) -> Result<ImageResponse> {
        let peer = &self.server.peer;
        let reply: Reply<'_> = http::parse(peer, answer, body)?;
        let pictures = reply.data.0.iter().filter_map(|datum| datum.b64_json.get());
        let images: Vec<Image> = pictures.map(|text| http::decoded(peer, text)).collect::<Result<_>>()?;
        if images.is_empty() {
            // An object without a picture tells of an error, or is none of ours.
            return Err(match Told::in_json(body) {
                Some(told) => error_told(peer, None, &answer.headers, told),
                None => malformed(peer, "the reply has no picture"),
            });
        }
        let mut response = ImageResponse::new(&peer.provider, &self.model, images);
        response.request_id = answer.request_id(peer);
        response.usage = reply.usage.map(Usage::from).unwrap_or_default();
        Ok(response)
    }
}

#[async_trait]
impl ImageModel for OpenAi {
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
