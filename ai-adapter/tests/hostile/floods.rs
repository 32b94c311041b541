//! Servers that send without end: how much is read and how much is held has a bound.

use std::sync::Arc;

use presswork_ai_adapter::{Error, ImageModel, ImageRequest, OpenAi};

use crate::MEMORY;
use crate::server::{Server, head};
use crate::vendors::{TALKERS, VENDORS, Vendor, ask, condition, request, with_tool};

const MIB: usize = 1 << 20;
/// A gigabyte: what a server tries to send.
const ENDLESS: usize = 1 << 30;
/// What the sockets' buffers and the transport may take beyond what is read.
const BUFFERS: usize = 24 * MIB;
/// What may be held at once; an isolate of Workers has 128 MiB in all.
const HELD: usize = 96 * MIB;

/// One at a time: the allocator counts for the whole process.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Sends `first`, then `again` for a gigabyte.
async fn flood(status: u16, headers: &str, first: impl Into<Vec<u8>>, again: impl Into<Vec<u8>>) -> Server {
    let mut start = head(status, headers);
    start.extend(first.into());
    let (start, again) = (Arc::new(start), Arc::new(fill(again.into())));
    Server::start(move |_, mut line| {
        let (start, again) = (start.clone(), again.clone());
        async move {
            line.write(&start).await;
            line.flood(&again, ENDLESS).await;
        }
    })
    .await
}

/// Repeated to some 64 KiB, so that writing takes no time.
fn fill(bytes: Vec<u8>) -> Vec<u8> {
    let times = (65_536 / bytes.len()).max(1);
    bytes.repeat(times)
}

/// The error of this call, which read at most `read` bytes and held at most [`HELD`].
async fn error(server: &Server, vendor: &Vendor, how: (bool, bool), read: usize, what: &str) -> Error {
    let (streamed, with_tools) = how;
    let what = format!("{}: {what}, streamed {streamed}, tools {with_tools}", vendor.name);
    let request = if with_tools { with_tool() } else { request() };
    let model = (vendor.model)(&server.url);
    let (before, written) = (MEMORY.current_usage(), server.written());
    MEMORY.reset_peak_usage();
    let result = ask(&*model, &request, streamed).await;
    let held = MEMORY.peak_usage().saturating_sub(before);
    let error = result.expect_err(&what);
    condition(&error);
    let written = server.written() - written;
    assert!(written < read + BUFFERS, "{what}: {written} bytes read");
    assert!(held < HELD, "{what}: {held} bytes held");
    error
}

async fn is_malformed(server: &Server, vendor: &Vendor, how: (bool, bool), what: &str) {
    let error = error(server, vendor, how, 17 * MIB, what).await;
    assert!(matches!(error, Error::Malformed(_)), "{what}: {error:?}");
}

#[tokio::test]
async fn a_body_of_a_gigabyte() {
    let _alone = ALONE.lock().await;
    for length in [format!("content-length: {ENDLESS}\r\n"), String::new()] {
        let server = flood(
            200,
            &format!("content-type: application/json\r\n{length}"),
            "{\"x\":\"",
            "y",
        )
        .await;
        for vendor in &VENDORS {
            is_malformed(&server, vendor, (false, false), "a gigabyte").await;
            is_malformed(&server, vendor, (true, false), "a gigabyte").await;
        }
    }
}

#[tokio::test]
async fn a_line_without_an_end() {
    let _alone = ALONE.lock().await;
    let server = flood(200, "content-type: text/event-stream\r\n", "data: {\"x\":\"", "y").await;
    for vendor in &VENDORS[..TALKERS] {
        let error = error(&server, vendor, (true, false), 5 * MIB, "a line").await;
        assert!(matches!(error, Error::Malformed(_)), "{error:?}");
    }
}

#[tokio::test]
async fn an_event_of_endless_lines() {
    let _alone = ALONE.lock().await;
    let server = flood(
        200,
        "content-type: text/event-stream\r\n",
        "",
        "data: xxxxxxxxxxxxxxxxxxxxxxxxx\n",
    )
    .await;
    let error = error(&server, &VENDORS[0], (true, false), 6 * MIB, "lines").await;
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
}

#[tokio::test]
async fn an_error_page_without_an_end() {
    let _alone = ALONE.lock().await;
    let server = flood(500, "content-type: text/html\r\n", "", "<html>").await;
    for vendor in &VENDORS {
        let error = error(&server, vendor, (false, false), MIB, "an error page").await;
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
        assert_eq!(error.failure().status, Some(500));
    }
}

#[tokio::test]
async fn a_stream_that_never_stops_talking() {
    let _alone = ALONE.lock().await;
    for vendor in &VENDORS[..TALKERS] {
        let piece = format!("data: {}\n\n", vendor.piece.replace("{}", &"x".repeat(60_000)));
        let server = flood(200, "content-type: text/event-stream\r\n", "", piece).await;
        is_malformed(&server, vendor, (true, false), "talk").await;
    }
}

/// Pieces that are not text, which a reader of text alone would not count.
#[tokio::test]
async fn a_stream_without_end_of_what_is_no_text() {
    let _alone = ALONE.lock().await;
    let long = "x".repeat(60_000);
    let chat = |delta: &str| format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#);
    let block = |block: &str| format!(r#"{{"type":"content_block_start","index":0,"content_block":{block}}}"#);
    let cases: Vec<(usize, bool, String)> = vec![
        (0, false, chat(&format!(r#"{{"refusal":"{long}"}}"#))),
        (0, true, chat(&format!(r#"{{"reasoning_content":"{long}"}}"#))),
        (
            0,
            true,
            chat(&format!(r#"{{"reasoning_details":[{{"text":"{long}"}}]}}"#)),
        ),
        (
            0,
            true,
            chat(&format!(r#"{{"reasoning_details":[{}]}}"#, vec!["[]"; 4000].join(","))),
        ),
        (
            0,
            false,
            chat(&format!(
                r#"{{"tool_calls":[{{"index":0,"function":{{"arguments":"{long}"}}}}]}}"#
            )),
        ),
        // Each opens a call of its own.
        (
            0,
            false,
            chat(r#"{"tool_calls":[{"name":"t","arguments":{}},{"name":"t"},{"name":"t"}]}"#),
        ),
        (
            1,
            false,
            format!(r#"{{"type":"response.refusal.delta","delta":"{long}"}}"#),
        ),
        (
            1,
            false,
            r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"t"}}"#.to_owned(),
        ),
        (
            1,
            true,
            format!(r#"{{"type":"response.output_item.done","item":{{"type":"reasoning","x":"{long}"}}}}"#),
        ),
        (2, false, block(&format!(r#"{{"type":"text","text":"{long}"}}"#))),
        (2, false, block(r#"{"type":"tool_use","id":"i","name":"t","input":{}}"#)),
        (
            2,
            true,
            block(&format!(r#"{{"type":"redacted_thinking","data":"{long}"}}"#)),
        ),
        (
            3,
            false,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"t"}}]}}]}"#.to_owned(),
        ),
        (
            3,
            true,
            format!(r#"{{"candidates":[{{"content":{{"parts":[{{"thoughtSignature":"{long}"}}]}}}}]}}"#),
        ),
        (
            4,
            false,
            r#"{"response":"","tool_calls":[{"name":"t","arguments":{}}]}"#.to_owned(),
        ),
    ];
    for (vendor, with_tools, event) in cases {
        let server = flood(
            200,
            "content-type: text/event-stream\r\n",
            "",
            format!("data: {event}\n\n"),
        )
        .await;
        let what = &event[..event.len().min(60)];
        is_malformed(&server, &VENDORS[vendor], (true, with_tools), what).await;
    }
}

/// A body below the bound of bytes that is many times as large once it is parsed.
#[tokio::test]
async fn a_body_that_swells_when_parsed() {
    let _alone = ALONE.lock().await;
    // Of 4.5 MiB; 1.5 million values take ten times as much.
    const SIZE: usize = 9 * MIB / 2;
    let many = |item: &str| vec![item; SIZE / (item.len() + 1)].join(",");
    let (lists, objects, numbers) = (many("[]"), many("{}"), many("0"));
    let message = |message: String| format!(r#"{{"choices":[{{"message":{message}}}]}}"#);
    let bodies = [
        (0, false, format!(r#"{{"error":[{lists}]}}"#)),
        (0, false, format!(r"[{lists}]")),
        (0, false, message(format!(r#"{{"tool_calls":[{objects}]}}"#))),
        (0, false, message(format!(r#"{{"content":[{lists}]}}"#))),
        (0, false, message(format!(r#"{{"content":{{"x":[{lists}]}}}}"#))),
        (
            0,
            true,
            message(format!(r#"{{"content":"","reasoning_details":[{lists}]}}"#)),
        ),
        (1, false, format!(r#"{{"status":"completed","output":[{objects}]}}"#)),
        (
            1,
            true,
            format!(r#"{{"status":"completed","output":[{{"x":[{lists}]}}]}}"#),
        ),
        (2, false, format!(r#"{{"type":"message","content":[{objects}]}}"#)),
        (
            2,
            true,
            format!(r#"{{"type":"message","content":[{{"type":"x","y":[{lists}]}}]}}"#),
        ),
        (
            3,
            false,
            format!(r#"{{"candidates":[{{"content":{{"parts":[{objects}]}}}}]}}"#),
        ),
        (
            3,
            true,
            format!(r#"{{"candidates":[{{"content":{{"parts":[{{"x":[{lists}]}}]}}}}]}}"#),
        ),
        (4, false, format!(r#"{{"success":false,"errors":[{lists}]}}"#)),
        // A number of two letters takes twice as much, and a list that grows as much again.
        (5, false, format!(r#"{{"data":[{{"embedding":[{numbers}]}}]}}"#)),
        (5, false, format!(r#"{{"data":[{}]}}"#, many(r#"{"embedding":[]}"#))),
        (5, false, format!(r#"{{"data":[],"error":[{lists}]}}"#)),
        (6, false, format!(r#"{{"embeddings":[{{"values":[{numbers}]}}]}}"#)),
        (6, false, format!(r#"{{"embeddings":[{}]}}"#, many(r#"{"values":[]}"#))),
        (7, false, format!(r#"{{"result":{{"data":[[{numbers}]]}}}}"#)),
        (7, false, format!(r#"{{"result":{{"data":[{lists}]}}}}"#)),
        (7, false, format!(r#"{{"success":false,"errors":[{lists}]}}"#)),
    ];
    for (vendor, with_tools, body) in bodies {
        let what = body[..50].to_owned();
        let headers = format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
        let server = flood(200, &headers, body, " ").await;
        let request = if with_tools { with_tool() } else { request() };
        let model = (VENDORS[vendor].model)(&server.url);
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let result = model.generate(&request).await;
        let held = MEMORY.peak_usage().saturating_sub(before);
        assert!(held < 8 * SIZE, "{what}: {held} bytes held");
        if let Err(error) = result {
            condition(&error);
        }
    }
}

#[tokio::test]
async fn a_bomb_of_gzip() {
    let _alone = ALONE.lock().await;
    let (first, again) = bomb();
    for (status, kind) in [
        (200, "application/json"),
        (200, "text/event-stream"),
        (500, "application/json"),
    ] {
        let headers = format!("content-type: {kind}\r\ncontent-encoding: gzip\r\n");
        let server = flood(status, &headers, first.clone(), again.clone()).await;
        for vendor in &VENDORS {
            for streamed in [false, true] {
                let error = error(&server, vendor, (streamed, false), MIB, "a bomb").await;
                match status {
                    200 => assert!(matches!(error, Error::Malformed(_)), "{error:?}"),
                    _ => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
                }
            }
        }
    }
}

/// Gzip that unpacks to letters without end, 159 for each byte: what comes first, and what is repeated.
fn bomb() -> (Vec<u8>, Vec<u8>) {
    let mut bits: Vec<bool> = Vec::new();
    // A block of fixed codes (RFC 1951, 3.2.6) that is not the last: BFINAL 0, BTYPE 01, its low bit first.
    bits.extend([false, true, false]);
    let mut code = |value: u16, length: u8| bits.extend((0..length).rev().map(|bit| value >> bit & 1 == 1));
    code(0x30 + u16::from(b' '), 8);
    // "258 bytes from 1 back": 13 bits, so that eight of them end where a byte does.
    for _ in 0..24 {
        code(0b1100_0101, 8);
        code(0, 5);
    }
    let packed: Vec<u8> = bits
        .chunks_exact(8)
        .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
        .collect();
    let mut first = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    first.extend_from_slice(&packed[..13]);
    (first, packed[13..26].to_vec())
}

#[tokio::test]
async fn a_picture_without_an_end() {
    let _alone = ALONE.lock().await;
    let server = flood(
        200,
        "content-type: application/json\r\n",
        "{\"data\":[{\"b64_json\":\"",
        "A",
    )
    .await;
    let model = OpenAi::builder("gpt-image-2").base_url(&server.url).build().unwrap();
    let error = model.generate_image(&ImageRequest::new("a")).await.unwrap_err();
    assert!(matches!(error, Error::Malformed(_)), "{error:?}");
    assert!(server.written() < 64 * MIB + BUFFERS);
}
