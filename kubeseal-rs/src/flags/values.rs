//! Values as Go's flag library reads them.

use std::convert::Infallible;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// A boolean in the words that Go's `strconv.ParseBool` knows.
pub(crate) fn boolean(word: &str) -> Result<bool, String> {
    match word {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("must be true or false".to_owned()),
    }
}

/// The words of one comma-separated value; a word in double quotes may hold commas (`""` in it is a quote).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommaSeparated(pub Vec<String>);

impl FromStr for CommaSeparated {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let mut words = vec![String::new()];
        let mut quoted = false;
        let mut rest = text.chars().peekable();
        while let Some(next) = rest.next() {
            let Some(word) = words.last_mut() else { break };
            match next {
                '"' if quoted && rest.peek() == Some(&'"') => word.extend(rest.next()),
                '"' if quoted || word.is_empty() => quoted = !quoted,
                ',' if !quoted => words.push(String::new()),
                other => word.push(other),
            }
        }
        Ok(Self(words))
    }
}

/// The time limit of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestTimeout {
    /// Wait for as long as it takes.
    Unlimited,
    /// Give up after this time.
    After(Duration),
}

/// The text is not a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a whole number of seconds or a duration such as 1s, 2m, 3h, 1m30s; 0 means no limit")]
pub(crate) struct NotATimeout;

impl FromStr for RequestTimeout {
    type Err = NotATimeout;

    /// A whole number is seconds; else Go's durations, in h, m, s, ms, us (or µs) and ns.
    fn from_str(text: &str) -> Result<Self, NotATimeout> {
        let limit = match text.parse::<u64>() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => duration(text).ok_or(NotATimeout)?,
        };
        Ok(if limit.is_zero() {
            RequestTimeout::Unlimited
        } else {
            RequestTimeout::After(limit)
        })
    }
}

fn duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(unit_at)?;
        let unit_end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit_end)?;
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            // The micro sign and the Greek letter.
            "us" | "\u{b5}s" | "\u{3bc}s" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_divide_except_in_quotes() {
        let words = |text: &str| text.parse::<CommaSeparated>().unwrap().0;
        assert_eq!(words("a,b"), ["a", "b"]);
        assert_eq!(words(r#""a,b",c""d"#), ["a,b", r#"c""d"#]);
        assert_eq!(words(r#""a""b""#), [r#"a"b"#]);
        assert_eq!(words("a,"), ["a", ""]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn timeouts_are_seconds_or_go_durations() {
        let after = |seconds| Ok(RequestTimeout::After(Duration::from_millis(seconds)));
        assert_eq!("0".parse(), Ok(RequestTimeout::Unlimited));
        assert_eq!("0s".parse(), Ok(RequestTimeout::Unlimited));
        assert_eq!("5".parse(), after(5000));
        assert_eq!("1m30s".parse(), after(90_000));
        assert_eq!("1.5h".parse(), after(5_400_000));
        assert_eq!("250ms".parse(), after(250));
        for three in ["3000us", "3000\u{b5}s", "3000\u{3bc}s", "3000000ns"] {
            assert_eq!(three.parse(), after(3), "{three}");
        }
        for wrong in ["", "s", "5x", "-1s", "1s2", "1..5s"] {
            assert_eq!(wrong.parse::<RequestTimeout>(), Err(NotATimeout), "{wrong}");
        }
    }

    #[test]
    fn booleans_are_gos_words() {
        for word in ["1", "t", "T", "TRUE", "true", "True"] {
            assert_eq!(boolean(word), Ok(true));
        }
        for word in ["0", "f", "F", "FALSE", "false", "False"] {
            assert_eq!(boolean(word), Ok(false));
        }
        assert!(boolean("yes").is_err() && boolean("").is_err());
    }
}
