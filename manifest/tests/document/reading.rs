//! Forms that are read.

use manifest::{Format, read};
use serde_json::{Value, json};

/// Where each document stood (number, line, item) and what it held.
fn found(source: &str) -> Vec<(usize, usize, Option<usize>, Value)> {
    let documents = read(source.as_bytes()).unwrap_or_else(|error| panic!("{source:?}: {error}"));
    documents
        .into_iter()
        .map(|one| (one.index, one.line, one.item, one.into_value()))
        .collect()
}

#[test]
fn forms_of_one_document() {
    let cases = [
        ("a: b\n", 1),
        ("a: b", 1),
        ("\u{feff}a: b\n", 1),
        ("a: b\r\n", 1),
        ("---\na: b\n", 2),
        ("a: b\n---\n", 1),
        ("a: b\n---", 1),
        ("a: b\n\n", 1),
        ("a: b\n...\n", 1),
        ("# comment\n---\na: b # comment\n# comment\n", 3),
        ("\n\n  a: b\n", 3),
        ("%YAML 1.1\n---\na: b\n", 3),
        ("--- {a: b}\n", 1),
        ("{a: b}", 1),
        ("{\"a\":\"b\"}", 1),
        ("\u{feff}  {\n\"a\":\"b\"}\n\n", 1),
        ("---\n{\"a\":\n\"b\"}", 2),
        ("a:\tb\n", 1),
        ("\"a\": 'b'\n", 1),
        ("? a\n: b\n", 1),
        ("a: !!str b\n", 1),
        ("a: !!binary Yg==\n", 1),
    ];
    for (source, line) in cases {
        assert_eq!(found(source), [(1, line, None, json!({"a": "b"}))], "{source:?}");
    }
}

#[test]
fn streams_are_numbered_with_their_empty_documents() {
    let cases: [(&str, &[(usize, usize)]); 10] = [
        ("a: 1\n---\na: 2\n", &[(1, 1), (2, 3)]),
        ("---\na: 1\n---\na: 2\n---\n", &[(1, 2), (2, 4)]),
        ("a: 1\n---\n# none\n---\na: 2\n", &[(1, 1), (3, 5)]),
        ("a: 1\n---\n\n---\nnull\n---\n~\n---\na: 2\n", &[(1, 1), (5, 9)]),
        ("# head\n---\na: 1\n", &[(1, 3)]),
        ("---\n# empty\n---\na: 1\n", &[(2, 4)]),
        ("a: 1\r\n---\r\na: 2\r\n", &[(1, 1), (2, 3)]),
        ("{\"a\":1}{\"a\":2}\n\n{\"a\":3}", &[(1, 1), (2, 1), (3, 3)]),
        (
            "{\"a\":1}\n---\n{\"a\":2}\n---\n\n---\n{\"a\":3}\n",
            &[(1, 1), (2, 3), (4, 7)],
        ),
        ("{\"a\":1}\n---\na: 2\n---\na: 3\n", &[(1, 1), (2, 3), (3, 5)]),
    ];
    for (source, places) in cases {
        let ours: Vec<(usize, usize)> = found(source).into_iter().map(|one| (one.0, one.1)).collect();
        assert_eq!(ours, places, "{source:?}");
    }
}

#[test]
fn the_language_of_each_document_is_told() {
    let formats = |source: &str| {
        read(source.as_bytes())
            .unwrap()
            .iter()
            .map(|one| one.format)
            .collect::<Vec<_>>()
    };
    assert_eq!(formats("{\"a\":1}{\"b\":2}"), [Format::Json, Format::Json]);
    assert_eq!(formats("{}\n---\n{a: b}"), [Format::Json, Format::Yaml]);
    assert_eq!(formats("{a: b}"), [Format::Yaml]);
    assert_eq!(formats("a: b\n---\n{\"a\": 1}"), [Format::Yaml, Format::Yaml]);
}

#[test]
fn texts_in_every_style() {
    let source = "a: |\n  one\n   two\n\nb: |-\n  x\n  ---\nc: >\n  folded\n  text\n\nd: \"a\\tb\\u263A\\ud83d\\ude00\"\ne: 'it''s'\n\
                  f: plain\n  goes on\ng: |2\n    two spaces\nh:\n";
    let value = json!({
        "a": "one\n two\n", "b": "x\n---", "c": "folded text\n", "d": "a\tb☺😀", "e": "it's", "f": "plain goes on",
        "g": "  two spaces\n", "h": null
    });
    assert_eq!(found(source)[0].3, value);
}

#[test]
fn anchors_and_merges() {
    let source = "base: &base {x: 1, z: 2}\ncopy: *base\nmerged: {<<: *base, x: 3}\nboth:\n  <<: [{z: 4}, *base]\n";
    let value = json!({
        "base": {"x": 1, "z": 2}, "copy": {"x": 1, "z": 2}, "merged": {"x": 3, "z": 2}, "both": {"x": 1, "z": 4}
    });
    assert_eq!(found(source)[0].3, value);
}

#[test]
fn items_of_lists_are_documents() {
    let source = "a: 1\n---\napiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  a: 2\n- a: 3\n---\nkind: List\nitems: []\n---\na: 4\n";
    let expected = [
        (1, 1, None, json!({"a": 1})),
        (2, 6, Some(1), json!({"kind": "Secret", "a": 2})),
        (2, 8, Some(2), json!({"a": 3})),
        (4, 13, None, json!({"a": 4})),
    ];
    assert_eq!(found(source), expected);
}

/// As the API server sends them.
#[test]
fn items_of_typed_lists_get_their_kind() {
    let source = r#"{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecretList","items":[
        {"metadata":{"name":"a"}},
        {"apiVersion":"x/v1","kind":"Other"}]}"#;
    let expected = [
        (
            1,
            2,
            Some(1),
            json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "a"}}),
        ),
        (1, 3, Some(2), json!({"apiVersion": "x/v1", "kind": "Other"})),
    ];
    assert_eq!(found(source), expected);
}

/// As Go programs marshal typed lists; an object whose `items` is no list is an object like any other.
#[test]
fn items_of_lists_without_a_kind_are_documents() {
    let source = r#"{"metadata":{},"items":[{"a":1}]}{"items":{"a":2}}"#;
    let expected = [
        (1, 1, Some(1), json!({"a": 1})),
        (2, 1, None, json!({"items": {"a": 2}})),
    ];
    assert_eq!(found(source), expected);
}

#[test]
fn places_inside_a_document() {
    let source = "a: 1\n---\nmetadata:\n  labels:\n    x: y\nlist:\n- p: 1\n- q: 2\n";
    let documents = read(source.as_bytes()).unwrap();
    let line = |path: &[&str]| documents[1].place_of(path).line;
    assert_eq!(line(&[]), 3);
    assert_eq!(line(&["metadata"]), 3);
    assert_eq!(line(&["metadata", "labels"]), 4);
    assert_eq!(line(&["metadata", "labels", "x"]), 5);
    assert_eq!(line(&["metadata", "labels", "absent"]), 5);
    assert_eq!(line(&["list", "1", "q"]), 8);
    assert_eq!(
        documents[1].place_of(&["list", "1", "q"]).to_string(),
        "document 2, line 8"
    );

    let json = read(b"{\"a\":\n {\"b\": 1,\n  \"c\": [2,\n   {\"d\": 3\n}]}}").unwrap();
    assert_eq!(json[0].place_of(&["a", "b"]).line, 2);
    assert_eq!(json[0].place_of(&["a", "c", "1", "d"]).line, 4);
}

/// The shapes of sealed files found in public repositories.
#[test]
fn sealed_files_seen_in_the_wild() {
    let source = "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  annotations: \
                  { sealedsecrets.bitnami.com/cluster-wide: \"true\" }\n  creationTimestamp: null\n  name: a\nspec:\n  \
                  encryptedData:\n    # a comment\n    .dockerconfigjson: AgBy3i4…\n    quoted: \"AgB\"\n  template:\n    \
                  data: null\n    metadata:\n      creationTimestamp: null\nstatus: {}\n\n---\n";
    let value = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {
            "annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}, "creationTimestamp": null, "name": "a"
        },
        "spec": {
            "encryptedData": {".dockerconfigjson": "AgBy3i4…", "quoted": "AgB"},
            "template": {"data": null, "metadata": {"creationTimestamp": null}}
        },
        "status": {}
    });
    assert_eq!(found(source), [(1, 2, None, value)]);
}

#[test]
fn a_long_stream_is_read_in_linear_time() {
    let started = std::time::Instant::now();
    for (one, mark) in [("{\"a\": \"b\"}\n", "---\n"), ("a: b\n", "---\n")] {
        let source = format!("{one}{mark}").repeat(20_000);
        assert_eq!(read(source.as_bytes()).unwrap().len(), 20_000);
    }
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn columns_count_characters_from_one() {
    let column = |source: &str, path: &[&str]| {
        let documents = read(source.as_bytes()).unwrap();
        let place = documents.last().unwrap().place_of(path);
        (place.line, place.column)
    };
    let yaml = "k: v\n---\nspec:\n    ключ: {a: 1, 'b': 2, ab: [x]}\n";
    assert_eq!(column(yaml, &["spec"]), (3, 1));
    assert_eq!(column(yaml, &["spec", "ключ"]), (4, 5));
    assert_eq!(column(yaml, &["spec", "ключ", "b"]), (4, 18));
    assert_eq!(column(yaml, &["spec", "ключ", "ab"]), (4, 26));
    let json = "{\n  \"ключ\": {\"a\": \"x\\\"\\\\\", \"\\u0062\": 2,\n\"c\" : [{}, {\"d\": null}]}}";
    assert_eq!(column(json, &["ключ"]), (2, 3));
    assert_eq!(column(json, &["ключ", "a"]), (2, 12));
    assert_eq!(column(json, &["ключ", "b"]), (2, 26));
    assert_eq!(column(json, &["ключ", "c"]), (3, 1));
    assert_eq!(column(json, &["ключ", "c", "1", "d"]), (3, 13));
}

/// To the nearest value, in either language.
#[test]
fn floats_are_read_as_go_reads_them() {
    for text in ["1.1111111111111111e+79", "6.02214076e23", "1e-7", "123456789.12345678"] {
        let expected: f64 = text.parse().unwrap();
        for source in [
            format!("{{\"kind\": \"X\", \"a\": {text}}}"),
            format!("kind: X\na: {text}\n"),
        ] {
            let read = read(source.as_bytes()).unwrap();
            assert_eq!(read[0].value["a"].as_f64(), Some(expected), "{source}");
        }
    }
}
