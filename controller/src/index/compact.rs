//! Texts of the API server in little room: a resourceVersion is a number, and a uid a UUID, which is half as long as its text.

use std::fmt;

/// A resourceVersion. It compares and prints as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Version {
    Number(u64),
    /// In a box for the sake of the usual ones: its length is there too.
    Text(Box<Box<str>>),
}

/// A uid. It compares and prints as its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Uid {
    Uuid([u8; 16]),
    Text(Box<str>),
}

impl Version {
    /// Whether both are numbers, and this is the lower one.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Number(this), Self::Number(other)) if this < other)
    }
}

/// What was read of the text, if it prints as the text: other spellings of the same are other texts.
fn same<T: fmt::Display>(text: &str, read: Option<T>) -> Option<T> {
    read.filter(|read| read.to_string() == text)
}

impl From<&str> for Version {
    fn from(text: &str) -> Self {
        let number = same(text, text.parse().ok().map(Self::Number));
        number.unwrap_or_else(|| Self::Text(Box::new(text.into())))
    }
}

impl From<&str> for Uid {
    fn from(text: &str) -> Self {
        let uuid = u128::from_str_radix(&text.replace('-', ""), 16).ok();
        let uuid = same(text, uuid.map(|uuid| Self::Uuid(uuid.to_be_bytes())));
        uuid.unwrap_or_else(|| Self::Text(text.into()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(bytes) => {
                let uuid = u128::from_be_bytes(*bytes);
                let (first, second, third) = (uuid >> 96, uuid >> 80 & 0xffff, uuid >> 64 & 0xffff);
                let (fourth, last) = (uuid >> 48 & 0xffff, uuid & 0xffff_ffff_ffff);
                write!(f, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-{last:012x}")
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back() {
        let (uuid, largest) = ("0b9d2a6f-90c1-4f0f-8f5e-0123456789ab", "18446744073709551615");
        for text in ["0", "123456", largest] {
            assert!(matches!(Version::from(text), Version::Number(_)), "{text}");
        }
        assert!(matches!(Uid::from(uuid), Uid::Uuid(_)));
        let odd = [
            "",
            "007",
            "+7",
            "-1",
            "u1",
            "0B9D2A6F-90C1-4f0f-8f5e-0123456789ab",
            "18446744073709551616",
        ];
        for text in odd {
            assert_eq!(Version::from(text), Version::Text(Box::new(text.into())));
            assert_eq!(Uid::from(text), Uid::Text(text.into()));
        }
        for text in odd.into_iter().chain([uuid, "0", largest]) {
            assert_eq!(Version::from(text).to_string(), text);
            assert_eq!(Uid::from(text).to_string(), text);
        }
    }

    #[test]
    fn only_numbers_have_an_order() {
        let before = |this: &str, other: &str| Version::from(this).is_before(&other.into());
        assert!(before("9", "10") && !before("10", "9") && !before("9", "9"));
        assert!(!before("a", "b") && !before("9", "b"));
    }
}
