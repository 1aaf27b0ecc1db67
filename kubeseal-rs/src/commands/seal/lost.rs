//! What a rewritten sealed object loses, field by field, whatever fields those are.

use crds::names;
use serde_json::Value;

/// A line for each field of `old` that `new`, the object without ciphertexts, lacks or has with another value.
pub(super) fn between(old: &Value, new: &Value, object: &str) -> Vec<String> {
    let mut told = Vec::new();
    fields(old, Some(new), &mut Vec::new(), &mut |word, path| {
        told.push(format!("{word}: {} of {object}", path.join(".")));
    });
    told
}

fn fields<'v>(old: &'v Value, new: Option<&Value>, path: &mut Vec<&'v str>, tell: &mut dyn FnMut(&str, &[&str])) {
    match old {
        Value::Null => {}
        Value::Object(entries) => {
            for (name, value) in entries {
                path.push(name);
                fields(value, new.and_then(|new| new.get(name)), path, tell);
                path.pop();
            }
        }
        Value::Array(items) if items.is_empty() => {}
        // The hint is written again, where one is wanted.
        _ if path.last() == Some(&names::ANNOTATION_SEALED_WITH) => {}
        _ => match new.filter(|new| !new.is_null()) {
            None => tell("lost", path),
            // A ciphertext of the same item.
            Some(_) if path.starts_with(&["spec", "encryptedData"]) => {}
            Some(new) if new == old => {}
            Some(_) => tell("overwritten", path),
        },
    }
}
