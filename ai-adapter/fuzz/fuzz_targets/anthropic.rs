//! Any answer to Anthropic is an answer or a typed error.
#![no_main]

#[allow(dead_code, reason = "there are no pictures here")]
mod answers;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::Anthropic;

/// Made once: its HTTP client costs more than thousands of answers.
static MODEL: LazyLock<Anthropic> = LazyLock::new(|| Anthropic::builder("m").api_key("k").build().unwrap());

fuzz_target!(|input: (u8, &[u8])| {
    let status = answers::status(input.0);
    answers::text(&*MODEL, status, input.1);
});
