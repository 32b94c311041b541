//! Any answer to OpenAI's two APIs is an answer or a typed error.
#![no_main]

mod answers;

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::OpenAi;
use presswork_ai_adapter::providers::openai::Dialect;

fuzz_target!(|input: (u8, &[u8])| {
    let status = answers::status(input.0);
    let builder = || OpenAi::builder("m").api_key("k");
    let model = builder().build().unwrap();
    answers::text(&model, status, input.1);
    answers::text(&builder().dialect(Dialect::chat()).build().unwrap(), status, input.1);
    answers::picture(&model, status, input.1);
});
