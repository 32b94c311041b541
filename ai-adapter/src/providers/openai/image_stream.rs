//! A picture that shows itself before it is done: `stream: true` with
//! [`partial_images`](https://platform.openai.com/docs/guides/image-generation#streaming).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, Stream, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::OpenAi;
use super::images::{TAKES, WireUsage};
use crate::http::{self, Answer, Count, EVENTS, MAX_IMAGE_BODY, Peer, Told, Word, error_told, malformed, transport};
use crate::ledger::{enter, enter_error};
use crate::sse::Decoder;
use crate::{Error, Image, ImageRequest, ImageResponse, Result, Usage, platform};

/// The API's own bound.
const MOST_PARTIALS: u8 = 3;

/// A sight of a picture.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ImageEvent {
    /// The picture so far, as a file of its own.
    Partial {
        /// Which one, from 0.
        index: u64,
        /// Whole in size, and rough.
        image: Image,
    },
    /// Nothing but a sign of life.
    Ping,
    /// The end: the picture itself. Nothing follows.
    Done(Box<ImageResponse>),
}

/// The sights of a picture, ending in one [`ImageEvent::Done`] or in one error. Dropping it ends the request.
pub struct ImageStream(Pin<Box<dyn Stream<Item = Result<ImageEvent>> + Send>>);

impl Stream for ImageStream {
    type Item = Result<ImageEvent>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for ImageStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImageStream(..)")
    }
}

#[derive(Debug, Default, Deserialize)]
struct Event<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    b64_json: Word<'a>,
    #[serde(default)]
    partial_image_index: Count,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

struct State {
    model: OpenAi,
    answer: Answer,
    decoder: Decoder,
    /// The server sends one body although a stream was asked for.
    is_whole: bool,
    at_end: bool,
    is_over: bool,
}

impl OpenAi {
    /// Draws once, and shows `partials` sights of the picture on the way: 0 to 3, as many as the server has time for. Each is billed
    /// as output. With 0 the stream only keeps the connection alive: a picture of high quality takes minutes.
    ///
    /// # Errors
    /// Before the stream and in it those of [`generate_image`](crate::ImageModel::generate_image);
    /// [`Error::Config`] for more than 3, and [`Error::Incomplete`] when the stream ends before the picture is done.
    pub async fn stream_image(&self, request: &ImageRequest, partials: u8) -> Result<ImageStream> {
        let peer = &self.server.peer;
        if partials > MOST_PARTIALS {
            return Err(Error::Config(
                peer.failure("there are at most 3 sights of a picture").boxed(),
            ));
        }
        http::check_image(&peer.provider, request, TAKES)?;
        let started = platform::now_ms();
        let answer = match self.ask_for_image(request, Some(partials), EVENTS).await {
            Ok(answer) => answer,
            Err(mut error) => {
                enter_error(&mut error, || self.attempt_since(started));
                return Err(error);
            }
        };
        let state = Box::new(State {
            is_whole: !http::is_stream(answer.content_type()),
            model: self.clone(),
            answer,
            decoder: Decoder::up_to(MAX_IMAGE_BODY),
            at_end: false,
            is_over: false,
        });
        let model = self.clone();
        let events = stream::unfold(state, |mut state| async move {
            let event = state.next().await?;
            Some((event, state))
        });
        Ok(ImageStream(Box::pin(events.map(move |event| match event {
            Ok(ImageEvent::Done(response)) => {
                let mut result = Ok(*response);
                enter(&mut result, || model.attempt_since(started));
                result.map(|response| ImageEvent::Done(Box::new(response)))
            }
            Err(mut error) => {
                enter_error(&mut error, || model.attempt_since(started));
                Err(error)
            }
            event => event,
        }))))
    }
}

impl State {
    async fn next(&mut self) -> Option<Result<ImageEvent>> {
        if self.is_over {
            return None;
        }
        let event = if self.is_whole {
            let peer = &self.model.server.peer;
            let body = http::read_most(peer, &mut self.answer.body, MAX_IMAGE_BODY).await;
            let response = body.and_then(|body| self.model.picture(&self.answer, &body));
            response.map(|response| ImageEvent::Done(Box::new(response)))
        } else {
            self.read().await
        };
        self.is_over = matches!(event, Ok(ImageEvent::Done(_)) | Err(_));
        Some(event)
    }

    async fn read(&mut self) -> Result<ImageEvent> {
        let peer = &self.model.server.peer;
        loop {
            let next = match self.decoder.next() {
                Ok(None) if self.at_end => self.decoder.finish(),
                next => next,
            };
            match next {
                Ok(Some(b"[DONE]")) => return Err(cut(peer)),
                Ok(Some(b"")) => {}
                Ok(Some(data)) => return event(&self.model, &self.answer, data),
                Ok(None) if self.at_end => return Err(cut(peer)),
                Ok(None) => match self.answer.body.chunk().await {
                    Ok(Some(bytes)) => {
                        self.decoder.feed(&bytes);
                    }
                    Ok(None) => self.at_end = true,
                    Err(error) => return Err(transport(peer, error)),
                },
                Err(_) => return Err(malformed(peer, "an event of the stream is too long")),
            }
        }
    }
}

fn event(model: &OpenAi, answer: &Answer, data: &[u8]) -> Result<ImageEvent> {
    let peer = &model.server.peer;
    let event: Event<'_> = http::parse(peer, answer, data)?;
    let image = || http::decoded(peer, event.b64_json.get().unwrap_or_default());
    match &*event.kind.0 {
        "image_generation.partial_image" | "image_edit.partial_image" => Ok(ImageEvent::Partial {
            index: event.partial_image_index.0.unwrap_or(0),
            image: image()?,
        }),
        "image_generation.completed" | "image_edit.completed" => {
            let mut response = ImageResponse::new(&peer.provider, &model.model, vec![image()?]);
            response.request_id = answer.request_id(peer);
            response.usage = event.usage.map_or_else(Usage::default, Usage::from);
            Ok(ImageEvent::Done(Box::new(response)))
        }
        kind => {
            let flat = || Told::raw(serde_json::from_slice(data).ok()?).filter(|_| kind == "error");
            match event.error.and_then(Told::raw).or_else(flat) {
                Some(told) => Err(error_told(peer, None, &answer.headers, told)),
                // New events may come.
                None => Ok(ImageEvent::Ping),
            }
        }
    }
}

fn cut(peer: &Peer) -> Error {
    let message = format!("{}: the stream ended before the picture was done", peer.host);
    Error::Incomplete(peer.failure(message).boxed())
}
