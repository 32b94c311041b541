//! The parts of any text are within every limit, and nothing but white space is missing between them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presswork_social::{Counter, Limits, Splitter};

fuzz_target!(|text: &str| {
    let limits = [
        Limits::text("x", Counter::X, 60),
        Limits::text("bluesky", Counter::Graphemes, 70),
        Limits::text("mastodon", Counter::Mastodon { per_url: 23 }, 80),
    ];
    let Ok(parts) = Splitter::new(&limits).split(text) else {
        return;
    };
    let mut rest = text;
    for part in &parts {
        assert!(limits.iter().all(|limits| limits.fits(part, 0)));
        rest = rest.trim_start().strip_prefix(part.as_str()).expect("a part is missing");
    }
    assert!(rest.trim().is_empty());
});
