//! Bytes ↔ text: UTF-8 and UTF-16, with and without a byte-order mark.
//!
//! PowerShell's `>` writes UTF-16, and kubectl reads it.

use std::borrow::Cow;
use std::ops::Deref;

use zeroize::Zeroize;

use super::DocumentError;

/// The text of a source, without its byte-order mark. A decoded copy is wiped on drop.
#[derive(Debug)]
pub struct Text<'s> {
    text: Cow<'s, str>,
    encoding: Encoding,
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Drop for Text<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.text {
            text.zeroize();
        }
    }
}

impl Text<'_> {
    /// Bytes of memory in addition to the source.
    pub(super) fn copied(&self) -> usize {
        match &self.text {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.capacity(),
        }
    }

    /// Whether it was written in UTF-16.
    pub fn is_utf16(&self) -> bool {
        matches!(self.encoding.form, Form::Utf16(_))
    }

    /// Encodes another text like this one, including the byte-order mark.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        let Encoding { form, mark } = self.encoding;
        let mark = if mark { "\u{feff}" } else { "" };
        match form {
            Form::Utf8 => [mark, text].concat().into_bytes(),
            Form::Utf16(order) => [mark, text]
                .into_iter()
                .flat_map(str::encode_utf16)
                .flat_map(|unit| order.bytes(unit))
                .collect(),
        }
    }
}

/// The text of `source`.
///
/// # Errors
/// [`DocumentError::NotUtf8`], [`DocumentError::NotUtf16`].
pub fn decode(source: &[u8]) -> Result<Text<'_>, DocumentError> {
    let (encoding, body) = Encoding::of(source);
    let text = match encoding.form {
        Form::Utf8 => Cow::Borrowed(std::str::from_utf8(body).map_err(|error| {
            let before = body.iter().take(error.valid_up_to());
            DocumentError::NotUtf8 {
                line: 1 + before.filter(|byte| **byte == b'\n').count(),
            }
        })?),
        Form::Utf16(order) => {
            let (text, fault) = order.text(body);
            if let Some(at) = fault {
                let before = text.bytes().take(at);
                return Err(DocumentError::NotUtf16 {
                    line: 1 + before.filter(|byte| *byte == b'\n').count(),
                });
            }
            Cow::Owned(text)
        }
    };
    Ok(Text { text, encoding })
}

/// The text of `source`, with U+FFFD for bytes that are not text: to search a source that may be binary.
pub fn text_lossy(source: &[u8]) -> Text<'_> {
    let (encoding, body) = Encoding::of(source);
    let text = match encoding.form {
        Form::Utf8 => String::from_utf8_lossy(body),
        Form::Utf16(order) => Cow::Owned(order.text(body).0),
    };
    Text { text, encoding }
}

#[derive(Debug, Clone, Copy)]
struct Encoding {
    form: Form,
    /// Whether the source begins with U+FEFF.
    mark: bool,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Utf8,
    Utf16(Order),
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Encoding {
    /// The encoding of a source, and the source without its mark. Without a mark, UTF-16 shows by the NUL in its first
    /// character, which is ASCII in every manifest.
    fn of(source: &[u8]) -> (Self, &[u8]) {
        let (form, mark, body) = match source {
            [0xEF, 0xBB, 0xBF, body @ ..] => (Form::Utf8, true, body),
            [0xFF, 0xFE, body @ ..] => (Form::Utf16(Order::Little), true, body),
            [0xFE, 0xFF, body @ ..] => (Form::Utf16(Order::Big), true, body),
            [b'\t'..=b'~', 0, ..] => (Form::Utf16(Order::Little), false, source),
            [0, b'\t'..=b'~', ..] => (Form::Utf16(Order::Big), false, source),
            _ => (Form::Utf8, false, source),
        };
        (Self { form, mark }, body)
    }
}

impl Order {
    fn bytes(self, unit: u16) -> [u8; 2] {
        match self {
            Order::Little => unit.to_le_bytes(),
            Order::Big => unit.to_be_bytes(),
        }
    }

    /// The text, and the position of an unpaired surrogate.
    fn text(self, bytes: &[u8]) -> (String, Option<usize>) {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let unit = |pair: &[u8; 2]| match self {
            Order::Little => u16::from_le_bytes(*pair),
            Order::Big => u16::from_be_bytes(*pair),
        };
        let whole = char::decode_utf16(pairs.iter().map(unit)).map(Result::ok);
        let half = (!rest.is_empty()).then_some(None);
        // A unit becomes three bytes at most, so the buffer never grows, which would leave an unwiped copy behind.
        let mut text = String::with_capacity((pairs.len() + 1) * 3);
        let mut fault = None;
        for character in whole.chain(half) {
            if character.is_none() {
                fault.get_or_insert(text.len());
            }
            text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        (text, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_reverses_decoding() {
        let text = "a: é\r\nb: 🔑\n";
        for mark in ["", "\u{feff}"] {
            let marked = [mark, text].concat();
            let utf16 = |order: Order| marked.encode_utf16().flat_map(|unit| order.bytes(unit)).collect();
            for source in [marked.clone().into_bytes(), utf16(Order::Little), utf16(Order::Big)] {
                let decoded = decode(&source).unwrap();
                assert_eq!(&*decoded, text);
                assert_eq!(decoded.encode(&decoded), source);
                assert_eq!(&*text_lossy(&source), text);
            }
        }
    }

    #[test]
    fn half_characters_are_errors() {
        let line = |source: &[u8]| match decode(source) {
            Err(DocumentError::NotUtf16 { line }) => Some(line),
            _ => None,
        };
        assert_eq!(line(b"\xFF\xFEa\0\n\0b"), Some(2), "half a unit");
        assert_eq!(line(b"\xFF\xFE\x00\xD8a\0"), Some(1), "half a surrogate pair");
        assert_eq!(&*text_lossy(b"\xFF\xFEa\0b"), "a\u{fffd}");
        // U+FFFD may also be typed.
        assert_eq!(&*decode(b"\xFE\xFF\xFF\xFD").unwrap(), "\u{fffd}");
        assert!(matches!(decode(b"a\n\xE9"), Err(DocumentError::NotUtf8 { line: 2 })));
    }
}
