//! Any answer to Workers AI is an answer or a typed error.
#![no_main]

mod answers;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::WorkersAi;

fuzz_target!(|input: (u8, &[u8])| {
    let status = answers::status(input.0);
    let model = WorkersAi::builder("m").account("a").api_key("k").build().unwrap();
    answers::text(&model, status, input.1);
    answers::picture(&model, status, input.1);
});
