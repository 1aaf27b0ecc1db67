//! `time.Duration`: nanoseconds, and their text (`1h2m3.5s`).

/// Nanoseconds of a second.
pub(super) const SECOND: i64 = 1_000_000_000;

/// Go's `Duration.String`.
pub(super) fn show(length: i64) -> String {
    let total = length.unsigned_abs();
    let sign = if length < 0 { "-" } else { "" };
    let second = SECOND.unsigned_abs();
    if total == 0 {
        return "0s".to_owned();
    }
    if total < second {
        let (unit, name) = match total {
            0..1000 => (1, "ns"),
            1000..1_000_000 => (1000, "µs"),
            _ => (1_000_000, "ms"),
        };
        return format!("{sign}{}{name}", with_fraction(total, unit));
    }
    let (hours, minutes) = (total / second / 3600, total / second / 60 % 60);
    let seconds = with_fraction(total % (60 * second), second);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, _) => format!("{sign}{minutes}m{seconds}s"),
        _ => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

fn with_fraction(total: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", total % unit);
    let fraction = if digits == 0 {
        ""
    } else {
        fraction.trim_end_matches('0')
    };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{}{point}{fraction}", total / unit)
}

/// Go's `Duration.Round`: to a multiple of `unit` (above 0), halves away from zero.
pub(super) fn rounded(length: i64, unit: i64) -> i64 {
    let rest = length % unit;
    let lower = length - rest;
    if rest.unsigned_abs().saturating_mul(2) < unit.unsigned_abs() {
        return lower;
    }
    lower
        .checked_add(if length < 0 { -unit } else { unit })
        .unwrap_or(if length < 0 { i64::MIN } else { i64::MAX })
}

const UNITS: &[(&[u8], u64)] = &[
    (b"ns", 1),
    (b"us", 1000),
    ("µs".as_bytes(), 1000),
    ("μs".as_bytes(), 1000),
    (b"ms", 1_000_000),
    (b"s", 1_000_000_000),
    (b"m", 60_000_000_000),
    (b"h", 3_600_000_000_000),
];

/// Go's `time.ParseDuration`: `1.5h`, `-2m30s`, `0`.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if rest == b"0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    // One more than the largest is there, for the smallest.
    const MOST: u64 = 1 << 63;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after {
            [b'.', after @ ..] => digits(after),
            after => (b"".as_slice(), after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let name_end = after
            .iter()
            .position(|byte| *byte == b'.' || byte.is_ascii_digit())
            .unwrap_or(after.len());
        let (name, after) = after.split_at_checked(name_end)?;
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        let whole = number(whole)?.checked_mul(*unit)?;
        let part = whole.checked_add(part_of(fraction, *unit))?;
        total = total.checked_add(part).filter(|total| *total <= MOST)?;
        rest = after;
    }
    if negative {
        return Some(0i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).ok()
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, b""))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |sum, digit| {
        sum.checked_mul(10)?
            .checked_add(u64::from(digit - b'0'))
            .filter(|sum| *sum <= 1 << 63)
    })
}

/// Digits after the point, in units; those beyond 63 bits do not count.
fn part_of(digits: &[u8], unit: u64) -> u64 {
    let (mut value, mut scale) = (0u64, 1f64);
    for digit in digits {
        let next = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(u64::from(digit - b'0')));
        match next.filter(|next| *next < 1 << 63) {
            Some(next) => (value, scale) = (next, scale * 10.0),
            None => break,
        }
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown_as_go_does() {
        for (text, shown) in [
            ("1h", "1h0m0s"),
            ("1.5h", "1h30m0s"),
            ("90s", "1m30s"),
            ("1ms", "1ms"),
            ("1500us", "1.5ms"),
            ("-1.000000001s", "-1.000000001s"),
            ("0", "0s"),
            ("+5m", "5m0s"),
            ("1ns", "1ns"),
            ("2m3.25s", "2m3.25s"),
        ] {
            assert_eq!(parse(text.as_bytes()).map(show).as_deref(), Some(shown), "{text}");
        }
        for refused in ["", "5", "h", "1x", ".", "-", "1h ", "9999999h"] {
            assert_eq!(parse(refused.as_bytes()), None, "{refused}");
        }
        assert_eq!(rounded(1_500_000_000, SECOND), 2 * SECOND);
        assert_eq!(rounded(-1_400_000_000, SECOND), -SECOND);
    }
}
