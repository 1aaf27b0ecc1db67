//! Base64 and base32. What cannot be decoded gives the text of Go's error as its result, as in the original; that text
//! names a place and nothing of the input.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Outcome, S, by_runes, text};
use crate::function::Func;

pub(super) static FUNCS: &[Func] = &[
    Func::new("b64enc", &[S], |_, args| text(STANDARD.encode(args.bytes(0)?))),
    Func::new("b64dec", &[S], |context, args| {
        decoded("base64", from_base64(by_runes(context, args, 0, BYTES_A_STEP)?))
    }),
    Func::new("b32enc", &[S], |context, args| {
        text(encode_base32(by_runes(context, args, 0, BYTES_A_STEP)?))
    }),
    Func::new("b32dec", &[S], |context, args| {
        decoded("base32", from_base32(by_runes(context, args, 0, BYTES_A_STEP)?))
    }),
];

const BYTES_A_STEP: u64 = 16;

fn letter_of_base64(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

fn letter_of_base32(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'2'..=b'7' => Some(byte - b'2' + 26),
        _ => None,
    }
}

/// The bytes, or the place that Go names.
type Decoded = Result<Vec<u8>, usize>;

fn decoded(name: &str, decoded: Decoded) -> Outcome {
    match decoded {
        Ok(bytes) => text(bytes),
        Err(place) => text(format!("illegal {name} data at input byte {place}")),
    }
}

fn is_line_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// The whole bytes of letters of `bits` bits each.
fn pack(out: &mut Vec<u8>, letters: &[u8], bits: usize) {
    let value = letters
        .iter()
        .fold(0u64, |value, letter| value << bits | u64::from(*letter));
    let count = letters.len() * bits / 8;
    let bytes = (value >> (letters.len() * bits % 8)).to_be_bytes();
    out.extend_from_slice(bytes.get(8 - count..).unwrap_or_default());
}

/// Standard base64 as Go reads it: ends of line are skipped, and the place of an error counts them.
fn from_base64(encoded: &[u8]) -> Decoded {
    let mut out = Vec::with_capacity(encoded.len() / 4 * 3);
    let mut letters = Vec::with_capacity(4);
    for (place, byte) in encoded.iter().enumerate() {
        if is_line_end(*byte) {
            continue;
        }
        let Some(letter) = letter_of_base64(*byte) else {
            if *byte != b'=' || letters.len() < 2 {
                return Err(place);
            }
            check_padding(encoded, place, letters.len())?;
            pack(&mut out, &letters, 6);
            return Ok(out);
        };
        letters.push(letter);
        if letters.len() == 4 {
            pack(&mut out, &letters, 6);
            letters.clear();
        }
    }
    if letters.is_empty() {
        Ok(out)
    } else {
        Err(encoded.len() - letters.len())
    }
}

/// After the first padding sign, at `place`: a second one behind two letters, and nothing more.
fn check_padding(encoded: &[u8], place: usize, letters: usize) -> Result<(), usize> {
    let mut rest = encoded
        .iter()
        .enumerate()
        .skip(place + 1)
        .filter(|(_, byte)| !is_line_end(**byte));
    if letters == 2 {
        match rest.next() {
            Some((_, b'=')) => {}
            Some((after, _)) => return Err(after - 1),
            None => return Err(encoded.len()),
        }
    }
    rest.next().map_or(Ok(()), |(after, _)| Err(after))
}

/// Base32 as Go reads it: the place of an error does not count ends of line, and what follows the padding within eight
/// letters is not looked at.
fn from_base32(encoded: &[u8]) -> Decoded {
    let encoded: Vec<u8> = encoded.iter().copied().filter(|byte| !is_line_end(*byte)).collect();
    let mut out = Vec::with_capacity(encoded.len() / 8 * 5);
    let mut letters = Vec::with_capacity(8);
    for (place, byte) in encoded.iter().enumerate() {
        let after = encoded.get(place + 1..).unwrap_or_default();
        if *byte == b'=' && letters.len() >= 2 && after.len() < 8 {
            if after.len() + letters.len() < 7 {
                return Err(encoded.len());
            }
            let padding = after.iter().take(7 - letters.len());
            if let Some(wrong) = padding
                .enumerate()
                .find_map(|(number, byte)| (*byte != b'=').then_some(number))
            {
                return Err(place + wrong);
            }
            if letters.len() == 3 || letters.len() == 6 {
                return Err(place);
            }
            pack(&mut out, &letters, 5);
            return Ok(out);
        }
        letters.push(letter_of_base32(*byte).ok_or(place)?);
        if letters.len() == 8 {
            pack(&mut out, &letters, 5);
            letters.clear();
        }
    }
    if letters.is_empty() {
        Ok(out)
    } else {
        Err(encoded.len() - letters.len())
    }
}

/// The bytes of standard base64 as Go reads it.
pub(super) fn decode_base64(encoded: &[u8]) -> Option<Vec<u8>> {
    from_base64(encoded).ok()
}

fn encode_base32(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut out = Vec::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - group.len()));
        let letters = (group.len() * 8).div_ceil(5);
        for place in 0..8 {
            let index = usize::try_from(bits >> (35 - 5 * place) & 31).unwrap_or(0);
            let letter = LETTERS.get(index).copied().unwrap_or(b'=');
            out.push(if place < letters { letter } else { b'=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "MY======"),
            ("fo", "MZXQ===="),
            ("foobar", "MZXW6YTBOI======"),
        ] {
            assert_eq!(encode_base32(plain.as_bytes()), encoded.as_bytes());
            assert_eq!(from_base32(encoded.as_bytes()).unwrap(), plain.as_bytes());
        }
    }
}
