//! Strings as Go reads them: runes, where every byte that is no UTF-8 is one U+FFFD; and Go's simple case mapping, which
//! gives one rune for one rune (Rust's gives "SS" for "ß").

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::unicode;

/// One rune of a string.
#[derive(Clone, Copy)]
pub(in crate::sprig) struct Rune {
    /// Where it starts, in bytes.
    pub(in crate::sprig) at: usize,
    /// How many bytes it takes; 1 for a byte that is no UTF-8.
    pub(in crate::sprig) width: usize,
    /// The rune; U+FFFD for a byte that is no UTF-8.
    pub(in crate::sprig) char: char,
}

/// The runes of a string, from its start.
pub(in crate::sprig) fn runes(bytes: &[u8]) -> impl Iterator<Item = Rune> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rune = first_rune(bytes.get(at..)?)?;
        let found = Rune { at, ..rune };
        at += found.width;
        Some(found)
    })
}

/// The first rune of a string that is not empty.
pub(in crate::sprig) fn first_rune(bytes: &[u8]) -> Option<Rune> {
    let (char, width) = unicode::decode(bytes);
    let char = char.unwrap_or(char::REPLACEMENT_CHARACTER);
    (width > 0).then_some(Rune { at: 0, width, char })
}

/// Every rune replaced: Go's `strings.Map`.
pub(in crate::sprig) fn map_runes(bytes: &[u8], mut change: impl FnMut(char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for rune in runes(bytes) {
        push(&mut out, change(rune.char));
    }
    out
}

/// Appends a rune as UTF-8.
pub(in crate::sprig) fn push(out: &mut Vec<u8>, char: char) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Go's `unicode.ToUpper`.
pub(in crate::sprig) fn to_upper(char: char) -> char {
    match char {
        // Their capital letter is one rune, while the whole mapping writes two letters.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => shifted(char, 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => shifted(char, 9),
        _ => single(char, char.to_uppercase()),
    }
}

/// Go's `unicode.ToLower`.
pub(in crate::sprig) fn to_lower(char: char) -> char {
    match char {
        'İ' => 'i',
        _ => single(char, char.to_lowercase()),
    }
}

/// Go's `unicode.ToTitle`: the capital letter, but for the digraphs that have a form of their own, and for Georgian,
/// which writes no capitals in titles.
pub(in crate::sprig) fn to_title(char: char) -> char {
    match char {
        '\u{1c4}'..='\u{1c6}' => '\u{1c5}',
        '\u{1c7}'..='\u{1c9}' => '\u{1c8}',
        '\u{1ca}'..='\u{1cc}' => '\u{1cb}',
        '\u{1f1}'..='\u{1f3}' => '\u{1f2}',
        '\u{10d0}'..='\u{10fa}' | '\u{10fd}'..='\u{10ff}' => char,
        _ => to_upper(char),
    }
}

fn shifted(char: char, by: u32) -> char {
    char::from_u32(u32::from(char) + by).unwrap_or(char)
}

fn single(char: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => char,
    }
}

/// Go's `unicode.IsUpper`: the category Lu.
pub(in crate::sprig) fn is_upper(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_uppercase();
    }
    char.general_category() == GeneralCategory::UppercaseLetter
}

/// Go's `unicode.IsLower`: the category Ll.
pub(in crate::sprig) fn is_lower(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_lowercase();
    }
    char.general_category() == GeneralCategory::LowercaseLetter
}

/// Go's `unicode.IsTitle`: the category Lt.
pub(in crate::sprig) fn is_title(char: char) -> bool {
    if char.is_ascii() {
        return false;
    }
    char.general_category() == GeneralCategory::TitlecaseLetter
}

/// Go's `unicode.IsNumber`.
pub(in crate::sprig) fn is_number(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_digit();
    }
    char.general_category_group() == GeneralCategoryGroup::Number
}

/// Go's `unicode.IsPunct`.
pub(in crate::sprig) fn is_punct(char: char) -> bool {
    if char.is_ascii() {
        return char.is_ascii_punctuation() && !"$+<=>^`|~".contains(char);
    }
    char.general_category_group() == GeneralCategoryGroup::Punctuation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_that_is_no_utf_8_is_a_rune() {
        let found: Vec<_> = runes(b"a\xe2\x98\xc3\xa9\xff")
            .map(|rune| (rune.at, rune.width, rune.char))
            .collect();
        assert_eq!(
            found,
            [
                (0, 1, 'a'),
                (1, 1, '\u{fffd}'),
                (2, 1, '\u{fffd}'),
                (3, 2, 'é'),
                (5, 1, '\u{fffd}')
            ]
        );
    }

    #[test]
    fn the_classes_of_ascii_are_those_of_unicode() {
        for char in '\0'..='\x7f' {
            let (category, group) = (char.general_category(), char.general_category_group());
            assert_eq!(is_upper(char), category == GeneralCategory::UppercaseLetter, "{char:?}");
            assert_eq!(is_lower(char), category == GeneralCategory::LowercaseLetter, "{char:?}");
            assert_eq!(is_title(char), category == GeneralCategory::TitlecaseLetter, "{char:?}");
            assert_eq!(is_number(char), group == GeneralCategoryGroup::Number, "{char:?}");
            assert_eq!(is_punct(char), group == GeneralCategoryGroup::Punctuation, "{char:?}");
        }
    }

    #[test]
    fn cases_are_mapped_one_to_one() {
        for (from, upper, lower, title) in [
            ('ß', 'ß', 'ß', 'ß'),
            ('İ', 'İ', 'i', 'İ'),
            ('ǆ', 'Ǆ', 'ǆ', 'ǅ'),
            ('ᾀ', 'ᾈ', 'ᾀ', 'ᾈ'),
            ('ა', 'Ა', 'ა', 'ა'),
            ('é', 'É', 'é', 'É'),
        ] {
            assert_eq!((to_upper(from), to_lower(from), to_title(from)), (upper, lower, title));
        }
        assert!(is_upper('A') && !is_upper('Ⓐ') && is_lower('a') && !is_lower('ª') && is_title('ǅ'));
    }
}
