//! Text that comes from servers, made into what every store takes.

/// Most bytes of a name, within what a store takes as a key.
const MAX_NAME: usize = 200;

/// Most characters of a sentence.
const MAX_SENTENCE: usize = 1_000;

/// Printable ASCII, at most 200 bytes, never empty.
pub(crate) fn name(text: &str) -> String {
    let name: String = text.chars().filter(char::is_ascii_graphic).take(MAX_NAME).collect();
    if name.is_empty() { "unnamed".into() } else { name }
}

/// At most 1,000 characters, none of control.
pub(crate) fn sentence(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_SENTENCE)
        .collect()
}

/// Whether a character may stand in a plain field: no control, no noncharacter (XML takes none), nothing that turns the
/// direction of the text around it.
pub(crate) fn is_plain(c: char) -> bool {
    let code = u32::from(c);
    let noncharacter = code & 0xfffe == 0xfffe || (0xfdd0..=0xfdef).contains(&code);
    let direction = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !(c.is_control() || noncharacter || direction)
}
