//! Any answer to Anthropic is an answer or a typed error.
#![no_main]

#[allow(dead_code, reason = "there are no pictures here")]
mod answers;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::Anthropic;

fuzz_target!(|input: (u8, &[u8])| {
    let model = Anthropic::builder("m").api_key("k").build().unwrap();
    answers::text(&model, answers::status(input.0), input.1);
});
