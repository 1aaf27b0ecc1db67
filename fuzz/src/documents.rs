//! What is read as YAML or JSON.

use manifest::{Document, may_hold_kind, read, read_mixed, read_one, text_lossy, to_json, to_yaml};
use serde_json::Value;

/// The memory that the controller allows for the body of a request, for a body of 64 KiB.
const MEMORY: usize = 4 << 20;

/// What is read can be written, in both languages, and is then read as the same.
pub fn documents(source: &[u8]) {
    let strict = read(source);
    let mixed = read_mixed(source);
    let kinds = mixed.iter().flatten().filter_map(|document| document.value.get("kind")?.as_str());
    for kind in kinds.filter(|kind| ["Secret", "SealedSecret"].contains(kind)) {
        assert!(may_hold_kind(&text_lossy(source), &[kind]), "it holds a {kind}");
    }
    let Ok(documents) = strict else { return };
    let mixed = mixed.expect("what is read strictly is read among others as well");
    assert_eq!(documents.len(), mixed.len());
    for document in &documents {
        same_again(document, to_json(&document.value));
        same_again(document, to_yaml(&document.value));
        let _typed = document.parse::<serde_json::Value>();
        let _data = document.string_map(&["data"], manifest::Nulls::Empty);
    }
}

fn same_again<E: std::fmt::Debug>(document: &Document, written: Result<String, E>) {
    let Ok(written) = written else { return };
    let again = match read(written.as_bytes()) {
        Ok(again) => again,
        // A List is its items: one within another may have none, or some that are no objects.
        Err(_) if is_list(&document.value) => return,
        Err(error) => panic!("cannot read again what was written: {error}: {written}"),
    };
    // A List within a List comes out as its items.
    if let [again] = again.as_slice() {
        assert!(alike(&again.value, &document.value), "{written}");
    }
}

fn is_list(value: &Value) -> bool {
    let kind = value.get("kind").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("List"))
}

/// The same, but that a float may come back as a whole number, as Go writes it.
fn alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| alike(a, b)))
        }
        (a, b) => a == b,
    }
}

/// The reader with a budget gives what the one without gives, or refuses.
pub fn body(source: &[u8]) {
    let Ok(one) = read_one(source, MEMORY) else { return };
    let all = read(source).expect("what is read within a budget is read without one as well");
    assert_eq!(all.len(), 1);
    assert!(all.iter().all(|document| document.value == one.value));
}
