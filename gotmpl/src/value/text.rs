//! Strings: bytes, shared, wiped when the last owner goes.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::unicode;

/// A Go string: any bytes, immutable, cheap to clone. Compared by bytes, as Go compares.
///
/// Its memory is overwritten with zeros when the last clone is dropped; [`fmt::Debug`] does not show it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Str(Arc<Zeroizing<Vec<u8>>>);

impl Str {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, with U+FFFD in place of each byte that is no UTF-8, as a Go range over a string reads it. (The standard
    /// library has one for a run of bytes that could have begun a character.)
    pub fn to_lossy(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => {
                let chars = unicode::chars(&self.0).map(|(char, _)| char.unwrap_or(char::REPLACEMENT_CHARACTER));
                Cow::Owned(chars.collect())
            }
        }
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Str) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Str) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Deref for Str {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// So that a map is searched with bytes at hand; the order and equality are those of the bytes.
impl std::borrow::Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Str {
        Str(Arc::new(Zeroizing::new(bytes)))
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Str {
        bytes.to_vec().into()
    }
}

impl From<String> for Str {
    fn from(text: String) -> Str {
        text.into_bytes().into()
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Str {
        text.as_bytes().into()
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Str(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_no_utf_8_is_replaced_by_itself() {
        let text = |bytes: &[u8]| Str::from(bytes).to_lossy().into_owned();
        assert_eq!(
            text(b"a\xe2\x98x\xf0\x9f\x98\xff"),
            "a\u{fffd}\u{fffd}x\u{fffd}\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(text("é☃".as_bytes()), "é☃");
    }
}
