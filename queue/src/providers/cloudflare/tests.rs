use std::time::Duration;

use futures_util::FutureExt;
use worker::wasm_bindgen::{JsCast, JsValue};

use super::{
    CloudflareQueue, MAX_BATCH_BYTES, MAX_DELAY, MAX_MESSAGE_BYTES, PushedBatch,
    batch::delivery,
    classify::{failed, late, words},
    packed, seconds,
};
use crate::{Delivery, Error, Message, Queue, Result, envelope, providers::cloudflare_letter::dead_letter};

/// A binding that no test may reach: everything here is refused before.
fn queue() -> CloudflareQueue {
    CloudflareQueue::new(worker::Queue::unchecked_from_js(JsValue::NULL))
}

fn send(message: &Message) -> Result<()> {
    queue().send(message).now_or_never().unwrap().map(|_| ())
}

fn of_size(size: usize) -> Message {
    let empty = Message::new("").encoded_len();
    Message::new("x".repeat(size - empty))
}

#[test]
fn what_the_platform_would_refuse_is_not_sent() {
    let error = send(&of_size(MAX_MESSAGE_BYTES + 1)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooLarge {
                max: MAX_MESSAGE_BYTES,
                ..
            }
        ),
        "{error:?}"
    );
    let error = send(&Message::new("x").delay(MAX_DELAY + Duration::from_millis(1))).unwrap_err();
    assert!(matches!(error, Error::InvalidDelay { max: MAX_DELAY, .. }), "{error:?}");
    let error = send(&Message::new("x").idempotency_key("k")).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");

    let batch = |messages: &[Message]| queue().send_batch(messages).now_or_never().unwrap();
    assert_eq!(batch(&[]).unwrap(), []);
    let error = batch(&vec![Message::new("x"); 101]).unwrap_err();
    assert!(
        matches!(error, Error::BatchTooLarge { unit: "messages", .. }),
        "{error:?}"
    );
    let error = batch(&vec![of_size(MAX_BATCH_BYTES / 2 + 1); 2]).unwrap_err();
    assert!(matches!(error, Error::BatchTooLarge { unit: "bytes", .. }), "{error:?}");
}

/// Names the limits of the platform, counted by its rule: the text and some 100 bytes for each message.
#[test]
fn what_is_taken_fits_the_platform() {
    let (_, (text, _)) = packed(&of_size(MAX_MESSAGE_BYTES));
    assert!(text.len() + 100 <= 128_000, "{}", text.len());
    let (_, (small, _)) = packed(&Message::new(""));
    let own = small.len() - Message::new("").encoded_len();
    assert!(MAX_BATCH_BYTES + 100 * (own + 100) <= 256_000, "{own}");

    let worst = "\u{1}".repeat(500);
    let (_, (text, _)) = packed(&of_size(MAX_MESSAGE_BYTES));
    let given_up = dead_letter(&delivery(0, None, Some(100), 0, text.as_bytes()), &worst);
    assert!(given_up.len() + 100 <= 128_000, "{}", given_up.len());
}

#[test]
fn delays_round_up_to_seconds() {
    for (millis, whole) in [(1, 1), (999, 1), (1_000, 1), (1_001, 2), (86_400_000, 86_400)] {
        assert_eq!(seconds(Duration::from_millis(millis)), whole);
    }
    assert_eq!(seconds(Duration::ZERO), 0);
    assert_eq!(seconds(Duration::MAX), u32::MAX);
}

#[test]
fn a_delivery_has_the_id_and_time_of_its_envelope() {
    let (id, (text, _)) = packed(&Message::new("body").header("k", "v"));
    let ours = delivery(3, Some("theirs".to_owned()), Some(2), 7, text.as_bytes());
    assert_eq!((ours.id(), ours.attempt(), ours.body()), (&id, Some(2), &b"body"[..]));
    assert_eq!(ours.lease().token(), "3");
    assert!(ours.enqueued_at_ms() > 1_700_000_000_000);

    let plain = envelope::encode(&Message::new("x"), 9);
    for (text, ms) in [(plain.as_str(), 9), (r#"{"v":1,"id":5,"body":"","sent_at_ms":"x"}"#, 7)] {
        let theirs = delivery(0, Some("theirs".to_owned()), None, 7, text.as_bytes());
        assert_eq!((theirs.id().as_str(), theirs.enqueued_at_ms()), ("theirs", ms));
        assert!(theirs.undecodable().is_none());
    }
}

#[test]
fn what_is_no_envelope_is_delivered_and_not_lost() {
    for raw in ["garbage", "", r#"{"content_id":"x"}"#, r#"{"v":9,"id":"y","body":""}"#] {
        let delivery = delivery(0, Some("theirs".to_owned()), Some(1), 7, raw.as_bytes());
        assert!(delivery.undecodable().is_some(), "{raw}");
        assert_eq!((delivery.id().as_str(), delivery.body()), ("theirs", raw.as_bytes()));
    }
    assert_eq!(delivery(4, None, None, 0, b"").id().as_str(), "message 4");
}

fn reopened(text: &str) -> Delivery {
    delivery(0, Some("dlq".to_owned()), Some(1), 99, text.as_bytes())
}

#[test]
fn a_dead_letter_keeps_everything() {
    let (id, (text, _)) = packed(&Message::new([0, 255]).header("k", "v"));
    let given_up = delivery(0, None, Some(3), 0, text.as_bytes());
    let letter = reopened(&dead_letter(&given_up, "no such page"));
    assert_eq!((letter.id(), letter.body()), (&id, &[0, 255][..]));
    assert_eq!(letter.enqueued_at_ms(), given_up.enqueued_at_ms());
    let header = |name: &str| letter.headers().get(name).map(String::as_str);
    assert_eq!(header("k"), Some("v"));
    assert_eq!(header(PushedBatch::DEAD_REASON), Some("no such page"));
    assert_eq!(header(PushedBatch::DEAD_ATTEMPTS), Some("3"));

    let garbage = delivery(0, Some("theirs".to_owned()), None, 7, b"garbage");
    let letter = reopened(&dead_letter(&garbage, "undecodable"));
    assert_eq!(
        (letter.id().as_str(), letter.body(), letter.enqueued_at_ms()),
        ("theirs", &b"garbage"[..], 7)
    );
    let large = "g".repeat(127_900);
    assert_eq!(
        dead_letter(&delivery(0, None, None, 7, large.as_bytes()), "undecodable"),
        large
    );
}

#[test]
fn codes_are_read_from_the_end_of_the_text() {
    let failed = |code: &str| failed(&format!("Queue send failed: reason ({code})"));
    for code in ["10104", "10105", "10106", "10107", "10252"] {
        assert!(matches!(failed(code), Error::Config { .. }), "{code}");
    }
    for code in ["10202", "10203", "10204", "10205", "10206", "10207", "10208"] {
        assert!(matches!(failed(code), Error::InvalidMessage { .. }), "{code}");
    }
    assert_eq!(failed("10250").retry_after(), Some(Duration::from_secs(1)));
    assert!(matches!(failed("10251"), Error::Full { .. }));
    assert!(!failed("10253").is_retryable());
    for code in ["10201", "15000", "7", "x", ""] {
        assert!(matches!(failed(code), Error::OutcomeUnknown { .. }), "{code}");
    }
    for said in ["Network connection lost.", "", "(10250) at the start"] {
        assert!(
            matches!(super::classify::failed(said), Error::OutcomeUnknown { .. }),
            "{said}"
        );
    }
    assert!(late(Duration::from_secs(8)).to_string().contains("no answer within 8s"));
}

#[test]
fn words_are_one_line() {
    let thrown = worker::Error::UnknownJsError {
        original: JsValue::NULL,
        name: None,
        message: "Queue send failed (15000)\n    at x".to_owned(),
        code: None,
        cause: None,
    };
    assert_eq!(words(&thrown), "Queue send failed (15000)");
    assert_eq!(words(&worker::Error::JsError("x".repeat(9_999))).len(), 500);
    assert_eq!(format!("{:?}", queue()), "CloudflareQueue(..)");
}
