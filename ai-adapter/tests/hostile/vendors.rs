//! Every provider, with the shortest happy answers of its API.

use std::time::Duration;

use presswork_ai_adapter::providers::openai::Dialect;
use presswork_ai_adapter::{
    Anthropic, Error, Gemini, LanguageModel, OpenAi, Result, TextRequest, TextResponse, Tool, WorkersAi,
};
use serde_json::json;

use crate::vectors::Vectors;

const KEY: &str = "sk-test-key-1234567890";

/// One API: a model of it, "Hello." whole, and "Hello." as a stream.
pub(crate) struct Vendor {
    pub(crate) name: &'static str,
    pub(crate) model: fn(&str) -> Box<dyn LanguageModel>,
    pub(crate) whole: &'static str,
    pub(crate) stream: &'static str,
    /// A piece of a stream with `{}` for the text, for floods.
    pub(crate) piece: &'static str,
}

/// How many of [`VENDORS`] stream text; the others embed.
pub(crate) const TALKERS: usize = 5;

pub(crate) const VENDORS: [Vendor; 8] = [
    Vendor {
        name: "openai chat",
        model: |url| {
            Box::new(
                OpenAi::builder("m")
                    .base_url(url)
                    .api_key(KEY)
                    .dialect(Dialect::chat())
                    .build()
                    .unwrap(),
            )
        },
        whole: r#"{"choices":[{"message":{"content":"Hello."},"finish_reason":"stop"}]}"#,
        stream: "data: {\"choices\":[{\"delta\":{\"content\":\"Hello.\"}}]}\n\n\
                 data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        piece: r#"{"choices":[{"delta":{"content":"{}"}}]}"#,
    },
    Vendor {
        name: "openai responses",
        model: |url| {
            Box::new(
                OpenAi::builder("m")
                    .base_url(url)
                    .api_key(KEY)
                    .dialect(Dialect::openai())
                    .build()
                    .unwrap(),
            )
        },
        whole: r#"{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hello."}]}]}"#,
        stream: "data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hello.\"}\n\n\
                 data: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n",
        piece: r#"{"type":"response.output_text.delta","delta":"{}"}"#,
    },
    Vendor {
        name: "anthropic",
        model: |url| Box::new(Anthropic::builder("m").base_url(url).api_key(KEY).build().unwrap()),
        whole: r#"{"type":"message","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn"}"#,
        stream: "data: {\"type\":\"message_start\",\"message\":{\"type\":\"message\"}}\n\n\
                 data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello.\"}}\n\n\
                 data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n\
                 data: {\"type\":\"message_stop\"}\n\n",
        piece: r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{}"}}"#,
    },
    Vendor {
        name: "gemini",
        model: |url| Box::new(Gemini::builder("m").base_url(url).api_key(KEY).build().unwrap()),
        whole: r#"{"candidates":[{"content":{"parts":[{"text":"Hello."}]},"finishReason":"STOP"}]}"#,
        stream: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hello.\"}]}}]}\n\n\
                 data: {\"candidates\":[{\"finishReason\":\"STOP\"}]}\n\n",
        piece: r#"{"candidates":[{"content":{"parts":[{"text":"{}"}]}}]}"#,
    },
    Vendor {
        name: "workers-ai",
        model: |url| Box::new(WorkersAi::builder("m").base_url(url).api_key(KEY).build().unwrap()),
        whole: r#"{"result":{"response":"Hello."},"success":true}"#,
        stream: "data: {\"response\":\"Hello.\"}\n\ndata: [DONE]\n\n",
        piece: r#"{"response":"{}"}"#,
    },
    Vendor {
        name: "openai vectors",
        model: |url| {
            Box::new(Vectors(
                OpenAi::builder("m").base_url(url).api_key(KEY).build().unwrap(),
            ))
        },
        whole: r#"{"data":[{"index":0,"embedding":[0.5]}]}"#,
        stream: r#"{"data":[{"index":0,"embedding":[0.5]}]}"#,
        piece: "",
    },
    Vendor {
        name: "gemini vectors",
        model: |url| {
            Box::new(Vectors(
                Gemini::builder("m").base_url(url).api_key(KEY).build().unwrap(),
            ))
        },
        whole: r#"{"embeddings":[{"values":[0.5]}]}"#,
        stream: r#"{"embeddings":[{"values":[0.5]}]}"#,
        piece: "",
    },
    Vendor {
        name: "workers-ai vectors",
        model: |url| {
            Box::new(Vectors(
                WorkersAi::builder("m").base_url(url).api_key(KEY).build().unwrap(),
            ))
        },
        whole: r#"{"result":{"data":[[0.5]]},"success":true}"#,
        stream: r#"{"result":{"data":[[0.5]]},"success":true}"#,
        piece: "",
    },
];

/// A question that leaves nothing to chance: generous, so that only a hang meets the deadline.
pub(crate) fn request() -> TextRequest {
    TextRequest::user("hello").timeout(Duration::from_secs(120))
}

/// With a tool, a provider keeps turns as they came.
pub(crate) fn with_tool() -> TextRequest {
    request().tool(Tool::new("t", "A tool.", json!({ "type": "object" })))
}

/// Asks for the answer whole, or reads it to the end of its stream.
pub(crate) async fn ask(model: &dyn LanguageModel, request: &TextRequest, streamed: bool) -> Result<TextResponse> {
    if streamed {
        model.stream(request).await?.response().await
    } else {
        model.generate(request).await
    }
}

/// The error's condition, and its text, bounded as promised.
pub(crate) fn condition(error: &Error) -> &'static str {
    assert!(error.failure().message.chars().count() <= 500);
    error.condition()
}
