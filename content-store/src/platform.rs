//! The one place that knows which target this is.

/// Milliseconds since the Unix epoch, UTC.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

/// Milliseconds since the Unix epoch, UTC.
#[cfg(target_arch = "wasm32")]
#[allow(clippy::cast_possible_truncation)] // a date in milliseconds is far below 2^53
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Whether the text is in Unicode normal form C.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn is_nfc(text: &str) -> bool {
    unicode_normalization::is_nfc(text)
}

/// Whether the text is in Unicode normal form C. The runtime has the tables: 45 kB of gzipped wasm less.
#[cfg(target_arch = "wasm32")]
pub(crate) fn is_nfc(text: &str) -> bool {
    text.is_ascii() || js_sys::JsString::from(text).normalize("NFC") == text
}
