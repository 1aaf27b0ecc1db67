//! Constants: numbers, characters and strings as Go writes them.

use crate::error::ParseMistake;
use crate::tree::Number;

/// A numeric constant, from the lexer's token.
pub(super) fn number(text: &str) -> Result<Number, ParseMistake> {
    if let Some(digits) = text.strip_suffix('i')
        && let Some(imaginary) = float(digits)
    {
        return Ok(simplified(0.0, imaginary));
    }
    let (uint, int) = integers(text);
    if int.is_some() || uint.is_some() {
        return Ok(Number {
            int,
            // Minus zero is not an unsigned literal, but its value is one.
            uint: if int == Some(0) { Some(0) } else { uint },
            float: int.map(|int| int as f64).or(uint.map(|uint| uint as f64)),
            complex: None,
            is_float: false,
        });
    }
    let value = float(text).ok_or(ParseMistake::BadNumber)?;
    if !text.contains(['.', 'e', 'E', 'p', 'P']) {
        return Err(ParseMistake::NumberOverflow);
    }
    Ok(Number {
        int: whole(value),
        uint: unsigned(value),
        float: Some(value),
        complex: None,
        is_float: true,
    })
}

/// `1+2i`.
pub(super) fn complex(text: &str) -> Result<Number, ParseMistake> {
    let digits = text.strip_suffix('i').ok_or(ParseMistake::BadNumber)?;
    // The sign in between is the last that does not belong to an exponent.
    let sign = digits
        .char_indices()
        .rev()
        .find(|(place, c)| matches!(c, '+' | '-') && !digits[..*place].ends_with(['e', 'E', 'p', 'P']))
        .ok_or(ParseMistake::BadNumber)?;
    let (real, imaginary) = digits.split_at_checked(sign.0).ok_or(ParseMistake::BadNumber)?;
    let part = |text| float(text).or_else(|| integers(text).1.map(|int| int as f64));
    match (part(real), part(imaginary)) {
        (Some(real), Some(imaginary)) => Ok(simplified(real, imaginary)),
        _ => Err(ParseMistake::BadNumber),
    }
}

/// A complex constant; without an imaginary part it can stand for the simpler types as well.
fn simplified(real: f64, imaginary: f64) -> Number {
    let float = (imaginary == 0.0).then_some(real);
    Number {
        int: float.and_then(whole),
        uint: float.and_then(unsigned),
        float,
        complex: Some((real, imaginary)),
        is_float: false,
    }
}

fn whole(value: f64) -> Option<i64> {
    // 2^63 itself would be cut to the largest int, which as a float is 2^63 again.
    (value as i64 as f64 == value && value < 9_223_372_036_854_775_808.0).then_some(value as i64)
}

fn unsigned(value: f64) -> Option<u64> {
    (value as u64 as f64 == value && value < 18_446_744_073_709_551_616.0).then_some(value as u64)
}

/// The text as an unsigned and as a signed 64-bit integer, in any of Go's bases.
fn integers(text: &str) -> (Option<u64>, Option<i64>) {
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() > 1 || !underscores_fit(unsigned) {
        return (None, None);
    }
    let lower = unsigned.to_ascii_lowercase();
    let (base, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some(_) if lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let digits = digits.replace('_', "");
    if digits.starts_with(['+', '-']) {
        return (None, None);
    }
    let magnitude = u64::from_str_radix(&digits, base).ok();
    let negative = text.starts_with('-');
    let signed = magnitude
        .map(i128::from)
        .map(|value| if negative { -value } else { value });
    let int = signed.and_then(|value| i64::try_from(value).ok());
    (magnitude.filter(|_| text.len() == unsigned.len()), int)
}

/// Underscores stand between digits, or between a prefix and a digit.
fn underscores_fit(text: &str) -> bool {
    let text = text.trim_start_matches(['+', '-']);
    let prefixed = text
        .get(..2)
        .is_some_and(|start| matches!(&*start.to_ascii_lowercase(), "0x" | "0o" | "0b"));
    // After a prefix, one underscore may come at once.
    let mut before = if prefixed { '0' } else { 'x' };
    let rest = if prefixed {
        text.get(2..).unwrap_or_default()
    } else {
        text
    };
    for c in rest.chars() {
        let digit = c.is_ascii_digit() || prefixed && c.is_ascii_hexdigit();
        let kind = match c {
            '_' => '_',
            _ if digit => '0',
            _ => 'x',
        };
        if kind == '_' && before != '0' || before == '_' && kind != '0' {
            return false;
        }
        before = kind;
    }
    before != '_'
}

/// A finite float, decimal or hexadecimal with an exponent of two.
fn float(text: &str) -> Option<f64> {
    if !underscores_fit(text) {
        return None;
    }
    let text = text.replace('_', "").to_ascii_lowercase();
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() - unsigned.len() > 1 {
        return None;
    }
    let value = match unsigned.strip_prefix("0x") {
        Some(digits) => hexadecimal(digits)?,
        None if unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') => unsigned.parse().ok()?,
        None => return None,
    };
    let value: f64 = if text.starts_with('-') { -value } else { value };
    value.is_finite().then_some(value)
}

fn hexadecimal(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    // Sixteen digits are enough for templates; longer mantissas are refused, because they would be rounded twice.
    let number = u64::from_str_radix(&all, 16).ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(number as f64 * 2f64.powi(exponent))
}

/// `'x'`: the number of the character.
pub(super) fn character(text: &str) -> Result<Number, ParseMistake> {
    let inner = text
        .get(1..)
        .and_then(|text| text.strip_suffix('\''))
        .ok_or(ParseMistake::BadLiteral)?;
    let mut rest = inner;
    let value = match unescape(&mut rest, '\'')? {
        Piece::Byte(byte) => i64::from(byte),
        Piece::Char(c) => i64::from(u32::from(c)),
    };
    if !rest.is_empty() {
        return Err(ParseMistake::BadLiteral);
    }
    Ok(Number {
        int: Some(value),
        uint: u64::try_from(value).ok(),
        float: Some(value as f64),
        complex: None,
        is_float: false,
    })
}

/// `"…"`.
pub(super) fn quoted(text: &str) -> Result<Vec<u8>, ParseMistake> {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let mut rest = inner.ok_or(ParseMistake::BadLiteral)?;
    let mut bytes = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        match unescape(&mut rest, '"')? {
            Piece::Byte(byte) => bytes.push(byte),
            Piece::Char(c) => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Ok(bytes)
}

/// `` `…` ``: as it stands, without carriage returns.
pub(super) fn raw(text: &str) -> Vec<u8> {
    let inner = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    let mut bytes = Vec::with_capacity(text.len());
    bytes.extend(inner.unwrap_or_default().bytes().filter(|byte| *byte != b'\r'));
    bytes
}

enum Piece {
    Byte(u8),
    Char(char),
}

/// Takes one character or escape off the front.
fn unescape(rest: &mut &str, mark: char) -> Result<Piece, ParseMistake> {
    let mut chars = rest.chars();
    let first = chars.next().ok_or(ParseMistake::BadLiteral)?;
    if first != '\\' {
        *rest = chars.as_str();
        return if first == mark {
            Err(ParseMistake::BadLiteral)
        } else {
            Ok(Piece::Char(first))
        };
    }
    let escape = chars.next().ok_or(ParseMistake::BadLiteral)?;
    let digits = |count: usize, base: u32, text: &str| {
        let digits = text
            .get(..count)
            .filter(|digits| digits.chars().all(|c| c.is_digit(base)));
        digits
            .and_then(|digits| u32::from_str_radix(digits, base).ok())
            .ok_or(ParseMistake::BadLiteral)
    };
    let after = chars.as_str();
    let (piece, used) = match escape {
        'a' => (Piece::Char('\x07'), 0),
        'b' => (Piece::Char('\x08'), 0),
        'f' => (Piece::Char('\x0c'), 0),
        'n' => (Piece::Char('\n'), 0),
        'r' => (Piece::Char('\r'), 0),
        't' => (Piece::Char('\t'), 0),
        'v' => (Piece::Char('\x0b'), 0),
        '\\' => (Piece::Char('\\'), 0),
        c if c == mark => (Piece::Char(c), 0),
        'x' => (Piece::Byte(digits(2, 16, after)? as u8), 2),
        'u' | 'U' => {
            let count = if escape == 'u' { 4 } else { 8 };
            let c = char::from_u32(digits(count, 16, after)?).ok_or(ParseMistake::BadLiteral)?;
            (Piece::Char(c), count)
        }
        '0'..='7' => {
            let octal = chars
                .as_str()
                .get(..2)
                .map(|more| format!("{escape}{more}"))
                .unwrap_or_default();
            let value = u8::try_from(digits(3, 8, &octal)?).map_err(|_| ParseMistake::BadLiteral)?;
            (Piece::Byte(value), 2)
        }
        _ => return Err(ParseMistake::BadLiteral),
    };
    *rest = after.get(used..).unwrap_or_default();
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Go's parser takes them: the value that prints, or none.
    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, int, float) in [
            ("1_000", Some(1000), 1000.0),
            ("1_000.5", None, 1000.5),
            ("0x1p4", Some(16), 16.0),
            ("0x1_0p4", Some(256), 256.0),
            ("0x_10", Some(16), 16.0),
            ("089.5", None, 89.5),
            ("-0", Some(0), 0.0),
            ("0b101", Some(5), 5.0),
            ("017", Some(15), 15.0),
            ("+0x10", Some(16), 16.0),
            (".5", None, 0.5),
            ("0x10e5", Some(4325), 4325.0),
            ("-9223372036854775808", Some(i64::MIN), -9.223372036854776e18),
            ("18446744073709551615", None, 1.8446744073709552e19),
            ("0x1p-2", None, 0.25),
            ("1e3", Some(1000), 1000.0),
        ] {
            let number = number(text).unwrap();
            assert_eq!((number.int, number.float), (int, Some(float)), "{text}");
        }
        for text in ["1_", "1__0", "0x1.8", "1e", "1e400", ".", "+", "0x", "1e+"] {
            assert_eq!(number(text), Err(ParseMistake::BadNumber), "{text}");
        }
        for text in ["0_8", "08", "99999999999999999999"] {
            assert_eq!(number(text), Err(ParseMistake::NumberOverflow), "{text}");
        }
        assert_eq!(complex("1+2i").unwrap().complex, Some((1.0, 2.0)));
        assert_eq!(complex("1e+3-2.5i").unwrap().complex, Some((1000.0, -2.5)));
        assert_eq!(number("0i").unwrap().int, Some(0));
    }

    #[test]
    fn strings_and_characters_are_unescaped() {
        assert_eq!(
            quoted(r#""a\n\x41\101\u00e9\U0001F600\"'\xff""#).unwrap(),
            b"a\nAA\xc3\xa9\xf0\x9f\x98\x80\"'\xff"
        );
        assert_eq!(raw("`a\\n\r\n`"), b"a\\n\n");
        for text in [r#""\'""#, r#""\q""#, r#""\x4""#, r#""\400""#, r#""\ud800""#] {
            assert_eq!(quoted(text), Err(ParseMistake::BadLiteral), "{text}");
        }
        assert_eq!(character("'é'").unwrap().int, Some(0xe9));
        assert_eq!(character(r"'\''").unwrap().int, Some(39));
        for text in ["''", "'ab'", r#"'\"'"#] {
            assert_eq!(character(text), Err(ParseMistake::BadLiteral), "{text}");
        }
    }
}
