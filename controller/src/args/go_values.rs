//! Values as Go's flag packages read them.

use std::time::Duration;

/// Reads a boolean as Go's `strconv.ParseBool` does.
pub(crate) fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// Reads a duration as Go's `time.ParseDuration` does (`720h`, `1m30s`, `1.5h`, `0`), but refuses negative ones.
pub(crate) fn go_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a duration such as 720h, 1m30s or 0".to_owned();
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.starts_with('-') {
        return Err("must not be negative".to_owned());
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, tail) = split_where(rest, |c| !(c.is_ascii_digit() || c == '.'));
        let (unit, tail) = split_where(tail, |c| c.is_ascii_digit() || c == '.');
        seconds += number.parse::<f64>().map_err(|_| wrong())? * unit_seconds(unit).ok_or_else(wrong)?;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

fn split_where(text: &str, ends: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("0", Some(0.0)),
            ("0s", Some(0.0)),
            ("720h", Some(2_592_000.0)),
            ("1m30s", Some(90.0)),
            ("1.5h", Some(5400.0)),
            ("250ms", Some(0.25)),
            ("", None),
            ("10", None),
            ("h", None),
            ("5d", None),
            ("1..5h", None),
            ("-1h", None),
            ("99999999999999999999h", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(go_duration(text).ok(), seconds.map(Duration::from_secs_f64), "{text}");
        }
    }
}
