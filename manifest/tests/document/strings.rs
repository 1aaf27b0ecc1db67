//! Maps of texts, taken out without letting YAML change a text.

use manifest::{DocumentError, Nulls, Typed, read};
use std::collections::BTreeMap;

fn map(source: &str, path: &[&str], nulls: Nulls) -> Result<BTreeMap<String, String>, DocumentError> {
    read(source.as_bytes()).unwrap()[0].string_map(path, nulls)
}

#[test]
fn texts_and_what_reads_as_typed() {
    let source = "stringData:\n  a: text\n  port: 5432\n  on-off: true\n  ratio: 1.5\n  day: 2020-01-01\n  quoted: \"0777\"\n  \
                  none:\n  block: |\n    yes\n  123: x\n";
    let expected = [
        ("123", "x"),
        ("a", "text"),
        ("block", "yes\n"),
        ("day", "2020-01-01"),
        ("none", ""),
        ("on-off", "true"),
        ("port", "5432"),
        ("quoted", "0777"),
        ("ratio", "1.5"),
    ];
    let expected = expected.map(|(key, text)| (key.to_owned(), text.to_owned())).into();
    assert_eq!(map(source, &["stringData"], Nulls::Refuse).unwrap(), expected);
}

#[test]
fn numbers_and_booleans_of_json_are_texts_as_long_as_they_read_as_typed() {
    let source =
        |value: &str| format!("{{\"kind\": 1e3, \"data\": {{\"a\": {value}, \"b\":\"1\"}}, \"x\": [0.5,true]}}");
    for typed in [
        "5432",
        "-1",
        "0",
        "1.5",
        "0.1",
        "true",
        "false",
        "9223372036854775807",
        "18446744073709551615",
    ] {
        let map = map(&source(typed), &["data"], Nulls::Refuse).unwrap();
        assert_eq!(map["a"], typed);
    }
    // The reference seals the other text that is behind it.
    for (typed, kind) in [
        ("1e3", "a number"),
        ("1E5", "a number"),
        ("1.50", "a number"),
        ("1.0", "a number"),
        ("-0", "a number"),
        ("3.14159265358979", "a number"),
        ("100000000000000000000", "a number"),
        ("null", "null"),
    ] {
        let error = map(&source(typed), &["data"], Nulls::Refuse).unwrap_err();
        let message = format!(
            "document 1, line 1: the value of \"data.a\" is not quoted, so it is read as {kind} and the text would change: \
             put it in quotes"
        );
        assert_eq!(error.to_string(), message, "{typed}");
    }
}

#[test]
fn absent_maps_are_empty() {
    for source in [
        "a: b\n",
        "metadata:\n",
        "metadata: {}\n",
        "metadata: {labels: }\n",
        "metadata: {labels: {}}\n",
        "{\"metadata\":null}",
    ] {
        assert_eq!(
            map(source, &["metadata", "labels"], Nulls::Refuse),
            Ok(BTreeMap::new()),
            "{source:?}"
        );
    }
}

#[test]
fn texts_that_would_change_are_refused_with_the_line_and_the_fix() {
    let cases = [
        ("yes", "a boolean"),
        ("off", "a boolean"),
        ("0777", "a number"),
        ("0x1F", "a number"),
        ("1_000", "a number"),
        ("+5", "a number"),
        ("1e3", "a number"),
        ("1.50", "a number"),
        ("12345678901234567890123", "a number"),
        ("null", "null"),
        ("~", "null"),
    ];
    for (typed, kind) in cases {
        let source = format!("a: b\nmetadata:\n  labels:\n    x: y\n    key: {typed}\n");
        let error = map(&source, &["metadata", "labels"], Nulls::Refuse).unwrap_err();
        let message = format!(
            "document 1, line 5: the value of \"metadata.labels.key\" is not quoted, so it is read as {kind} and the text \
             would change: put it in quotes"
        );
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn keys_that_would_change_are_refused() {
    let error = map("data:\n  a: b\n  y: c\n", &["data"], Nulls::Empty).unwrap_err();
    let message = "document 1, line 3: a key of \"data\" is not quoted, so it is read as a boolean and the key would change \
                   to \"true\": put it in quotes";
    assert_eq!(error.to_string(), message);
    assert!(map("data:\n  0777: c\n", &["data"], Nulls::Empty).is_err());
    assert!(map("data:\n  \"y\": c\n  777: d\n", &["data"], Nulls::Empty).is_ok());
}

#[test]
fn nulls_in_data_are_empty_texts() {
    for source in [
        "data: {a: null, b: ~, c: , d: \"\"}\n",
        "{\"data\":{\"a\":null,\"b\":null,\"c\":\"\",\"d\":\"\"}}",
    ] {
        let texts = map(source, &["data"], Nulls::Empty).unwrap();
        assert_eq!(texts.len(), 4);
        assert!(texts.values().all(String::is_empty), "{source:?}");
        assert!(matches!(
            map(source, &["data"], Nulls::Refuse),
            Err(DocumentError::Unquoted { typed: Typed::Null, .. })
        ));
    }
}

#[test]
fn other_shapes_are_refused() {
    let cases = [
        (
            "metadata: text\n",
            "document 1, line 1: \"metadata\": a map is wanted here",
        ),
        (
            "metadata:\n  labels: [a]\n",
            "document 1, line 2: \"metadata.labels\": a map is wanted here",
        ),
        (
            "metadata:\n  labels:\n    a: [b]\n",
            "document 1, line 3: \"metadata.labels.a\": text is wanted here",
        ),
        (
            "metadata:\n  labels:\n    a: {b: c}\n",
            "document 1, line 3: \"metadata.labels.a\": text is wanted here",
        ),
    ];
    for (source, message) in cases {
        assert_eq!(
            map(source, &["metadata", "labels"], Nulls::Refuse)
                .unwrap_err()
                .to_string(),
            message,
            "{source:?}"
        );
    }
}

#[test]
fn values_brought_by_an_alias_keep_their_lines() {
    let source = "x: &x\n  a: 1.50\ndata: *x\n";
    let error = map(source, &["data"], Nulls::Empty).unwrap_err();
    assert_eq!(error.place().unwrap().line, 2);
}

#[test]
fn items_of_lists_name_their_item() {
    let documents = read(b"kind: List\nitems:\n- data: {}\n- data:\n    a: yes\n").unwrap();
    let error = documents[1].string_map(&["data"], Nulls::Empty).unwrap_err();
    assert_eq!(error.place().unwrap().to_string(), "document 1, line 5, item 2");
}
