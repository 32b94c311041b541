//! Servers that say one thing and send another.

use presswork_ai_adapter::Error;

use crate::server::{Server, head};
use crate::vendors::{VENDORS, ask, condition, request};

async fn answers(bytes: Vec<u8>) -> Server {
    Server::start(move |_, mut line| {
        let bytes = bytes.clone();
        async move {
            line.write(&bytes).await;
            line.close().await;
        }
    })
    .await
}

fn answer(headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = head(200, headers);
    bytes.extend_from_slice(body.as_ref());
    bytes
}

/// What is no answer is `Malformed`, and the error says of which type it claimed to be.
#[tokio::test]
async fn what_is_no_answer_is_malformed() {
    for (kind, body) in [
        ("text/html", &b"<html><body>Sign in</body></html>"[..]),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("application/json", b"<html>"),
        ("application/json", b"null"),
        ("application/json", b"[1,2]"),
        ("application/json", b"\"Hello.\""),
        ("application/json", b"{}"),
        ("application/json", b""),
        ("application/json", b"\xff\xfe\0"),
        ("application/octet-stream", b"\0\0\0\0"),
    ] {
        let server = answers(answer(&format!("content-type: {kind}\r\n"), body)).await;
        for vendor in &VENDORS {
            for streamed in [false, true] {
                let error = ask(&*(vendor.model)(&server.url), &request(), streamed)
                    .await
                    .unwrap_err();
                let what = format!("{} {kind} {body:?} {streamed}: {error:?}", vendor.name);
                assert!(matches!(error, Error::Malformed(_)), "{what}");
                condition(&error);
            }
        }
    }
}

/// JSON is UTF-8, also where nobody reads it.
#[tokio::test]
async fn an_answer_that_is_not_utf_8_is_malformed() {
    for vendor in &VENDORS {
        for (byte, is_utf_8) in [(b'y', true), (b'\xff', false)] {
            let body = [b"{\"x\":\"", &[byte][..], b"\",", &vendor.whole.as_bytes()[1..]].concat();
            let server = answers(answer("content-type: application/json\r\n", body)).await;
            match ask(&*(vendor.model)(&server.url), &request(), false).await {
                Ok(response) => assert_eq!((&*response.text, is_utf_8), ("Hello.", true), "{}", vendor.name),
                Err(error) => assert!(
                    matches!(error, Error::Malformed(_)) && !is_utf_8,
                    "{}: {error:?}",
                    vendor.name
                ),
            }
        }
    }
}

/// An answer is read whatever type it claims to be, since servers forget it.
#[tokio::test]
async fn an_answer_of_the_wrong_type_is_read() {
    for vendor in &VENDORS {
        for kind in ["content-type: text/plain\r\n", "content-type: text/html\r\n", ""] {
            let server = answers(answer(kind, vendor.whole)).await;
            let response = ask(&*(vendor.model)(&server.url), &request(), false).await.unwrap();
            assert_eq!(response.text, "Hello.", "{} {kind}", vendor.name);
        }
        for (kind, body) in [
            // JSON although a stream was asked for.
            ("content-type: application/json; charset=utf-8\r\n", vendor.whole),
            ("", vendor.stream),
            ("content-type: TEXT/Event-Stream\r\n", vendor.stream),
        ] {
            let server = answers(answer(kind, body)).await;
            let response = ask(&*(vendor.model)(&server.url), &request(), true).await.unwrap();
            assert_eq!(response.text, "Hello.", "{} {kind}", vendor.name);
        }
    }
}

/// What claims to be compressed and is not breaks off.
#[tokio::test]
async fn a_false_content_encoding_is_an_error() {
    let headers = "content-type: application/json\r\ncontent-encoding: gzip\r\n";
    for vendor in &VENDORS {
        let server = answers(answer(headers, vendor.whole)).await;
        for streamed in [false, true] {
            let error = ask(&*(vendor.model)(&server.url), &request(), streamed)
                .await
                .unwrap_err();
            assert!(matches!(error, Error::Incomplete(_) | Error::Malformed(_)), "{error:?}");
        }
    }
}

/// A connection that ends at once, and bytes that are no HTTP.
#[tokio::test]
async fn what_is_no_http_is_unavailable() {
    for bytes in [
        &b""[..],
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
    ] {
        let server = answers(bytes.to_vec()).await;
        for vendor in &VENDORS {
            let error = ask(&*(vendor.model)(&server.url), &request(), false).await.unwrap_err();
            assert!(matches!(error, Error::Unavailable(_)), "{bytes:?}: {error:?}");
        }
    }
}
