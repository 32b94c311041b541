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

/// Makes a future of HTTP `Send`; natively it is already.
#[cfg(all(feature = "d1-http", not(target_arch = "wasm32")))]
pub(crate) fn local<F: Future + Send>(future: F) -> F {
    future
}

/// Makes a future of HTTP `Send`: wasm32 has one thread.
#[cfg(all(feature = "d1-http", target_arch = "wasm32"))]
pub(crate) fn local<F: Future>(future: F) -> send_wrapper::SendWrapper<F> {
    send_wrapper::SendWrapper::new(future)
}

/// Whether the request never left, because no connection was made.
#[cfg(all(feature = "d1-http", not(target_arch = "wasm32")))]
pub(crate) fn never_left(error: &reqwest::Error) -> bool {
    error.is_connect() || error.is_builder()
}

/// Whether the request never left; a browser's fetch does not tell.
#[cfg(all(feature = "d1-http", target_arch = "wasm32"))]
pub(crate) fn never_left(error: &reqwest::Error) -> bool {
    error.is_builder()
}
