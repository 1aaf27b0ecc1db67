//! What would change in a file, without any ciphertext.

use crds::SealedSecret;
use manifest::edit::Change;
use manifest::text_lossy;
use sealing::sealer::Format;
use similar::{ChangeTag, TextDiff};

use crate::quoting;

/// Base64 letters in a row from which a text counts as a ciphertext: far more than a fingerprint has, far fewer than the
/// smallest ciphertext, also where it is folded into lines of 64.
const LONG: usize = 60;

/// The object and the names of its items that change.
pub(super) fn items(sealed: &SealedSecret, changes: &[Change]) -> String {
    let items: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Set { path, text } => match path.as_slice() {
                [spec, _, item] if spec == "spec" => {
                    let old = sealed.spec.encrypted_data.get(item).and_then(|old| Format::of(old));
                    Some(changed(item, old, text.as_deref()))
                }
                [spec, data] if spec == "spec" => Some(data.clone()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    let metadata = &sealed.metadata;
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    let name = quoting::full_name(&of(&metadata.namespace), &of(&metadata.name));
    format!("{name}: {}", items.join(", "))
}

/// A value by its name, with its versions of the format where it gets another.
pub(super) fn changed(name: &str, old: Option<Format>, new: Option<&str>) -> String {
    match (old, new.and_then(Format::of)) {
        (Some(old), Some(new)) if old != new => format!("{name} (format {old} → {new})"),
        _ => name.to_owned(),
    }
}

/// The lines that differ, each with its sign; of ciphertexts only that they are there.
pub(super) fn diff(old: &[u8], new: &[u8]) -> Vec<String> {
    let (old, new) = (text_lossy(old), text_lossy(new));
    let diff = TextDiff::from_lines(&*old, &*new);
    diff.iter_all_changes()
        .filter_map(|change| {
            let (sign, ciphertext) = match change.tag() {
                ChangeTag::Delete => ("-", "old ciphertext"),
                ChangeTag::Insert => ("+", "new ciphertext"),
                ChangeTag::Equal => return None,
            };
            let line = without_ciphertexts(change.value().trim_end_matches(['\r', '\n']), ciphertext);
            Some(format!("{sign}{line}"))
        })
        .collect()
}

fn without_ciphertexts(line: &str, instead: &str) -> String {
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=');
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_base64) {
        let (before, word) = rest.split_at(start);
        let (word, after) = word.split_at(word.find(|letter| !is_base64(letter)).unwrap_or(word.len()));
        shown.push_str(before);
        shown.push_str(&match Format::of(word) {
            _ if word.len() < LONG => word.to_owned(),
            // What is folded begins with its first line.
            Some(Format::V2) => format!("({instead}, format v2)"),
            _ => format!("({instead})"),
        });
        rest = after;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::diff;

    #[test]
    fn lines_are_shown_and_ciphertexts_are_not() {
        let text = |letter: &str, note: &str| format!("a: 1\npassword: \"{}\" # {note}\nz: 2\r\n", letter.repeat(400));
        assert_eq!(
            diff(text("A", "x").as_bytes(), text("B", "y").as_bytes()),
            [
                "-password: \"(old ciphertext)\" # x",
                "+password: \"(new ciphertext)\" # y"
            ]
        );
        let v2 = format!("password: AAAC{}\n", "A".repeat(400));
        assert_eq!(
            diff(v2.as_bytes(), text("A", "x").replace("a: 1\n", "").as_bytes())[0],
            "-password: (old ciphertext, format v2)"
        );
    }
}
