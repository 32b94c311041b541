//! Any split of any stream gives the same events, and none breaks the decoder.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::fuzzing::events;

fuzz_target!(|input: (u8, &[u8])| {
    let (size, bytes) = input;
    let whole = events(bytes, bytes.len().max(1));
    assert_eq!(events(bytes, usize::from(size).max(1)), whole);
    assert_eq!(events(bytes, 1), whole);
});
