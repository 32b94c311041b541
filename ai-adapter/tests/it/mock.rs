//! The exported mocks are models.

use presswork_ai_adapter::{
    Capabilities, LanguageModelExt, MockImageModel, MockLanguageModel, RetryPolicy, TextRequest, TextResponse,
};
use presswork_ai_adapter::{LanguageModel, ResponseSchema};

#[tokio::test]
async fn a_mock_answers_and_can_be_wrapped() {
    let mut model = MockLanguageModel::new();
    model.expect_capabilities().return_const(Capabilities::all());
    model.expect_provider().return_const("mock".to_owned());
    model.expect_model().return_const("mock".to_owned());
    model
        .expect_generate()
        .withf(|request| request.schema == Some(ResponseSchema::of::<std::collections::BTreeMap<String, u8>>()))
        .times(1)
        .returning(|_| Ok(TextResponse::new("mock", "mock", "{\"a\": 1}")));
    let model = model.retry(RetryPolicy::default());
    let object = model
        .generate_object::<std::collections::BTreeMap<String, u8>>(&TextRequest::user("Hi"))
        .await
        .unwrap();
    assert_eq!(object.value["a"], 1);
    assert_eq!(model.provider(), "mock");
    let _ = MockImageModel::new();
}
