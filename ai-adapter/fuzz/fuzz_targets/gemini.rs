//! Any answer to Gemini is an answer or a typed error.
#![no_main]

mod answers;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::Gemini;

fuzz_target!(|input: (u8, &[u8])| {
    let status = answers::status(input.0);
    let model = Gemini::builder("m").api_key("k").build().unwrap();
    answers::text(&model, status, input.1);
    answers::picture(&model, status, input.1);
});
