//! Pictures. Each family of [models](https://developers.cloudflare.com/workers-ai/models/) has inputs of its own; the answer is
//! base64 in JSON, or the file itself.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::json;

use super::WorkersAi;
use super::builder::Door;
use crate::http::{self, Answer, JSON, MAX_IMAGE_BODY, Multipart, Takes, Word, malformed};
use crate::ledger::enter;
use crate::{Error, Failure, ImageModel, ImageRequest, ImageResponse, Result, platform};

/// REST wraps the result; the binding may not.
#[derive(Debug, Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    image: Word<'a>,
    #[serde(borrow, default)]
    result: Option<Inner<'a>>,
}

#[derive(Debug, Deserialize)]
struct Inner<'a> {
    #[serde(borrow, default)]
    image: Word<'a>,
}

impl WorkersAi {
    async fn draw(&self, request: &ImageRequest) -> Result<ImageResponse> {
        let peer = &self.server().peer;
        let takes = Takes {
            size: !self.model.contains("flux-1-schnell"),
            images: false,
            media_types: &[],
        };
        http::check_image(&peer.provider, request, takes)?;
        let mut answer = self.ask_for_picture(request).await?;
        let body = http::read_most(peer, &mut answer.body, MAX_IMAGE_BODY).await?;
        let is_object = body.trim_ascii_start().first() == Some(&b'{');
        let image = if is_object {
            let reply: Reply<'_> = http::parse(peer, &answer, &body)?;
            let inner = reply.result.as_ref().and_then(|inner| inner.image.get());
            let text = reply.image.get().or(inner);
            http::decoded(peer, text.ok_or_else(|| no_picture(peer, &answer, &body))?)?
        } else {
            http::picture(peer, body.into())?
        };
        let mut response = ImageResponse::new(&peer.provider, &self.model, vec![image]);
        response.request_id = answer.request_id(peer);
        Ok(response)
    }

    async fn ask_for_picture(&self, request: &ImageRequest) -> Result<Answer> {
        // The models of this family take a form.
        if !self.model.contains("flux-2") {
            let mut body = json!({ "prompt": request.prompt });
            if let Some((width, height)) = request.size {
                body["width"] = width.into();
                body["height"] = height.into();
            }
            return self.exchange(request.timeout, JSON, &body).await;
        }
        let Door::Http { server, url } = &self.door else {
            let message = "this model takes a form, which goes by REST alone here";
            return Err(Error::Unsupported(
                Failure::new(&self.server().peer.provider, message).boxed(),
            ));
        };
        let mut form = Multipart::new();
        form.text("prompt", &request.prompt);
        if let Some((width, height)) = request.size {
            form.text("width", &width.to_string());
            form.text("height", &height.to_string());
        }
        let (content_type, body) = form.finish();
        server
            .post_bytes(url, request.timeout, JSON, Some(&content_type), body)
            .await
    }
}

/// An object without a picture tells of an error, or is none of ours.
fn no_picture(peer: &http::Peer, answer: &Answer, body: &[u8]) -> Error {
    match http::Told::in_json(body) {
        Some(told) => http::error_told(peer, None, &answer.headers, told),
        None => malformed(peer, "the reply has no picture"),
    }
}

#[async_trait]
impl ImageModel for WorkersAi {
    fn provider(&self) -> &str {
        &self.server().peer.provider
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
