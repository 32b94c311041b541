//! A server that repeats what it was sent, whole, cut and in the wrong place: no error shows it.

use presswork_ai_adapter::{
    Anthropic, EmbeddingModel, EmbeddingRequest, Error, Gemini, LanguageModel, OpenAi, TextRequest, WorkersAi,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

/// Shaped like no vendor's, so that only remembering it helps.
const KEY: &str = "not/Real+0123456789/abcdef==";
const EXTRA: &str = "zyxwvu.9876543210.notreal";

type Models = (Vec<Box<dyn LanguageModel>>, Vec<Box<dyn EmbeddingModel>>);

fn models(url: &str) -> Models {
    macro_rules! model {
        ($builder:expr) => {
            Box::new(
                $builder
                    .base_url(url)
                    .api_key(KEY)
                    .header("x-gateway", format!("Bearer {EXTRA}"))
                    .build()
                    .unwrap(),
            )
        };
    }
    let talk: Vec<Box<dyn LanguageModel>> = vec![
        model!(OpenAi::builder("m")),
        model!(Anthropic::builder("m")),
        model!(Gemini::builder("m")),
        model!(WorkersAi::builder("m")),
    ];
    let embed: Vec<Box<dyn EmbeddingModel>> = vec![
        model!(OpenAi::builder("m")),
        model!(Gemini::builder("m")),
        model!(WorkersAi::builder("m")),
    ];
    (talk, embed)
}

fn answers() -> Vec<ResponseTemplate> {
    let both = format!("not valid: {KEY}, nor {EXTRA}");
    let json = serde_json::json!({ "error": { "message": both, "code": KEY, "type": EXTRA } });
    let mut all = vec![
        ResponseTemplate::new(400).set_body_json(&json),
        ResponseTemplate::new(200).set_body_json(&json),
        ResponseTemplate::new(200).set_body_json(serde_json::json!({ "choices": KEY, "content": KEY, "output": KEY })),
        ResponseTemplate::new(401)
            .set_body_string("no")
            .insert_header("x-request-id", KEY),
    ];
    // Wherever a message is cut, the cut may go through a secret.
    for fill in [60, 70, 180, 190, 480, 490] {
        let page = format!("{}{KEY} {EXTRA}", "x ".repeat(fill / 2));
        all.push(ResponseTemplate::new(500).set_body_string(&page));
        all.push(ResponseTemplate::new(200).set_body_string(page));
    }
    all
}

#[tokio::test]
async fn no_error_repeats_what_a_server_repeats() {
    for answer in answers() {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let (talk, embed) = models(&server.uri());
        let mut errors = Vec::new();
        for model in talk {
            let request = TextRequest::user("hello");
            errors.push(model.generate(&request).await.map(drop).unwrap_err());
            errors.extend(model.stream(&request).await.map(drop).err());
        }
        for model in embed {
            errors.push(model.embed(&EmbeddingRequest::new(["hello"])).await.unwrap_err());
        }
        errors.iter().for_each(no_secret);
    }
}

fn no_secret(error: &Error) {
    let mut shown = format!("{error} {error:?}");
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        shown.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    for secret in [KEY, EXTRA] {
        assert!(!shown.contains(&secret[..10]), "{shown}");
    }
}
