//! The meaning of an unquoted scalar by the rules of Go's `yaml.v2` (YAML 1.1 without base 60), with which kubectl, the
//! API server's clients and the reference read manifests.

/// A scalar's meaning.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    Float(f64),
    /// Text, exactly as it was typed.
    Text,
}

/// The meaning of the unquoted text `typed`.
pub(super) fn resolve(typed: &str) -> Scalar {
    if let Some(word) = word(typed) {
        return word;
    }
    match typed.as_bytes().first() {
        // Go strips the underscores of a number that begins with a digit, but here leaves them to `ParseFloat`.
        Some(b'.') if underscores_divide_digits(typed) => {
            float(&without_underscores(typed)).map_or(Scalar::Text, Scalar::Float)
        }
        // A date starts with a digit too, and is text for Go when no type is asked for.
        Some(b'+' | b'-' | b'0'..=b'9') if !is_timestamp(typed) => {
            let plain = without_underscores(typed);
            integer(&plain)
                .or_else(|| float(&plain).map(Scalar::Float))
                .or_else(|| signed_binary(&plain))
                .unwrap_or(Scalar::Text)
        }
        _ => Scalar::Text,
    }
}

fn without_underscores(typed: &str) -> String {
    typed.chars().filter(|c| *c != '_').collect()
}

fn underscores_divide_digits(typed: &str) -> bool {
    let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    let bytes = typed.as_bytes();
    bytes
        .iter()
        .enumerate()
        .filter(|(_, b)| **b == b'_')
        .all(|(at, _)| digit(at.checked_sub(1).and_then(|before| bytes.get(before))) && digit(bytes.get(at + 1)))
}

fn word(typed: &str) -> Option<Scalar> {
    Some(match typed {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// Go's `ParseInt(s, 0, 64)`, then `ParseUint(s, 0, 64)`: a prefix `0x`, `0o`, `0b` or `0` gives the base.
fn integer(plain: &str) -> Option<Scalar> {
    let (negative, unsigned) = match plain.as_bytes().first()? {
        b'-' => (true, plain.get(1..)?),
        b'+' => (false, plain.get(1..)?),
        _ => (false, plain),
    };
    let (base, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // A second sign after the prefix is not a number, though Rust accepts it.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    let magnitude = i128::from(u64::from_str_radix(digits, base).ok()?);
    let number = if negative { -magnitude } else { magnitude };
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => Some(Scalar::Int(number)),
        // `ParseUint` knows no sign, not even a plus.
        (Err(_), Ok(number)) if unsigned.len() == plain.len() => Some(Scalar::Uint(number)),
        _ => None,
    }
}

/// Go tries `0b` again separately, and accepts a sign after it: `0b-1` is -1.
fn signed_binary(plain: &str) -> Option<Scalar> {
    let digits = plain
        .strip_prefix("0b")
        .filter(|digits| digits.starts_with(['+', '-']))?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, as long as the number is finite.
fn float(plain: &str) -> Option<f64> {
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(plain);
    let (mantissa, exponent) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !all_digits(digits) {
            return None;
        }
    }
    plain.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Whether Go would read the text as a date or a time: `2006-1-2`, `2006-1-2 15:4:5.9`, `2006-1-2T15:4:5.9Z`. It stays
/// text, but Go's writer quotes it.
pub(super) fn is_timestamp(typed: &str) -> bool {
    let Some((date, rest)) = split_date(typed) else {
        return false;
    };
    if rest.is_empty() {
        return date;
    }
    let zoned = rest.starts_with(['T', 't']);
    if !zoned && !rest.starts_with(' ') {
        return false;
    }
    let Some(clock) = rest.get(1..) else { return false };
    let clock = if zoned {
        match clock.strip_suffix('Z') {
            Some(clock) => clock,
            None => match clock.rfind(['+', '-']).and_then(|at| clock.split_at_checked(at)) {
                Some((clock, zone)) if is_zone(zone) => clock,
                _ => return false,
            },
        }
    } else {
        // Go accepts any number of spaces.
        clock.trim_start_matches(' ')
    };
    date && is_clock(clock)
}

/// A leading `YYYY-M-D`, whether it is a day of the calendar, and what follows it.
fn split_date(typed: &str) -> Option<(bool, &str)> {
    let (year, rest) = typed.split_once('-')?;
    let (month, rest) = rest.split_once('-')?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, rest) = rest.split_at_checked(end)?;
    if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: u32 = year.parse().ok()?;
    let month = field(month, 12)?;
    let day = field(day, 31)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    Some((month >= 1 && (1..=longest).contains(&day), rest))
}

/// `15:4:5` with an optional fraction.
fn is_clock(clock: &str) -> bool {
    let (clock, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, "0"));
    let parts: Vec<_> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else {
        return false;
    };
    !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && field(hour, 23).is_some()
        && field(minute, 59).is_some()
        && field(second, 59).is_some()
}

/// `+07:00`.
fn is_zone(zone: &str) -> bool {
    let Some((hours, minutes)) = zone.get(1..).and_then(|zone| zone.split_once(':')) else {
        return false;
    };
    hours.len() == 2 && minutes.len() == 2 && field(hours, 24).is_some() && field(minutes, 60).is_some()
}

/// One or two digits of at most `most`.
fn field(digits: &str, most: u32) -> Option<u32> {
    let fits = matches!(digits.len(), 1 | 2) && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|number| fits && *number <= most)
}
