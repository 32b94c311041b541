//! The connection ends after each byte of an answer.

use presswork_ai_adapter::{FinishReason, Result, TextResponse};

use crate::server::{Server, head};
use crate::vendors::{TALKERS, VENDORS, Vendor, ask, condition, request};

/// How a connection ends early.
#[derive(Debug, Clone, Copy, PartialEq)]
enum End {
    Close,
    Reset,
}

/// The answer with its head, and where the body begins.
fn answer(vendor: &Vendor, streamed: bool, framing: &str) -> (Vec<u8>, usize) {
    let (body, kind) = if streamed {
        (vendor.stream, "text/event-stream")
    } else {
        (vendor.whole, "application/json")
    };
    let body = match framing {
        "chunked" => format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
        _ => body.to_owned(),
    };
    let framing = match framing {
        "length" => format!("content-length: {}\r\n", body.len()),
        "chunked" => "transfer-encoding: chunked\r\n".to_owned(),
        _ => String::new(),
    };
    let mut bytes = head(200, &format!("content-type: {kind}\r\n{framing}"));
    let from = bytes.len();
    bytes.extend_from_slice(body.as_bytes());
    (bytes, from)
}

async fn cut(vendor: &'static Vendor, streamed: bool, framing: &'static str, end: End) {
    let (bytes, from) = answer(vendor, streamed, framing);
    let total = bytes.len();
    let server = Server::start(move |number, mut line| {
        let part = bytes[..number.min(bytes.len())].to_vec();
        async move {
            line.write(&part).await;
            match end {
                End::Close => line.close().await,
                End::Reset => line.reset(),
            }
        }
    })
    .await;
    let model = (vendor.model)(&server.url);
    for at in 0..=total {
        let result = ask(&*model, &request(), streamed).await;
        let what = format!(
            "{} {framing} streamed {streamed} {end:?} at {at} of {total}",
            vendor.name
        );
        check(result, at, from, total, (streamed, framing, end), &what);
    }
}

fn check(
    result: Result<TextResponse>,
    at: usize,
    from: usize,
    total: usize,
    (streamed, framing, end): (bool, &str, End),
    what: &str,
) {
    match result {
        Ok(response) => {
            assert_eq!(response.text, "Hello.", "{what}");
            assert!(
                matches!(response.finish, FinishReason::Stop | FinishReason::Unspecified),
                "{what}"
            );
            // The end can be known before the last bytes: by a terminal event, a finish reason, or the last chunk.
            assert!(at == total || streamed || framing == "chunked", "{what}");
            assert!(at > from, "{what}");
        }
        Err(error) => {
            // A reset may overtake bytes that were sent before it.
            assert!(at < total || end == End::Reset, "{what}: {error:?}");
            let condition = condition(&error);
            let allowed: &[&str] = match (framing, end) {
                // Nothing says that the body ended early; only its text does.
                ("none", End::Close) if at >= from => &["malformed", "incomplete"],
                _ => &["unavailable", "incomplete"],
            };
            assert!(allowed.contains(&condition), "{what}: {error:?}");
            assert!(error.is_retryable() && error.attempts().len() == 1, "{what}: {error:?}");
        }
    }
}

async fn cut_whole(vendor: &'static Vendor) {
    for framing in ["length", "chunked", "none"] {
        cut(vendor, false, framing, End::Close).await;
    }
    cut(vendor, false, "length", End::Reset).await;
}

#[tokio::test]
async fn vectors_cut_at_each_byte() {
    for vendor in &VENDORS[TALKERS..] {
        cut_whole(vendor).await;
    }
}

macro_rules! vendors {
    ($($name:ident = $index:literal),+) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn a_whole_answer_cut_at_each_byte() {
                cut_whole(&VENDORS[$index]).await;
            }

            #[tokio::test]
            async fn a_stream_cut_at_each_byte() {
                for framing in ["chunked", "none"] {
                    cut(&VENDORS[$index], true, framing, End::Close).await;
                }
                cut(&VENDORS[$index], true, "chunked", End::Reset).await;
            }
        }
    )+};
}

vendors!(chat = 0, responses = 1, anthropic = 2, gemini = 3, workers_ai = 4);
