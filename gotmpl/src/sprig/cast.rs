//! Any value as a number, as the `cast` library that sprig uses understands it, and Go's parsing of numbers.

use crate::value::Value;

/// `int64` (and `int`, which is as wide): text is read as Go writes integer literals, and what is no number is 0.
pub(super) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Float64(value) => truncate(*value),
        Value::Bool(value) => i64::from(*value),
        Value::String(text) => parse_int(without_zero_fraction(text), 0).unwrap_or(0),
        Value::Uint64(value) => value.cast_signed(),
        Value::Object(object) if !matches!(object.go_type().name, "time.Month" | "time.Weekday") => 0,
        other => other.integer().and_then(|value| i64::try_from(value).ok()).unwrap_or(0),
    }
}

/// `float64`; 0 for a text that is not a number.
pub(super) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float64(value) => *value,
        Value::String(text) => parse_float(text).unwrap_or(0.0),
        Value::Uint64(value) => *value as f64,
        other => to_int64(other) as f64,
    }
}

/// Go's conversion of a float to an integer on amd64: what does not fit becomes the smallest one.
pub(super) fn truncate(value: f64) -> i64 {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    if fits { value as i64 } else { i64::MIN }
}

/// `12.00` → `12`; anything else as it is.
fn without_zero_fraction(text: &[u8]) -> &[u8] {
    let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
    match text.split_at_checked(text.len() - zeros) {
        Some(([whole @ .., b'.'], _)) if zeros > 0 => whole,
        _ => text,
    }
}

/// Go's `strconv.ParseInt` with 64 bits. `Err` holds what Go returns beside its error: the nearest integer when the
/// number is out of range, else 0.
pub(super) fn parse_int(text: &[u8], base: u32) -> Result<i64, i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let (base, digits) = if base == 0 {
        literal_digits(digits)?
    } else if digits.contains(&b'_') {
        return Err(0);
    } else {
        (base, digits)
    };
    if digits.is_empty() {
        return Err(0);
    }
    let mut value: i128 = 0;
    for digit in digits.iter().filter(|digit| **digit != b'_') {
        let digit = char::from(*digit).to_digit(base).ok_or(0)?;
        value = value.saturating_mul(i128::from(base)).saturating_add(i128::from(digit));
    }
    let signed = if negative { -value } else { value };
    i64::try_from(signed).map_err(|_| if negative { i64::MIN } else { i64::MAX })
}

/// The base that a literal's prefix says, and its digits with the underscores, which must stand between digits or after
/// the prefix.
fn literal_digits(text: &[u8]) -> Result<(u32, &[u8]), i64> {
    let (base, digits, prefixed) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest, true),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest, true),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest, true),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest, true),
        rest => (10, rest, false),
    };
    underscores_stand_well(digits, prefixed)
        .then_some((base, digits))
        .ok_or(0)
}

fn underscores_stand_well(digits: &[u8], prefixed: bool) -> bool {
    let mut after_digit = prefixed;
    for byte in digits {
        if *byte == b'_' && !after_digit {
            return false;
        }
        after_digit = *byte != b'_';
    }
    after_digit || digits.is_empty()
}

/// Go's `strconv.ParseFloat`; `None` also when the number is out of range.
pub(super) fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if matches!(lower.as_str(), "inf" | "infinity" | "nan") {
        return text.parse().ok();
    }
    if let Some(hexadecimal) = lower.strip_prefix("0x") {
        let value = parse_hexadecimal(hexadecimal)?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    let plain = |byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-' | b'_');
    // Underscores stand between digits.
    let digits_around = |parts: &[u8]| matches!(parts, [a, b'_', b] if !(a.is_ascii_digit() && b.is_ascii_digit()));
    let misplaced = lower.starts_with('_') || lower.ends_with('_') || lower.as_bytes().windows(3).any(digits_around);
    if lower.is_empty() || !lower.bytes().all(plain) || misplaced {
        return None;
    }
    let value: f64 = text.replace('_', "").parse().ok()?;
    value.is_finite().then_some(value)
}

/// `1.8p3` after its prefix: hexadecimal digits, and an exponent of two that must be there.
fn parse_hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    if !underscores_stand_well(mantissa.replace('.', "").as_bytes(), true) {
        return None;
    }
    let mantissa = mantissa.replace('_', "");
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((&mantissa, ""));
    let exponent: i32 = exponent.parse().ok()?;
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 15 {
        // A longer text would have to be rounded with care, and does not occur.
        return None;
    }
    let value = u64::from_str_radix(&digits, 16).ok()? as f64;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    let value = value * 2f64.powi(shift.clamp(-1200, 1200));
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_go_reads_literals() {
        for (text, value) in [
            ("0x1F", Ok(31)),
            ("010", Ok(8)),
            ("0b11", Ok(3)),
            ("0o17", Ok(15)),
            ("1_000", Ok(1000)),
            ("-0x_8", Ok(-8)),
            ("08", Err(0)),
            ("1__0", Err(0)),
            ("_1", Err(0)),
            ("1_", Err(0)),
            ("", Err(0)),
            ("0x", Err(0)),
            (" 5", Err(0)),
            ("9223372036854775808", Err(i64::MAX)),
            ("-9223372036854775808", Ok(i64::MIN)),
            ("0", Ok(0)),
            ("+5", Ok(5)),
        ] {
            assert_eq!(parse_int(text.as_bytes(), 0), value, "{text}");
        }
        assert_eq!(without_zero_fraction(b"12.00"), b"12");
        assert_eq!(without_zero_fraction(b"1200"), b"1200");
        assert_eq!(without_zero_fraction(b"5."), b"5.");
    }

    #[test]
    fn floats_are_read_as_go_reads_them() {
        assert_eq!(parse_float(b"0x1p-2"), Some(0.25));
        assert_eq!(parse_float(b"-1.5e3"), Some(-1500.0));
        assert_eq!(parse_float(b"1_0"), Some(10.0));
        for refused in [
            "", "1__0", "_1", "1_", "1_.5", "1e999", "x", "e5", " 1", "1 ", "0x1", "infinit",
        ] {
            assert_eq!(parse_float(refused.as_bytes()), None, "{refused}");
        }
        assert_eq!(truncate(1e300), i64::MIN);
        assert_eq!(truncate(-1.9), -1);
    }
}
