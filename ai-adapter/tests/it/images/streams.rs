//! Pictures that show themselves before they are done.

use futures_util::StreamExt;
use presswork_ai_adapter::providers::openai::{ImageEvent, ImageStream};

use super::*;

/// Base64 of the first bytes of a JPEG.
const JPEG: &str = "/9j/4A==";

fn openai(url: &str) -> OpenAi {
    OpenAi::builder("gpt-image-2")
        .base_url(url)
        .api_key(KEY)
        .build()
        .unwrap()
}

fn events(events: &[Value]) -> ResponseTemplate {
    let body: String = events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or("x")))
        .collect();
    ResponseTemplate::new(200).set_body_raw(format!(": hello\n\n{body}"), "text/event-stream")
}

fn partial(kind: &str, index: u64) -> Value {
    json!({ "type": format!("{kind}.partial_image"), "b64_json": JPEG, "partial_image_index": index, "created_at": 1,
            "size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "jpeg" })
}

fn completed(kind: &str) -> Value {
    let details = json!({ "text_tokens": 9, "image_tokens": 0 });
    let usage =
        json!({ "input_tokens": 9, "input_tokens_details": details, "output_tokens": 1156, "total_tokens": 1165 });
    json!({ "type": format!("{kind}.completed"), "b64_json": PNG, "usage": usage, "created_at": 2, "output_format": "png" })
}

async fn serve(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

/// What is seen, and what it ends with.
async fn seen(
    stream: Result<ImageStream, Error>,
) -> (
    Vec<(u64, String)>,
    Result<Box<presswork_ai_adapter::ImageResponse>, Error>,
) {
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => return (Vec::new(), Err(error)),
    };
    let mut partials = Vec::new();
    while let Some(event) = stream.next().await {
        match event {
            Ok(ImageEvent::Partial { index, image }) => partials.push((index, image.media_type)),
            Ok(ImageEvent::Done(response)) => {
                assert!(stream.next().await.is_none(), "something followed the end");
                return (partials, Ok(response));
            }
            Ok(_) => {}
            Err(error) => {
                assert!(stream.next().await.is_none(), "something followed the error");
                return (partials, Err(error));
            }
        }
    }
    panic!("the stream ended without an end");
}

#[tokio::test]
async fn openai_shows_a_picture_before_it_is_done() {
    let kind = "image_generation";
    let unknown = json!({ "type": "image_generation.news", "x": 1 });
    let server = serve(events(&[partial(kind, 0), unknown, partial(kind, 1), completed(kind)])).await;
    let stream = openai(&server.uri())
        .stream_image(&ImageRequest::new("A tower."), 2)
        .await;
    let (partials, response) = seen(stream).await;
    let response = response.unwrap();
    assert_eq!(partials, [(0, "image/jpeg".to_owned()), (1, "image/jpeg".to_owned())]);
    assert_eq!(
        (response.images.len(), response.images[0].media_type.as_str()),
        (1, "image/png")
    );
    assert_eq!(
        (response.usage.input_tokens, response.usage.output_tokens),
        (Some(9), Some(1156))
    );
    assert_eq!(
        (response.attempts.len(), response.attempts[0].usage),
        (1, response.usage)
    );
    let sent = server.received_requests().await.unwrap().pop().unwrap();
    assert_eq!(
        (sent.url.path(), &sent.headers["accept"]),
        ("/images/generations", &"text/event-stream".parse().unwrap())
    );
    let body: Value = sent.body_json().unwrap();
    let want = json!({ "model": "gpt-image-2", "prompt": "A tower.", "stream": true, "partial_images": 2 });
    assert_eq!(body, want, "and no response_format");
}

#[tokio::test]
async fn openai_shows_an_edit_before_it_is_done() {
    let kind = "image_edit";
    let server = serve(events(&[partial(kind, 0), completed(kind)])).await;
    let request = ImageRequest::new("Add a clock.").image(Image::new(*b"GIF89a", "image/gif"));
    let (partials, response) = seen(openai(&server.uri()).stream_image(&request, 1).await).await;
    assert_eq!((partials.len(), response.unwrap().images.len()), (1, 1));
    let sent = server.received_requests().await.unwrap().pop().unwrap();
    let form = String::from_utf8_lossy(&sent.body).into_owned();
    assert_eq!(sent.url.path(), "/images/edits");
    assert!(
        form.contains("name=\"stream\"\r\n\r\ntrue\r\n") && form.contains("name=\"partial_images\"\r\n\r\n1\r\n"),
        "{form}"
    );
    assert!(!form.contains("response_format"), "{form}");
}

#[tokio::test]
async fn a_picture_at_once_ends_its_stream() {
    let server = serve(ResponseTemplate::new(200).set_body_json(OpenAiImages::answer())).await;
    let (partials, response) = seen(
        openai(&server.uri())
            .stream_image(&ImageRequest::new("A tower."), 3)
            .await,
    )
    .await;
    assert_eq!((partials.len(), response.unwrap().images.len()), (0, 1));
}

#[tokio::test]
async fn a_stream_of_a_picture_ends_in_one_typed_error() {
    let kind = "image_generation";
    let moderated = json!({ "message": "Rejected by the safety system.", "code": "moderation_blocked", "type": "image_generation_user_error" });
    let cases = [
        (events(&[partial(kind, 0)]), 1, "incomplete"),
        (events(&[]), 0, "incomplete"),
        (
            ResponseTemplate::new(200).set_body_raw("data: [DONE]\n\n", "text/event-stream"),
            0,
            "incomplete",
        ),
        (
            events(&[partial(kind, 0), json!({ "type": "error", "error": moderated })]),
            1,
            "refused",
        ),
        (
            events(&[json!({ "type": "error", "code": "server_error", "message": "oops" })]),
            0,
            "unavailable",
        ),
        (
            events(&[json!({ "error": { "code": "rate_limit_exceeded", "message": "slow" } })]),
            0,
            "rate_limited",
        ),
        (
            events(&[json!({ "type": "image_generation.completed" })]),
            0,
            "malformed",
        ),
        (
            events(&[json!({ "type": "image_generation.partial_image", "b64_json": "!" })]),
            0,
            "malformed",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("data: {\"type\"\n\n", "text/event-stream"),
            0,
            "malformed",
        ),
        (
            ResponseTemplate::new(200).set_body_json(OpenAiImages::empty()),
            0,
            "malformed",
        ),
        (
            ResponseTemplate::new(400).set_body_json(OpenAiImages::moderated().1),
            0,
            "refused",
        ),
        (ResponseTemplate::new(503), 0, "unavailable"),
    ];
    for (answer, count, condition) in cases {
        let server = serve(answer).await;
        let (partials, result) = seen(
            openai(&server.uri())
                .stream_image(&ImageRequest::new("A tower."), 3)
                .await,
        )
        .await;
        let error = result.unwrap_err();
        assert_eq!(
            (partials.len(), error.condition(), error.attempts().len()),
            (count, condition, 1),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn four_sights_are_refused_before_anything_is_sent() {
    let server = serve(ResponseTemplate::new(500)).await;
    let error = openai(&server.uri())
        .stream_image(&ImageRequest::new("A tower."), 4)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
    assert!(server.received_requests().await.unwrap().is_empty());
}

/// Longer than an event of text may be.
#[tokio::test]
async fn a_large_picture_fits_in_an_event() {
    let large = format!("iVBORw0K{}", "A".repeat(8 << 20));
    let server = serve(events(&[
        json!({ "type": "image_generation.completed", "b64_json": large }),
    ]))
    .await;
    let (_, response) = seen(
        openai(&server.uri())
            .stream_image(&ImageRequest::new("A tower."), 0)
            .await,
    )
    .await;
    assert!(response.unwrap().images[0].bytes.len() > 6 << 20);
}
