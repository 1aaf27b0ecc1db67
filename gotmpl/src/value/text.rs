//! Strings: bytes, shared, wiped when the last owner goes.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use zeroize::Zeroizing;

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

    /// The text, with U+FFFD in place of each byte that is no UTF-8, as a Go range over a string reads it.
    pub fn to_lossy(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
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
