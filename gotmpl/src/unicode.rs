//! Characters and UTF-8 as Go sees them.

mod tables;

fn is_in(table: &[(u32, u32)], c: char) -> bool {
    let c = u32::from(c);
    let after = table.partition_point(|(first, _)| *first <= c);
    let run = after.checked_sub(1).and_then(|place| table.get(place));
    run.is_some_and(|(_, last)| c <= *last)
}

/// Go's `strconv.IsPrint` (and `unicode.IsPrint`).
pub fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    is_in(tables::PRINTABLE, c)
}

/// Go's `unicode.IsLetter`.
pub fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    is_in(tables::LETTERS, c)
}

/// Go's `unicode.IsDigit`.
pub fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    is_in(tables::DIGITS, c)
}

/// Go's `utf8.DecodeRune`: the first character and its length in bytes; `None` and 1 where the bytes are no UTF-8,
/// `None` and 0 at the end.
pub fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let len = match bytes.first() {
        None => return (None, 0),
        Some(0..=0x7f) => 1,
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(_) => 4,
    };
    let text = bytes.get(..len).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match text.and_then(|text| text.chars().next()) {
        Some(c) => (Some(c), len),
        None => (None, 1),
    }
}

/// The characters as a range loop of Go gives them: each with its bytes, `None` for a byte that is no UTF-8.
pub fn chars(mut bytes: &[u8]) -> impl Iterator<Item = (Option<char>, &[u8])> {
    std::iter::from_fn(move || {
        let (c, len) = decode(bytes);
        let (this, rest) = bytes.split_at_checked(len)?;
        bytes = rest;
        (len > 0).then_some((c, this))
    })
}

/// Go's `utf8.RuneCount`.
pub fn count(bytes: &[u8]) -> usize {
    if bytes.is_ascii() {
        bytes.len()
    } else {
        chars(bytes).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_those_of_go() {
        assert!(is_printable('é') && is_printable('世') && !is_printable('\u{a0}') && !is_printable('\u{200b}'));
        assert!(is_letter('λ') && !is_letter('²') && is_digit('٣') && !is_digit('½'));
    }

    #[test]
    fn each_byte_of_broken_utf8_counts_by_itself() {
        assert_eq!(count(b"a\xff\xfeb"), 4);
        assert_eq!(count("\u{1F600}é".as_bytes()), 2);
        assert_eq!(count(b"\xf0\x9f\x98"), 3);
        // Surrogates and overlong forms are no UTF-8.
        assert_eq!(count(b"\xed\xa0\x80"), 3);
        assert_eq!(count(b"\xc0\x80"), 2);
    }
}
