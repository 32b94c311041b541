//! Every counter takes any text, and `preview` agrees with `count`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presswork_social::{Counter, Limits, Post};

fuzz_target!(|text: &str| {
    for counter in [
        Counter::X,
        Counter::Graphemes,
        Counter::Mastodon { per_url: 23 },
        Counter::Strictest { per_url: 23 },
        Counter::Threads,
        Counter::LinkedIn,
    ] {
        let limits = Limits::text("fuzz", counter, 280);
        let fitted = limits.fit(text, 0);
        assert!(limits.count(&fitted) <= 280);
        assert_eq!(limits.preview(&Post::new(text)).length, limits.count(text));
    }
});
