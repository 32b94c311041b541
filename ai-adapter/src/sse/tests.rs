use proptest::prelude::*;

use super::*;

fn decode<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        while let Some(data) = decoder.next().unwrap() {
            events.push(data.to_vec());
        }
    }
    if let Some(data) = decoder.finish().unwrap() {
        events.push(data.to_vec());
    }
    events
}

/// The same by the letter of the specification, on the whole text at once. The last event may lack its blank line.
fn by_the_letter(text: &[u8]) -> Vec<Vec<u8>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lines: Vec<Vec<u8>> = vec![Vec::new()];
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                bytes.next_if_eq(&b'\n');
                lines.push(Vec::new());
            }
            b'\n' => lines.push(Vec::new()),
            byte => lines.last_mut().unwrap().push(byte),
        }
    }
    let unfinished = lines.pop().unwrap();
    let (mut events, mut data) = (Vec::new(), None::<Vec<u8>>);
    let field = |line: &[u8], data: &mut Option<Vec<u8>>| {
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        if name == b"data" {
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match data {
                Some(data) => data.extend([b"\n", value].concat()),
                None => *data = Some(value.to_vec()),
            }
        }
    };
    for line in lines {
        if line.is_empty() {
            events.extend(data.take());
        } else {
            field(&line, &mut data);
        }
    }
    if !unfinished.is_empty() {
        field(&unfinished, &mut data);
    }
    events.extend(data);
    events
}

#[test]
fn reads_every_spelling_at_every_split() {
    let text = "\u{feff}: hello\r\n\r\ndata: {\"a\":\"ü€😀\"}\n\nevent: x\rdata:two\rdata: lines\r\rid: 7\n\n\
                data\r\n\r\n: keep-alive\n\ndata:  spaced\n\ndatabase: no\n\ndata: last";
    let want = ["{\"a\":\"ü€😀\"}", "two\nlines", "", " spaced", "last"];
    let want: Vec<Vec<u8>> = want.iter().map(|event| event.as_bytes().to_vec()).collect();
    let bytes = text.as_bytes();
    assert_eq!(by_the_letter(bytes), want);
    assert_eq!(decode([bytes]), want);
    for at in 0..=bytes.len() {
        assert_eq!(decode([&bytes[..at], &bytes[at..]]), want, "split at {at}");
    }
    assert_eq!(decode(bytes.chunks(1)), want);
}

#[test]
fn a_mark_of_byte_order_counts_at_the_very_beginning_alone() {
    assert_eq!(decode([&b"\xef\xbb\xbfdata: a\n\n"[..]]), [b"a"]);
    assert_eq!(decode([&b"\n\xef\xbb\xbfdata: a\n\ndata: b\n\n"[..]]), [b"b"]);
    assert_eq!(decode([&b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n"[..]]), [b"b"]);
}

#[test]
fn an_endless_line_or_event_is_too_long() {
    let mut decoder = Decoder::default();
    let mut fed = 0;
    let endless = loop {
        decoder.feed(&[b'x'; 65_536]);
        fed += 65_536;
        if let Err(error) = decoder.next() {
            break error;
        }
        assert!(fed < 2 * MAX_EVENT);
    };
    assert_eq!(endless, TooLong);
    let mut decoder = Decoder::default();
    let line = [b"data: ".as_slice(), &[b'x'; 65_536], b"\n"].concat();
    let lines = (0..200).find(|_| {
        decoder.feed(&line);
        decoder.next().is_err()
    });
    assert!(lines.is_some_and(|lines| lines <= 64));
}

/// Bytes looked at, copied or moved for this text in chunks of this size.
fn work(text: &[u8], chunk: usize) -> usize {
    let mut decoder = Decoder::default();
    for chunk in text.chunks(chunk) {
        decoder.feed(chunk);
        while decoder.next().unwrap().is_some() {}
    }
    let _ = decoder.finish().unwrap();
    decoder.work
}

#[test]
fn work_grows_with_the_text_and_not_faster() {
    let one_line = [b"data: ".as_slice(), &vec![b'x'; 200_000]].concat();
    let texts = [
        one_line,
        b"data: a\n\n".repeat(25_000),
        b"data: a\n".repeat(25_000),
        b"\r\n".repeat(100_000),
        b"\r".repeat(200_000),
        b": c\n".repeat(50_000),
    ];
    for text in texts {
        for chunk in [1, 2, 3, 7, 4096, text.len()] {
            let work = work(&text, chunk);
            // Fed, searched, and copied to the event; a rest is moved at most once.
            assert!(work <= 4 * text.len(), "{} in chunks of {chunk}: {work}", text.len());
        }
    }
}

/// Streams made of what matters, and of bytes that matter to nobody.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"data".to_vec()),
        Just(b"data: ".to_vec()),
        Just(b"data:".to_vec()),
        Just(b":".to_vec()),
        Just(b"event: x".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\xef\xbb\xbf".to_vec()),
        "[a-zü€😀 ]{1,4}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The text in pieces that end at these places.
fn pieces<'a>(text: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    ends.push(text.len());
    ends.sort_unstable();
    let mut from = 0;
    let mut pieces = Vec::new();
    for end in ends {
        pieces.push(&text[from..end]);
        from = end;
    }
    pieces
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_any_stream_gives_the_events_of_the_specification(
        text in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let want = by_the_letter(&text);
        prop_assert_eq!(decode([&text[..]]), want.clone());
        prop_assert_eq!(decode(pieces(&text, &cuts)), want.clone());
        prop_assert_eq!(decode(text.chunks(1)), want);
        prop_assert!(work(&text, 1) <= 4 * text.len());
    }

    #[test]
    fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200), size in 1_usize..9) {
        prop_assert_eq!(decode(bytes.chunks(size)), by_the_letter(&bytes));
    }
}
