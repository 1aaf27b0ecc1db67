//! Sealed values in texts that are no SealedSecrets: the values of a chart, a Helm template, a script.
//!
//! Pure. A text is a sealed value if it decodes as one. What it is bound to stands nowhere in it, so [`bindings`] names the
//! candidates; only opening tells which of them is right.

mod beside;
mod bound;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use manifest::DocumentError;
use sealing::envelope::{EnvelopeError, LENGTH_FIELD, TAG};
use sealing::inspect::{BrokenText, inspect};
use sealing::sealer::Format;

use beside::key_before;
pub(crate) use bound::{BoundTo, binding, bindings};

/// The longest RSA key that seals (see `sealing::key`), and what all lengths are multiples of. Other lengths are other things.
const MOST_BITS: usize = 8192;
const BITS_STEP: usize = 256;
/// Bytes before a value in which its key is looked for.
const LONGEST_KEY: usize = 1024;
/// Base64 letters that hold the length field.
const HEADER: usize = 4;

/// A sealed value in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// Where it stands, in bytes.
    pub(crate) range: Range<usize>,
    /// The line where it begins, from 1.
    pub(crate) line: usize,
    /// The key that stands before it (`password: AgB…`), where one does.
    pub(crate) key: Option<String>,
    /// Its base64, without line breaks.
    pub(crate) value: String,
}

impl Embedded {
    /// The version of the format that it has.
    pub(crate) fn format(&self) -> Option<Format> {
        Format::of(&self.value)
    }

    /// The key, or the line.
    pub(crate) fn name(&self) -> String {
        self.key.clone().unwrap_or_else(|| format!("line {}", self.line))
    }
}

/// Whether a text has the marks of a Helm template.
pub(crate) fn is_template(source: &[u8]) -> bool {
    as_utf8(source).windows(2).any(|pair| pair == b"{{")
}

/// What is searched: UTF-16 as UTF-8, everything else as it is.
pub(crate) fn as_utf8(source: &[u8]) -> Cow<'_, [u8]> {
    let text = manifest::text_lossy(source);
    match text.is_utf16() {
        true => Cow::Owned(text.as_bytes().to_vec()),
        false => Cow::Borrowed(source),
    }
}

/// A text that was made of `source`, as [`as_utf8`] gives it, in its encoding.
///
/// # Errors
/// That `source` is not text throughout, so that something of it would be lost.
pub(crate) fn encoded_as(source: &[u8], text: Vec<u8>) -> Result<Vec<u8>, DocumentError> {
    if !manifest::text_lossy(source).is_utf16() {
        return Ok(text);
    }
    Ok(manifest::decode(source)?.encode(&String::from_utf8_lossy(&text)))
}

/// All sealed values in a text, also those that are folded into lines; where they stand in it [`as_utf8`].
pub(crate) fn find(source: &[u8]) -> Vec<Embedded> {
    let text = &*as_utf8(source);
    let mut found: Vec<Embedded> = Vec::new();
    let (mut at, mut line, mut counted) = (0, 1, 0);
    while let Some(run) = next_run(text, at) {
        at = run.end;
        if !may_begin_one(text, &run) {
            continue;
        }
        let lines = || std::iter::successors(Some(run.clone()), |last| next_line(text, last));
        // Behind all of them, also where they are no value: reading on at each of them would take the square of their number.
        at = lines().last().map_or(at, |line| line.end);
        let Some((range, value)) = sealed_value(text, lines) else {
            continue;
        };
        line += slice(text, counted..range.start)
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        (at, counted) = (range.end, range.start);
        found.push(Embedded {
            key: key_before(&String::from_utf8_lossy(slice(
                text,
                range.start.saturating_sub(LONGEST_KEY)..range.start,
            ))),
            range,
            line,
            value,
        });
    }
    found
}

/// Those of `found` that are no ciphertext of an object, and no part of a broken one.
pub(crate) fn outside(mut found: Vec<Embedded>, in_objects: &BTreeSet<String>) -> Vec<Embedded> {
    found.retain(|one| !in_objects.contains(&one.value) && !in_objects.iter().any(|text| text.contains(&one.value)));
    found
}

/// The text with these texts in place of what stands there; the ranges in their order.
pub(crate) fn replaced(text: &[u8], new: &[(Range<usize>, String)]) -> Vec<u8> {
    let mut made = Vec::with_capacity(text.len() + 1024);
    let mut at = 0;
    for (range, value) in new {
        made.extend_from_slice(slice(text, at..range.start));
        made.extend_from_slice(value.as_bytes());
        at = range.end;
    }
    made.extend_from_slice(slice(text, at..text.len()));
    made
}

fn slice(text: &[u8], range: Range<usize>) -> &[u8] {
    text.get(range).unwrap_or_default()
}

fn is_letter(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')
}

/// The next run of base64 from `at` on, with its padding.
fn next_run(text: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at + text.get(at..)?.iter().position(is_letter)?;
    let letters = text.get(start..)?.iter().take_while(|byte| is_letter(byte)).count();
    let end = start + letters;
    let padding = text
        .get(end..)?
        .iter()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    Some(start..end + padding)
}

/// Whether a sealed value may begin with `run`. URL-safe base64 is something else (a JWT).
fn may_begin_one(text: &[u8], run: &Range<usize>) -> bool {
    let url_safe = |byte: Option<&u8>| matches!(byte, Some(b'-' | b'_'));
    let before = run.start.checked_sub(1).and_then(|at| text.get(at));
    begins_like_one(slice(text, run.clone())) && !url_safe(before) && !url_safe(text.get(run.end))
}

/// The line that may go on with a value after `last`. A list of values has one in each line.
fn next_line(text: &[u8], last: &Range<usize>) -> Option<Range<usize>> {
    if slice(text, last.clone()).ends_with(b"=") {
        return None;
    }
    let next = continuation(text, last.end)?;
    let letters = slice(text, next.clone());
    let is_one = begins_like_one(letters) && inspect(std::str::from_utf8(letters).ok()?).is_ok();
    (!is_one).then_some(next)
}

/// The sealed value that begins with the first of the lines that one can begin with, and where it stands; it ends with the last.
fn sealed_value<L: Iterator<Item = Range<usize>>>(
    text: &[u8],
    lines: impl Fn() -> L,
) -> Option<(Range<usize>, String)> {
    let end = lines().last()?.end;
    let mut letters: usize = lines().map(|line| line.len()).sum();
    for line in lines() {
        // So many letters decode. What is refused all the same is too short for its key, and read in no time.
        if letters.is_multiple_of(4) && begins_like_one(slice(text, line.clone())) {
            let joined = slice(text, line.start..end)
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace());
            let value = String::from_utf8(joined.copied().collect()).ok()?;
            if inspect(&value).is_ok() {
                return Some((line.start..end, value));
            }
        }
        letters -= line.len();
    }
    None
}

/// Whether the length field is that of a key, or the text begins as one of format v2.
fn begins_like_one(run: &[u8]) -> bool {
    let header = run.get(..HEADER).and_then(|header| std::str::from_utf8(header).ok());
    if header.and_then(Format::of) == Some(Format::V2) {
        return true;
    }
    match header.map(inspect) {
        Some(Err(BrokenText::Envelope(EnvelopeError::Truncated { need, .. }))) => {
            let bits = need.saturating_sub(LENGTH_FIELD + TAG) * 8;
            bits <= MOST_BITS && bits.is_multiple_of(BITS_STEP)
        }
        _ => false,
    }
}

/// The base64 of the line after `end`, where `end` ends a line and the next one holds nothing else.
fn continuation(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..)?;
    let line_break = match rest {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        _ => return None,
    };
    let rest = rest.get(line_break..)?;
    let line = rest.split(|byte| *byte == b'\n').next()?;
    let letters = line.trim_ascii();
    let unpadded = letters
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |last| last + 1);
    let padding = letters.len() - unpadded;
    if unpadded == 0 || padding > 2 || !slice(letters, 0..unpadded).iter().all(is_letter) {
        return None;
    }
    let start = end + line_break + line.iter().position(|byte| !byte.is_ascii_whitespace())?;
    Some(start..start + letters.len())
}

/// The text without the entry of a value: its whole line, or lines. `None` where something else stands there too.
pub(crate) fn without(text: &[u8], embedded: &Embedded) -> Option<Vec<u8>> {
    let before = slice(text, 0..embedded.range.start);
    let line_start = |before: &[u8]| before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut start = line_start(before);
    if slice(before, start..before.len()).trim_ascii().is_empty() {
        // The key of a folded value stands in the line above.
        start = line_start(slice(before, 0..start.saturating_sub(1)));
    }
    let after = text.get(embedded.range.end..)?;
    let length = after
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(after.len(), |end| end + 1);
    let entry = std::str::from_utf8(slice(before, start..before.len())).ok()?.trim();
    let rest = std::str::from_utf8(after.get(..length)?).ok()?.trim();
    let rest = rest.trim_start_matches(['"', '\'']).trim_start();
    let key = embedded.key.as_deref()?;
    let is_alone = entry.trim_start_matches(['"', '\'']).starts_with(key) && (rest.is_empty() || rest.starts_with('#'));
    is_alone.then(|| [slice(text, 0..start), after.get(length..).unwrap_or_default()].concat())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// A text that decodes as a value sealed with a key of so many bits.
    fn sealed(bits: usize, fill: u8) -> String {
        let length = u16::try_from(bits / 8).unwrap().to_be_bytes();
        STANDARD.encode([&length[..], &vec![fill; bits / 8 + TAG + 5]].concat())
    }

    #[test]
    fn values_in_utf16_are_found_and_stay_in_it() {
        let (a, b) = (sealed(2048, 7), sealed(2048, 9));
        let utf16 = |text: &str| -> Vec<u8> {
            "\u{feff}"
                .chars()
                .chain(text.chars())
                .flat_map(|c| (c as u16).to_le_bytes())
                .collect()
        };
        let source = utf16(&format!("é: 1\r\np: {a}\r\n"));
        let found = find(&source);
        assert_eq!((found[0].line, found[0].key.as_deref(), found.len()), (2, Some("p"), 1));
        let new = replaced(&as_utf8(&source), &[(found[0].range.clone(), b.clone())]);
        assert_eq!(encoded_as(&source, new).unwrap(), utf16(&format!("é: 1\r\np: {b}\r\n")));
    }

    fn found(text: &str) -> Vec<(usize, Option<String>, String)> {
        let all = find(text.as_bytes());
        for one in &all {
            let letters: String = text[one.range.clone()].split_whitespace().collect();
            assert_eq!(letters, one.value);
        }
        all.into_iter().map(|one| (one.line, one.key, one.value)).collect()
    }

    #[test]
    fn values_found_in_any_text() {
        let (a, b) = (sealed(2048, 7), sealed(4096, 9));
        let key = |name: &str| Some(name.to_owned());
        for (text, expected) in [
            (format!("db:\n  password: {a}\n"), vec![(2, key("password"), a.clone())]),
            (
                format!("a: '{a}'\n\"b\" : \"{b}\" # x"),
                vec![(1, key("a"), a.clone()), (2, key("b"), b.clone())],
            ),
            (format!("{{\"x\":1,\"p\":\"{a}\"}}"), vec![(1, key("p"), a.clone())]),
            (
                format!("# old: {a}\r\n- {b}\r\n"),
                vec![(1, key("old"), a.clone()), (2, None, b.clone())],
            ),
            (format!("PASSWORD={b}\n"), vec![(1, key("PASSWORD"), b.clone())]),
            (format!("{a}\n{b}\n"), vec![(1, None, a.clone()), (2, None, b.clone())]),
            (format!("kubeseal said {a}."), vec![(1, None, a.clone())]),
        ] {
            assert_eq!(found(&text), expected, "{text}");
        }
    }

    #[test]
    fn folded_values_are_joined() {
        let value = sealed(2048, 3);
        let (one, rest) = value.split_at(64);
        let (two, three) = rest.split_at(64);
        for line_break in ["\n", "\r\n"] {
            let text =
                format!("a: b\npassword: >-\n    {one}\n    {two}\n    {three}\nlast: 1\n").replace('\n', line_break);
            assert_eq!(
                found(&text),
                [(3, Some("password".to_owned()), value.clone())],
                "{text}"
            );
        }
    }

    /// Whoever wrote a text must not choose how long it is read: each of its lines begins like a value, and none is one.
    #[test]
    fn lines_that_begin_like_values_are_read_once() {
        let value = sealed(2048, 7);
        let folded = format!("{}\n{}\n", &value[..64], &value[64..]);
        let read = |bytes: usize| {
            let start = std::time::Instant::now();
            for line in ["AgAA", &value[..300]] {
                let lines = format!("{line}\n").repeat(bytes / line.len());
                assert_eq!(found(&format!("{lines}A")), []);
                // Behind a broken one, and its rest.
                assert_eq!(found(&format!("{lines}A\n\np: {folded}")).len(), 1, "{line}");
                let listed = format!("{lines}{value}\n");
                assert_eq!(found(&listed).last().map(|(_, _, found)| found), Some(&value), "{line}");
            }
            start.elapsed()
        };
        // Four times as much takes four times as long, and not sixteen times, on any machine.
        let (some, all) = (read(50_000), read(200_000));
        assert!(all < 10 * some + std::time::Duration::from_secs(2), "{some:?}, {all:?}");
    }

    #[test]
    fn other_base64_is_no_sealed_value() {
        let cut = &sealed(2048, 7)[..300];
        let amazon = STANDARD.encode([&[1, 2][..], &[9; 400]].concat());
        let certificate = STANDARD.encode([&[0x30, 0x82][..], &[9; 900]].concat());
        let jwt = format!("{}-x", sealed(2048, 7));
        for text in [cut, &amazon, &certificate, &jwt, "AgB", "", "AQAA"] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn an_entry_is_removed_with_its_lines_and_nothing_else() {
        let value = sealed(2048, 7);
        let removed = |text: &str| {
            let found = find(text.as_bytes());
            without(text.as_bytes(), &found[0]).map(|text| String::from_utf8(text).unwrap())
        };
        for entry in [
            format!("  p: {value}\n"),
            format!("  \"p\": '{value}' # c\r\n"),
            format!("  p: |-\n    {value}\n"),
        ] {
            let text = format!("a: 1\n{entry}b: 2\n");
            assert_eq!(removed(&text).as_deref(), Some("a: 1\nb: 2\n"), "{text}");
        }
        for beside in [
            format!("a: {{p: {value}}}\n"),
            format!("- {value}\n"),
            format!("x: 1, p: {value}"),
        ] {
            assert_eq!(removed(&beside), None, "{beside}");
        }
    }
}
