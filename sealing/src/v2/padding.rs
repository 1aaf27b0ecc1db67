//! Hides the plaintext's length: Padmé (Nikitin and others, PETS 2019) costs at most 12 %, and lets at most O(log log) bits through.

/// Smallest length of a padded plaintext.
pub(super) const SMALLEST: usize = 32;
/// What follows the plaintext; then zeros.
const MARKER: u8 = 0x80;

/// Length of a plaintext of `length` bytes after padding.
fn padded_len(length: usize) -> usize {
    let length = length.saturating_add(1).max(SMALLEST);
    let exponent = length.ilog2();
    // An allowed length has this many zero low bits: those that the length of the exponent leaves.
    let zeros = exponent - (exponent.ilog2() + 1);
    length.checked_next_multiple_of(1 << zeros).unwrap_or(length)
}

/// The padded plaintext, with room for a tag, so that no copy stays behind where a buffer grew.
pub(super) fn pad(plaintext: &[u8]) -> Vec<u8> {
    let length = padded_len(plaintext.len());
    let mut padded = Vec::with_capacity(length + crate::envelope::TAG);
    padded.extend_from_slice(plaintext);
    padded.push(MARKER);
    padded.resize(length, 0);
    padded
}

/// Least length of a plaintext that is padded to `padded` bytes.
pub(super) fn least_len(padded: usize) -> usize {
    // At most an eighth of it is padding.
    if padded <= SMALLEST { 0 } else { padded - padded / 8 - 1 }
}

/// Length of the plaintext in `padded`; `None` for padding that [`pad`] would not make.
pub(super) fn unpadded_len(padded: &[u8]) -> Option<usize> {
    let length = padded.iter().rposition(|byte| *byte != 0)?;
    let fits = padded.get(length) == Some(&MARKER) && padded.len() == padded_len(length);
    fits.then_some(length)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths() {
        let expected = [
            (0, 32),
            (31, 32),
            (32, 36),
            (35, 36),
            (36, 40),
            (63, 64),
            (64, 72),
            (100, 104),
        ];
        for (plaintext, padded) in expected {
            assert_eq!(padded_len(plaintext), padded, "{plaintext}");
        }
        assert_eq!(padded_len(1000), 1024);
        assert_eq!(padded_len(1024), 1088);
        assert_eq!(padded_len(1 << 20), (1 << 20) + (1 << 15));
    }

    #[test]
    fn few_lengths_and_little_cost() {
        let mut seen = BTreeSet::new();
        for length in 0..=4096_usize {
            let padded = padded_len(length);
            assert!(padded > length, "{length}");
            let cost = padded - (length + 1);
            assert!(length < 32 || cost * 100 <= 12 * (length + 1), "{length}: {cost}");
            seen.insert(padded);
        }
        assert_eq!(seen.len(), 90);
    }

    proptest! {
        #[test]
        fn what_is_padded_is_found_again(plaintext: Vec<u8>) {
            prop_assert_eq!(unpadded_len(&pad(&plaintext)), Some(plaintext.len()));
        }
    }

    #[test]
    fn another_padding_is_none() {
        assert_eq!(unpadded_len(&[]), None);
        assert_eq!(unpadded_len(&[0; 32]), None);
        assert_eq!(unpadded_len(&[0x80; 31]), None);
        assert_eq!(unpadded_len(&[0x80; 32]), Some(31));
        let cases: [(&[u8], usize); 5] = [
            (&[0x80], 36),
            (&[0x80], 31),
            (&[0x81], 32),
            (&[0x80, 1], 32),
            (&[1; 32], 32),
        ];
        for (begin, length) in cases {
            let mut padded = begin.to_vec();
            padded.resize(length, 0);
            assert_eq!(unpadded_len(&padded), None, "{begin:?} in {length}");
        }
    }
}
