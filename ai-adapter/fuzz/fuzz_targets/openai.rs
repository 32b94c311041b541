//! Any answer to OpenAI's two APIs is an answer or a typed error.
#![no_main]

mod answers;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::OpenAi;
use presswork_ai_adapter::providers::openai::Dialect;

/// Made once: their HTTP clients cost more than thousands of answers.
static RESPONSES: LazyLock<OpenAi> = LazyLock::new(|| model(Dialect::openai()));
static CHAT: LazyLock<OpenAi> = LazyLock::new(|| model(Dialect::chat()));

fn model(dialect: Dialect) -> OpenAi {
    OpenAi::builder("m").api_key("k").dialect(dialect).build().unwrap()
}

fuzz_target!(|input: (u8, &[u8])| {
    let status = answers::status(input.0);
    answers::text(&*RESPONSES, status, input.1);
    answers::text(&*CHAT, status, input.1);
    answers::picture(&*RESPONSES, status, input.1);
});
