//! Percent signs in the parts of a URL.

use crate::print::hexadecimal;

/// Which part: what may stand there as it is differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    /// The zone of an IPv6 address.
    Zone,
    User,
    Fragment,
}

fn stands(byte: u8, part: Part) -> bool {
    match byte {
        b'-' | b'_' | b'.' | b'~' => true,
        byte if byte.is_ascii_alphanumeric() => true,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match part {
            Part::Path => byte != b'?',
            Part::User => !matches!(byte, b'@' | b'/' | b'?' | b':'),
            Part::Fragment => true,
            Part::Host | Part::Zone => !matches!(byte, b'/' | b'?' | b'@'),
        },
        b'!' | b'(' | b')' | b'*' => matches!(part, Part::Host | Part::Zone | Part::Fragment),
        b'\'' | b'[' | b']' | b'<' | b'>' | b'"' => matches!(part, Part::Host | Part::Zone),
        _ => false,
    }
}

/// Each byte that may not stand in this part as `%XX`.
pub(super) fn escape(plain: &[u8], part: Part) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len());
    for byte in plain {
        if stands(*byte, part) {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend(hexadecimal(*byte));
        }
    }
    out
}

/// The bytes that are meant; `None` where a percent sign is not followed by two digits, or where a host has what hosts
/// cannot have.
pub(super) fn unescape(escaped: &[u8], part: Part) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !stands(*byte, part) {
                return None;
            }
            out.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        let digit = |place: usize| digits.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        let meant = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        let percent = digits == b"25";
        let allowed = match part {
            // In a name, only what is not ASCII may be escaped.
            Part::Host => percent || !meant.is_ascii(),
            Part::Zone => percent || meant == b' ' || stands(meant, Part::Host),
            _ => true,
        };
        if !allowed {
            return None;
        }
        out.push(meant);
    }
    Some(out)
}
