//! The generous reader of JSON takes any text, what it read it reads again, and JSON is read as JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presswork_ai_adapter::fuzzing::{json_in, json_so_far};

fuzz_target!(|text: &str| {
    let _ = json_in(text);
    if let Some(read) = json_so_far(text) {
        // Not `read` itself: the last digit of a float may change each time serde_json reads it.
        let strictly = json_in(&read);
        assert!(strictly.is_some(), "{read}");
        assert_eq!(json_so_far(&read), strictly);
    }
});
