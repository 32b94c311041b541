//! Any answer to Gemini is an answer or a typed error.
#![no_main]

mod answers;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::Gemini;

/// Made once: its HTTP client costs more than thousands of answers.
static MODEL: LazyLock<Gemini> = LazyLock::new(|| Gemini::builder("m").api_key("k").build().unwrap());

fuzz_target!(|input: (u8, &[u8])| {
    let status = answers::status(input.0);
    answers::text(&*MODEL, status, input.1);
    answers::picture(&*MODEL, status, input.1);
});
