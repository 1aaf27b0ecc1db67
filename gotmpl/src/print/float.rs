//! Go's `strconv.FormatFloat` for 64 bits.

/// A double has no more digits after the point than this; what lies behind is zeros.
const LAST_DIGIT: usize = 1074;

/// Go's `strconv.FormatFloat(value, verb, precision, 64)`; no precision asks for the shortest digits that read back as
/// the same number. The verbs are `e`, `E`, `f`, `g`, `G`, `b`, `x` and `X`.
pub fn format_float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let value = value.abs();
    if value.is_infinite() {
        return format!("{}Inf", if sign.is_empty() { "+" } else { sign });
    }
    let digits = match verb {
        'e' | 'E' => scientific(value, verb, precision),
        'g' | 'G' => general(value, verb, precision),
        'b' => binary(value),
        'x' | 'X' => hexadecimal(value, verb, precision),
        _ => fixed(value, precision),
    };
    format!("{sign}{digits}")
}

/// The decimal digits of a number, and its exponent in scientific notation: `d.ddd × 10^exponent`.
fn decimal(value: f64, precision: Option<usize>) -> (String, i32) {
    // Rust refuses precisions of more than 16 bits, and none beyond the last digit changes anything.
    let text = match precision {
        Some(precision) => format!("{value:.*e}", precision.min(LAST_DIGIT)),
        None => format!("{value:e}"),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.replace('.', ""), exponent.parse().unwrap_or(0))
}

fn zeros(count: usize) -> String {
    "0".repeat(count)
}

fn scientific(value: f64, verb: char, precision: Option<usize>) -> String {
    let (digits, exponent) = decimal(value, precision);
    let missing = precision.map_or(0, |precision| (precision + 1).saturating_sub(digits.len()));
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() && missing == 0 { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!(
        "{first}{point}{rest}{}{verb}{sign}{:02}",
        zeros(missing),
        exponent.abs()
    )
}

fn fixed(value: f64, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => {
            let exact = precision.min(LAST_DIGIT);
            format!("{value:.exact$}{}", zeros(precision - exact))
        }
        // Display prints the shortest digits, without an exponent.
        None => format!("{value}"),
    }
}

fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let significant = precision.map(|precision| precision.max(1));
    let (digits, exponent) = decimal(value, significant.map(|significant| significant - 1));
    // Zeros at the end are not printed.
    let kept = digits.trim_end_matches('0').len().max(1);
    let limit = match significant {
        // Go's choice for the shortest form.
        None => 6,
        // A whole number that has fewer digits than asked for.
        Some(significant) if significant > kept && kept as i64 > i64::from(exponent) => kept,
        Some(significant) => significant,
    };
    if exponent < -4 || i64::from(exponent) >= limit as i64 {
        let mark = if verb == 'G' { 'E' } else { 'e' };
        return scientific_of(digits.get(..kept).unwrap_or(&digits), exponent, mark);
    }
    fixed_of(digits.get(..kept).unwrap_or(&digits), exponent)
}

fn scientific_of(digits: &str, exponent: i32, mark: char) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}{mark}{sign}{:02}", exponent.abs())
}

fn fixed_of(digits: &str, exponent: i32) -> String {
    match usize::try_from(exponent) {
        Err(_) => format!("0.{}{digits}", zeros(exponent.unsigned_abs() as usize - 1)),
        Ok(exponent) if digits.len() <= exponent + 1 => format!("{digits}{}", zeros(exponent + 1 - digits.len())),
        Ok(exponent) => {
            let (whole, fraction) = digits.split_at(exponent + 1);
            format!("{whole}.{fraction}")
        }
    }
}

/// Mantissa and exponent of base two: `value = mantissa × 2^exponent`.
fn parts(value: f64) -> (u64, i64) {
    let bits = value.to_bits();
    let mantissa = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as i64 {
        0 => (mantissa, -1074),
        exponent => (mantissa | 1 << 52, exponent - 1075),
    }
}

fn binary(value: f64) -> String {
    let (mantissa, exponent) = parts(value);
    format!("{mantissa}p{exponent:+}")
}

fn hexadecimal(value: f64, verb: char, precision: Option<usize>) -> String {
    let (mut mantissa, mut exponent) = parts(value);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // The first digit is 1, with 60 bits behind it.
        let shift = mantissa.leading_zeros() - 3;
        mantissa <<= shift;
        exponent += 60 - i64::from(shift);
    }
    if let Some(digits) = precision.filter(|digits| *digits < 15) {
        let dropped = 60 - 4 * digits;
        let (half, odd) = (1u64 << (dropped - 1), mantissa >> dropped & 1);
        // To the nearest, ties to even.
        mantissa = (mantissa + half - 1 + odd) >> dropped << dropped;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let all = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => all.trim_end_matches('0').to_owned(),
        Some(digits) => format!(
            "{}{}",
            all.get(..digits).unwrap_or(&all),
            zeros(digits.saturating_sub(15))
        ),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exponent.abs());
    if verb == 'X' { text.to_uppercase() } else { text }
}
