//! Edits: every other byte stays, and what is read afterwards is what was wanted.

use manifest::edit::{Change, Edit, edit};
use manifest::{Document, read};
use serde_json::Value;

const NEW: &str = "AgB new";

/// The first byte says which text of the document is changed, and how; the rest is the source.
pub fn edits(data: &[u8]) {
    let Some((choice, source)) = data.split_first() else {
        return;
    };
    let Ok(documents) = read(source) else { return };
    let Some(document) = documents.get(usize::from(*choice) % 4 % documents.len().max(1)) else {
        return;
    };
    let mut paths = Vec::new();
    texts(&document.value, &mut Vec::new(), &mut paths);
    let Some((path, old)) = paths.get(usize::from(*choice >> 2) % paths.len().max(1)) else {
        return;
    };
    let renamed = || {
        let mut path = path.clone();
        path.pop();
        path.push("fresh-name".to_owned());
        path
    };
    let change = match choice % 3 {
        0 => Change::set(path.clone(), NEW),
        1 => Change::Remove { path: path.clone() },
        _ => Change::Rename {
            path: path.clone(),
            to: "fresh-name".to_owned(),
        },
    };
    let edits = [Edit {
        document,
        changes: vec![change],
    }];
    let Ok(result) = edit(source, &edits) else { return };
    let after = read(&result).unwrap_or_default();
    // What loses its last entry may be no object any more.
    if after.len() != documents.len() {
        assert!(choice % 3 == 1, "an object more or less");
        return;
    }
    for (before, after) in documents.iter().zip(&after) {
        if before.index != document.index || before.item != document.item {
            assert_eq!(before.value, after.value, "another object changed");
        }
    }
    let changed = after
        .iter()
        .find(|after| after.index == document.index && after.item == document.item);
    let Some(changed) = changed else { return };
    match choice % 3 {
        0 => {
            assert_eq!(at(changed, path), Some(&Value::from(NEW)));
            other_bytes_stay(source, &result, old);
        }
        1 => assert_eq!(at(changed, path), None),
        _ => assert_eq!(at(changed, &renamed()), Some(&Value::from(old.as_str()))),
    }
}

fn at<'d>(document: &'d Document, path: &[String]) -> Option<&'d Value> {
    path.iter().try_fold(&document.value, |value, key| value.get(key))
}

/// The paths through maps to texts.
fn texts(value: &Value, path: &mut Vec<String>, found: &mut Vec<(Vec<String>, String)>) {
    for (key, value) in value.as_object().into_iter().flatten() {
        path.push(key.clone());
        match value {
            Value::String(text) => found.push((path.clone(), text.clone())),
            other => texts(other, path, found),
        }
        path.pop();
    }
}

/// Where the old text stands once, as it is, all but it and its quotes is in the result.
fn other_bytes_stay(source: &[u8], result: &[u8], old: &str) {
    let Ok(text) = std::str::from_utf8(source) else { return };
    // Written otherwise than it is meant: escaped, folded, in a block.
    if old.is_empty()
        || text.contains(['\\', '|', '>', '\0', '#', '?', '&', '*', '!'])
        // An entry that is merged in is overridden where it is not written.
        || text.contains("<<")
        || text.matches(old).count() != 1
        // It may be folded over lines, and be there as it is elsewhere.
        || text.replace('\n', " ").matches(old).count() != 1
    {
        return;
    }
    let Some(start) = text.find(old) else { return };
    let (before, after) = (start.saturating_sub(1), (start + old.len() + 1).min(source.len()));
    assert!(result.starts_with(&source[..before]), "bytes before the text changed");
    assert!(result.ends_with(&source[after..]), "bytes after the text changed");
}
