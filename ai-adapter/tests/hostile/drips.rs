//! Servers that are slow on purpose.

use std::time::{Duration, Instant};

use presswork_ai_adapter::{Error, LanguageModel, TextRequest};

use crate::server::{Server, head};
use crate::vendors::{VENDORS, Vendor, ask};

/// What a call may take here.
const DEADLINE: Duration = Duration::from_millis(400);
/// What a machine may add to it. A call that ignores its deadline takes for ever.
const SLACK: Duration = Duration::from_secs(60);

/// Drips a byte at a time, without end.
async fn drip(content_type: &'static str, first: &'static [u8], then: &'static [u8]) -> Server {
    Server::start(move |_, mut line| async move {
        let mut bytes = head(200, &format!("content-type: {content_type}\r\n"));
        bytes.extend_from_slice(first);
        line.write(&bytes).await;
        for byte in then.iter().cycle() {
            if !line.write(&[*byte]).await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

async fn is_timeout(model: &dyn LanguageModel, request: &TextRequest, streamed: bool, what: &str) {
    let began = Instant::now();
    let error = ask(model, request, streamed).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{what}: {error:?}");
    assert!(began.elapsed() < DEADLINE + SLACK, "{what}");
    assert!(began.elapsed() >= DEADLINE, "{what}");
}

/// Each vendor, whole and streamed, against `server`.
async fn each(server: &Server, streamed: bool) {
    let request = TextRequest::user("hello").timeout(DEADLINE);
    let calls = VENDORS.iter().map(|vendor: &Vendor| {
        let model = (vendor.model)(&server.url);
        let request = &request;
        async move { is_timeout(&*model, request, streamed, vendor.name).await }
    });
    futures_util::future::join_all(calls).await;
}

#[tokio::test]
async fn a_dripping_body_ends_at_the_deadline() {
    each(&drip("application/json", b"{\"x\":\"", b"y").await, false).await;
    each(&drip("application/json", b"", b" ").await, true).await;
}

#[tokio::test]
async fn a_dripping_stream_ends_at_the_deadline() {
    each(&drip("text/event-stream", b"data: {\"x\":\"", b"y").await, true).await;
    // Comments are signs of life, and no answer.
    each(&drip("text/event-stream", b"", b": keep-alive\n\n").await, true).await;
}

#[tokio::test]
async fn a_dripping_head_ends_at_the_deadline() {
    let server = Server::start(|_, mut line| async move {
        line.write(b"HTTP/1.1 200 OK\r\nx: ").await;
        while line.write(b"y").await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    each(&server, false).await;
    each(&server, true).await;
}

#[tokio::test]
async fn a_dripping_error_page_ends_at_the_deadline_and_keeps_its_status() {
    let server = Server::start(|_, mut line| async move {
        line.write(&head(503, "content-type: text/html\r\n")).await;
        while line.write(b"x").await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    for vendor in &VENDORS {
        let began = Instant::now();
        let request = TextRequest::user("hello").timeout(DEADLINE);
        let error = (vendor.model)(&server.url).generate(&request).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_eq!(error.failure().status, Some(503));
        assert!(began.elapsed() < DEADLINE + SLACK);
    }
}
