//! The one place that knows the target.

/// Milliseconds since 1970 in UTC.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970 in UTC.
#[cfg(target_arch = "wasm32")]
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}
