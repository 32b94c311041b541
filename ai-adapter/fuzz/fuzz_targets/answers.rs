//! What the targets of the providers share: a model, and an answer from the fuzzer instead of a server.

use futures_executor::block_on;
use presswork_ai_adapter::fuzzing::answer_next;
use presswork_ai_adapter::{
    EmbeddingModel, EmbeddingRequest, Error, ImageModel, ImageRequest, LanguageModel, Result, TextRequest, Tool,
};

/// Asks for text in every way; each gets this answer.
pub fn text(model: &impl LanguageModel, status: u16, body: &[u8]) {
    let plain = TextRequest::user("hello");
    let tool = Tool::new("t", "A tool.", "{\"type\":\"object\"}".parse().unwrap());
    for request in [plain.clone(), plain.tool(tool)] {
        give(status, "application/json", body);
        check(block_on(model.generate(&request)));
        give(status, "text/event-stream", body);
        check(block_on(async { model.stream(&request).await?.response().await }));
    }
}

/// Asks for a picture and for vectors; each gets this answer.
pub fn picture(model: &(impl ImageModel + EmbeddingModel), status: u16, body: &[u8]) {
    give(status, "application/json", body);
    check(block_on(model.generate_image(&ImageRequest::new("a tower"))));
    give(status, "application/json", body);
    check(block_on(model.embed(&EmbeddingRequest::new(["a", "b"]))));
}

fn give(status: u16, kind: &str, body: &[u8]) {
    let response = http::Response::builder().status(status).header("content-type", kind);
    answer_next(response.body(body.to_vec()).unwrap().into());
}

fn check<T>(result: Result<T>) {
    if let Err(error) = result {
        assert!(error.failure().message.chars().count() <= 500);
        assert!(!matches!(error, Error::Timeout(_) | Error::Unsupported(_)), "{error:?}");
        assert_eq!(error.attempts().len(), 1);
    }
}

/// Mostly successes.
pub fn status(byte: u8) -> u16 {
    match byte {
        0..=199 => 200,
        byte => 400 + u16::from(byte - 200),
    }
}
