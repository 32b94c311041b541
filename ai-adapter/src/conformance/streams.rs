//! What a model gives piece by piece.

use futures_util::StreamExt;

use super::{Fault, Harness};
use crate::{Error, StreamEvent};

/// The last event is the only `Done`, and holds what the pieces add up to.
pub async fn a_stream_ends_with_its_sum<H: Harness>(h: &H) {
    h.answer().await;
    let mut stream = h.model().stream(&h.request()).await.expect("a stream");
    let mut text = String::new();
    let mut done = None;
    while let Some(event) = stream.next().await {
        assert!(done.is_none(), "an event after the last one");
        match event.expect("an event") {
            StreamEvent::Text(piece) => text.push_str(&piece),
            StreamEvent::Done(response) => done = Some(response),
            StreamEvent::Reasoning(_) | StreamEvent::ToolCall { .. } | StreamEvent::Ping => {}
        }
    }
    let response = done.expect("a last event");
    assert!(!text.is_empty());
    assert_eq!(response.text, text);
    let last = response.attempts.last().expect("at least one attempt");
    assert_eq!(last.error, None);
}

/// A stream that ends before its terminal event ends in `Incomplete`.
pub async fn a_cut_stream_is_incomplete<H: Harness>(h: &H) {
    h.inject(Fault::CutStream).await;
    let mut stream = h.model().stream(&h.request()).await.expect("a stream that begins");
    let mut error = None;
    while let Some(event) = stream.next().await {
        assert!(error.is_none(), "an event after the error");
        match event {
            Ok(StreamEvent::Done(response)) => {
                panic!("a cut stream passed for whole: {response:?}")
            }
            Ok(_) => {}
            Err(cut) => error = Some(cut),
        }
    }
    let error = error.expect("an error");
    assert!(matches!(error, Error::Incomplete(_)), "{error:?}");
    assert!(error.is_retryable());
    assert!(!error.attempts().is_empty());
}

/// What fails before the first piece is the same error `generate` gives.
pub async fn a_stream_fails_as_generate_does<H: Harness>(h: &H) {
    h.inject(Fault::Down).await;
    let generated = h.model().generate(&h.request()).await.expect_err("the far side failed");
    h.inject(Fault::Down).await;
    let streamed = match h.model().stream(&h.request()).await {
        Err(error) => error,
        Ok(mut stream) => stream.next().await.expect("an event").expect_err("the far side failed"),
    };
    assert_eq!(streamed.condition(), generated.condition());
    assert_eq!(streamed.attempts().len(), generated.attempts().len());
}
