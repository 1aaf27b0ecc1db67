//! Go's string and character literals.

use crate::unicode;

/// Go's `strconv.Quote`: a double-quoted literal, with escapes for what is not printable.
pub fn quote(text: &[u8]) -> Vec<u8> {
    quoted(text, '"', false)
}

/// A literal in `mark`s; `ascii` escapes everything beyond ASCII.
pub(super) fn quoted(text: &[u8], mark: char, ascii: bool) -> Vec<u8> {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for (c, bytes) in unicode::chars(text) {
        match c {
            Some(c) => escape(&mut out, c, mark, ascii),
            None => bytes.iter().for_each(|byte| byte_in_hexadecimal(&mut out, *byte)),
        }
    }
    out.push(mark);
    out.into_bytes()
}

fn escape(out: &mut String, c: char, mark: char, ascii: bool) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == mark => out.extend(['\\', c]),
        c if c.is_ascii() || !ascii => match c {
            c if unicode::is_printable(c) => out.push(c),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x0b' => out.push_str("\\v"),
            c => escape_number(out, c),
        },
        c => escape_number(out, c),
    }
}

fn byte_in_hexadecimal(out: &mut String, byte: u8) {
    let digit = |number: u8| char::from_digit(number.into(), 16).unwrap_or('0');
    out.extend(['\\', 'x', digit(byte >> 4), digit(byte & 15)]);
}

fn escape_number(out: &mut String, c: char) {
    let number = u32::from(c);
    out.push_str(&match number {
        0..0x20 | 0x7f => return byte_in_hexadecimal(out, c as u8),
        0..0x1_0000 => format!("\\u{number:04x}"),
        _ => format!("\\U{number:08x}"),
    });
}

/// Go's `strconv.CanBackquote`: whether a raw literal can hold the text.
pub(super) fn fits_backquotes(text: &[u8]) -> bool {
    unicode::chars(text).all(|(c, _)| match c {
        None | Some('\u{feff}' | '`' | '\x7f') => false,
        Some(c) => c >= ' ' || c == '\t',
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_those_of_go() {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        assert_eq!(text(quote(b"a\"b\\\n\x00\x7f\xff")), r#""a\"b\\\n\x00\x7f\xff""#);
        assert_eq!(text(quote("é\u{200b}\u{e0001}".as_bytes())), "\"é\\u200b\\U000e0001\"");
        assert_eq!(text(quoted("é\"'".as_bytes(), '\'', true)), r#"'\u00e9"\''"#);
        assert!(fits_backquotes(b"a\tb") && !fits_backquotes(b"a`") && !fits_backquotes(b"\n"));
    }
}
