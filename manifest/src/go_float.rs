//! Numbers as Go prints them with `strconv.FormatFloat(f, 'g', -1, bits)`: the shortest digits that read back, with an
//! exponent below 1e-4 and from 1e6.

/// `value` as Go's YAML writer prints a float64.
pub(super) fn double(value: f64) -> String {
    general(&format!("{value:e}"))
}

/// `value` as Go's YAML-to-JSON conversion prints a float where text is wanted: with the precision of a float32.
pub(super) fn single(value: f64) -> String {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the reference narrows here, and its text is what is wanted"
    )]
    let narrow = value as f32;
    if narrow.is_infinite() {
        return if narrow > 0.0 {
            "+Inf".to_owned()
        } else {
            "-Inf".to_owned()
        };
    }
    general(&format!("{narrow:e}"))
}

/// Rust's shortest exponent form (`-1.25e-7`) in the shape of Go's `g` format.
fn general(shortest: &str) -> String {
    let (sign, unsigned) = shortest.strip_prefix('-').map_or(("", shortest), |rest| ("-", rest));
    let Some((mantissa, exponent)) = unsigned.split_once('e') else {
        return shortest.to_owned();
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return shortest.to_owned();
    };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    if !(-4..6).contains(&exponent) {
        let tail = digits
            .get(1..)
            .filter(|tail| !tail.is_empty())
            .map_or(String::new(), |tail| format!(".{tail}"));
        let lead = digits.get(..1).unwrap_or("0");
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{lead}{tail}e{mark}{:02}", exponent.abs());
    }
    let body = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0)))
    } else if point >= count {
        format!("{digits}{}", "0".repeat(usize::try_from(point - count).unwrap_or(0)))
    } else {
        let at = usize::try_from(point).unwrap_or(0);
        format!("{}.{}", digits.get(..at).unwrap_or(""), digits.get(at..).unwrap_or(""))
    };
    format!("{sign}{body}")
}
