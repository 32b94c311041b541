//! What goes out, and the shapes of what comes back.

use super::*;

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    server
}

async fn sent(server: &MockServer) -> Request {
    server.received_requests().await.unwrap().pop().unwrap()
}

#[tokio::test]
async fn openai_takes_a_size_and_a_type_and_no_response_format() {
    let server = server(ResponseTemplate::new(200).set_body_json(OpenAiImages::answer())).await;
    let model = OpenAiImages::model(&server.uri());
    let request = ImageRequest::new("A tower.").size(1536, 1024).media_type("image/webp");
    let response = model.generate_image(&request).await.unwrap();
    assert_eq!(response.usage.output_tokens, Some(1056));
    let body: Value = sent(&server).await.body_json().unwrap();
    let want = json!({ "model": "gpt-image-2", "prompt": "A tower.", "size": "1536x1024", "output_format": "webp" });
    assert_eq!(body, want);
    let error = model
        .generate_image(&request.media_type("image/bmp"))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
}

#[tokio::test]
async fn openai_edits_by_a_form() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/images/edits"))
        .and(header("authorization", format!("Bearer {KEY}").as_str()))
        .respond_with(ResponseTemplate::new(200).set_body_json(OpenAiImages::answer()))
        .mount(&server)
        .await;
    let model = OpenAiImages::model(&server.uri());
    // The type is taken from the bytes, not from what is claimed.
    let picture = Image::new(*b"\xff\xd8\xff\r\n--not-a-boundary", "image/png\r\nx: y");
    let request = ImageRequest::new("Add a clock.").image(picture).size(1024, 1024);
    model.generate_image(&request).await.unwrap();
    let sent = sent(&server).await;
    let kinds: Vec<_> = sent.headers.get_all("content-type").iter().collect();
    assert_eq!(kinds.len(), 1);
    let kind = kinds[0].to_str().unwrap();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = String::from_utf8_lossy(&sent.body).into_owned();
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!((parts.len(), parts[0], parts[5]), (6, "", "--\r\n"), "{body}");
    assert_eq!(
        parts[1],
        "\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-image-2\r\n"
    );
    assert!(parts[2].contains("name=\"prompt\"\r\n\r\nAdd a clock.\r\n"), "{body}");
    let head = "name=\"image[]\"; filename=\"image.jpeg\"\r\nContent-Type: image/jpeg\r\n\r\n";
    assert!(
        parts[3].contains(head) && parts[3].ends_with("--not-a-boundary\r\n"),
        "{body}"
    );
    assert!(parts[4].contains("name=\"size\"\r\n\r\n1024x1024\r\n"), "{body}");
}

#[tokio::test]
async fn gemini_takes_a_ratio_and_pictures_and_says_what_became_of_the_size() {
    let server = server(ResponseTemplate::new(200).set_body_json(GeminiImages::answer())).await;
    let model = GeminiImages::model(&server.uri());
    let request = ImageRequest::new("Wider.")
        .size(1200, 630)
        .image(Image::new(*b"GIF89a", "image/gif"));
    let response = model.generate_image(&request).await.unwrap();
    assert_eq!(
        (response.images.len(), response.images[0].media_type.as_str()),
        (1, "image/png")
    );
    assert!(response.warnings[0].contains("16:9"), "{:?}", response.warnings);
    let body: Value = sent(&server).await.body_json().unwrap();
    assert_eq!(body["generationConfig"]["imageConfig"]["aspectRatio"], "16:9");
    assert_eq!(
        body["contents"][0]["parts"][0]["inlineData"],
        json!({ "mimeType": "image/gif", "data": "R0lGODlh" })
    );

    let words =
        json!({ "candidates": [{ "content": { "parts": [{ "text": "I will not." }] }, "finishReason": "STOP" }] });
    let blocked = json!({ "candidates": [{ "finishReason": "IMAGE_SAFETY" }] });
    for answer in [words, blocked] {
        let server = self::server(ResponseTemplate::new(200).set_body_json(answer)).await;
        let error = GeminiImages::model(&server.uri())
            .generate_image(&request)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Refused(_)), "{error:?}");
    }
}

fn workers(url: &str, model: &str) -> WorkersAi {
    WorkersAi::builder(model).base_url(url).api_key(KEY).build().unwrap()
}

#[tokio::test]
async fn workers_ai_gives_files_too_and_takes_what_each_model_takes() {
    let jpeg = ResponseTemplate::new(200).set_body_raw(*b"\xff\xd8\xff\xe0rest", "image/png");
    let server = server(jpeg).await;
    let request = ImageRequest::new("A tower.").size(1024, 768);
    let phoenix = workers(&server.uri(), "@cf/leonardo/phoenix-1.0");
    let response = phoenix.generate_image(&request).await.unwrap();
    assert_eq!(response.images[0].media_type, "image/jpeg");
    let body: Value = sent(&server).await.body_json().unwrap();
    assert_eq!(body, json!({ "prompt": "A tower.", "width": 1024, "height": 768 }));

    workers(&server.uri(), "@cf/black-forest-labs/flux-2-dev")
        .generate_image(&request)
        .await
        .unwrap();
    let form = String::from_utf8_lossy(&sent(&server).await.body).into_owned();
    assert!(
        form.contains("name=\"width\"\r\n\r\n1024\r\n") && form.contains("A tower."),
        "{form}"
    );

    let schnell = workers(&server.uri(), "@cf/black-forest-labs/flux-1-schnell");
    let error = schnell.generate_image(&request).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
    let picture = ImageRequest::new("A tower.").image(Image::new(*b"GIF89a", "image/gif"));
    let error = phoenix.generate_image(&picture).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)), "{error:?}");
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_picture_is_malformed() {
    for data in ["!!!", "aGVsbG8gd29ybGQ="] {
        let answer = json!({ "data": [{ "b64_json": data }] });
        let server = server(ResponseTemplate::new(200).set_body_json(answer)).await;
        let error = OpenAiImages::model(&server.uri())
            .generate_image(&ImageRequest::new("a"))
            .await
            .unwrap_err();
        assert!(
            matches!(error, Error::Malformed(_)) && error.attempts().len() == 1,
            "{error:?}"
        );
    }
    let error = OpenAiImages::model("http://127.0.0.1:9")
        .generate_image(&ImageRequest::new(" "))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
}
