//! What comes back, and what is made of it.

use super::*;

async fn answered(body: Value) -> Result<Vec<Vec<f32>>, Error> {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let model = OpenAiVectors::model(&server.uri());
    model
        .embed(&EmbeddingRequest::new(["a", "b"]))
        .await
        .map(|response| response.vectors)
}

#[tokio::test]
async fn vectors_that_are_none_are_malformed() {
    let one = |index: Value, embedding: Value| json!({ "index": index, "embedding": embedding });
    let data = |data: Value| json!({ "data": data });
    for body in [
        json!({}),
        data(json!([])),
        data(json!([one(json!(0), json!([1.0]))])),
        data(json!([one(json!(0), json!([1.0])), one(json!(0), json!([1.0]))])),
        data(json!([one(json!(0), json!([1.0])), one(json!(2), json!([1.0]))])),
        data(json!([one(json!(0), json!([1.0])), one(json!(1), json!([1.0, 2.0]))])),
        data(json!([one(json!(0), json!([])), one(json!(1), json!([]))])),
        data(json!([one(json!(0), json!([1.0])), one(json!(1), json!([1e300]))])),
        data(json!([one(json!(0), json!("AAAA")), one(json!(1), json!("AAAA"))])),
        data(json!([
            one(json!(0), json!([1.0])),
            one(json!(1), json!([1.0])),
            one(json!(2), json!([1.0]))
        ])),
    ] {
        let error = answered(body.clone()).await.expect_err(&body.to_string());
        assert!(matches!(error, Error::Malformed(_)), "{body}: {error:?}");
    }
    // Without an index the order is that of the texts.
    let vectors = answered(json!({ "data": [{ "embedding": [1] }, { "embedding": [2] }] }))
        .await
        .unwrap();
    assert_eq!(vectors, [[1.0], [2.0]]);
    let told = json!({ "error": { "message": "no", "code": "insufficient_quota" } });
    assert!(matches!(answered(told).await, Err(Error::QuotaExhausted(_))));
}

#[tokio::test]
async fn a_length_that_is_ignored_is_malformed() {
    let server = MockServer::start().await;
    let answer = OpenAiVectors::answer(vec![vec![1.0; 8]]);
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let request = EmbeddingRequest::new(["a"]).dimensions(4);
    let error = OpenAiVectors::model(&server.uri()).embed(&request).await.unwrap_err();
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

#[tokio::test]
async fn tokens_are_those_of_all_batches() {
    let far = Far::<OpenAiVectors>::start().await;
    let texts = (0..300).map(|number| format!("Text {number}."));
    let response = far.model().embed(&EmbeddingRequest::new(texts)).await.unwrap();
    assert_eq!(
        (response.usage.input_tokens, response.usage.output_tokens),
        (Some(1500), None)
    );
    assert_eq!(response.attempts.len(), 1);
}

#[tokio::test]
async fn long_texts_fill_a_batch_by_their_bytes() {
    let far = Far::<OpenAiVectors>::start().await;
    let texts: Vec<String> = [200_000, 100_000, 1, 400_000, 1]
        .iter()
        .map(|length| "x".repeat(*length))
        .collect();
    let response = far.model().embed(&EmbeddingRequest::new(texts)).await.unwrap();
    let sizes: Vec<usize> = far
        .0
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|sent| sent.body.len())
        .collect();
    assert_eq!((response.vectors.len(), sizes.len()), (5, 4));
    assert!(
        sizes[0] > 300_000 && sizes[1] < 200 && sizes[2] > 400_000 && sizes[3] < 200,
        "{sizes:?}"
    );
}

#[tokio::test]
async fn retry_asks_again_and_keeps_the_ledger() {
    let failure = || Failure::new("scripted", "no").boxed();
    let script = Scripted::new()
        .vectors(Err(Error::Unavailable(failure())))
        .vectors(Ok(vec![vec![1.0]]));
    let policy = RetryPolicy::default().base_delay(Duration::ZERO);
    let response = Retry::new(script.clone(), policy.clone())
        .embed(&EmbeddingRequest::new(["a"]))
        .await
        .unwrap();
    assert_eq!((response.vectors, response.attempts.len()), (vec![vec![1.0]], 2));
    let script = script.vectors(Err(Error::Rejected(failure())));
    let error = Retry::new(script.clone(), policy)
        .embed(&EmbeddingRequest::new(["a"]))
        .await
        .unwrap_err();
    assert_eq!((error.attempts().len(), script.embedding_requests().len()), (1, 3));
}
