//! What was written is what is read, for any object.

use manifest::{Nulls, read, to_json, to_json_compact, to_yaml};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Texts that some reader somewhere takes for something else.
const SPECIAL: &[&str] = &[
    "yes",
    "0777",
    "1e3",
    "~",
    "null",
    "- a",
    "a: b",
    "#",
    " #",
    "'",
    "\"",
    "\0",
    "\x07",
    "\t",
    "\r",
    "\r\n",
    "\n",
    "\n\n",
    " ",
    "é",
    "☃",
    "😀",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{fffe}",
    "---",
    "...",
    "--- ",
    "?",
    "? ",
    ":",
    ": ",
    "=",
    "<<",
    "*a",
    "&a",
    "!!str",
    "%",
    "@",
    "`",
    "{",
    "}",
    "[",
    "]",
    ",",
    "|",
    ">",
    "0x1F",
    "1_000",
    "2020-01-01",
    "12:30:45",
    ".inf",
    "\\",
    "\x1b",
    "\x7f",
    "{{ .x }}",
    "$(x)",
    "text that is long enough to be folded somewhere after the eightieth column of a line ",
];

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        proptest::sample::select(SPECIAL).prop_map(str::to_owned),
        any::<String>(),
        "[a-z0-9]{1,8}"
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        6 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    proptest::collection::btree_map(text(), value(), 1..6)
        .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_form_is_read_back(object in object()) {
        for text in [to_yaml(&object).unwrap(), to_json(&object).unwrap(), to_json_compact(&object).unwrap()] {
            let documents = read(text.as_bytes()).unwrap();
            prop_assert_eq!(documents.len(), 1);
            prop_assert_eq!(&documents[0].value, &object);
        }
    }

    #[test]
    fn a_map_of_texts_is_read_back(map in proptest::collection::btree_map(text(), text(), 0..8)) {
        let object = serde_json::json!({ "stringData": map });
        for text in [to_yaml(&object).unwrap(), to_json(&object).unwrap()] {
            let documents = read(text.as_bytes()).unwrap();
            prop_assert_eq!(&documents[0].string_map(&["stringData"], Nulls::Refuse).unwrap(), &map);
        }
    }

    #[test]
    fn documents_one_after_the_other_are_read_back(objects in proptest::collection::vec(object(), 1..4)) {
        type Writer = fn(&Value) -> String;
        let forms: [Writer; 2] = [|object| to_yaml(object).unwrap(), |object| to_json(object).unwrap()];
        for form in forms {
            let text: String = objects.iter().map(form).collect();
            let documents = read(text.as_bytes()).unwrap();
            let indices: Vec<usize> = documents.iter().map(|document| document.index).collect();
            prop_assert_eq!(indices, (1..=objects.len()).collect::<Vec<_>>());
            let values: Vec<Value> = documents.into_iter().map(|document| document.into_value()).collect();
            prop_assert_eq!(&values, &objects);
        }
    }

    /// Any bytes give documents or an error: no panic, and no word of the source in the error.
    #[test]
    fn any_source_is_read_or_refused(pieces in proptest::collection::vec(text(), 0..12)) {
        let source = pieces.concat();
        if let Err(error) = read(source.as_bytes()) {
            prop_assert!(error.to_string().len() < 1000);
        }
    }

    /// A text that stands bare is taken as it was typed, or refused: never changed.
    #[test]
    fn a_bare_text_is_kept_or_refused(typed in "[-+.0-9a-zA-Z_~]{1,12}") {
        let source = format!("stringData:\n  key: {typed}\n");
        if let Ok(documents) = read(source.as_bytes())
            && let Ok(map) = documents[0].string_map(&["stringData"], Nulls::Refuse)
        {
            prop_assert_eq!(map, BTreeMap::from([("key".to_owned(), typed)]));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(source in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&source).map_err(|error| error.to_string());
    }
}
