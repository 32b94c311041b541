//! What the targets in `fuzz/` reach. Compiled for them alone, by `--cfg fuzzing`.

use std::cell::RefCell;

use reqwest::header::HeaderMap;

use crate::object;
use crate::platform::Body;
use crate::sse::Decoder;

thread_local! {
    static NEXT: RefCell<Option<reqwest::Response>> = const { RefCell::new(None) };
}

/// Makes this the answer to the next request of this thread, which then goes nowhere.
pub fn answer_next(response: reqwest::Response) {
    NEXT.with_borrow_mut(|next| *next = Some(response));
}

pub(crate) fn answer() -> Option<(u16, HeaderMap, Body)> {
    let mut response = NEXT.with_borrow_mut(Option::take)?;
    let headers = std::mem::take(response.headers_mut());
    Some((response.status().as_u16(), headers, Body::new(response)))
}

/// The events of a stream that comes in chunks of this size.
pub fn events(bytes: &[u8], size: usize) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for chunk in bytes.chunks(size) {
        decoder.feed(chunk);
        while let Ok(Some(data)) = decoder.next() {
            events.push(data.to_vec());
        }
    }
    if let Ok(Some(data)) = decoder.finish() {
        events.push(data.to_vec());
    }
    events
}

/// The object a model's answer holds, as JSON.
pub fn json_in(text: &str) -> Option<String> {
    object::json_in(text).map(|value| value.to_string())
}

/// The object that begins with the text, as far as it goes, as JSON.
pub fn json_so_far(text: &str) -> Option<String> {
    object::json_so_far(text).map(|value| value.to_string())
}
