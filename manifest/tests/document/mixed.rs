//! Documents of other kinds among ours: what breaks a rule there, and what may be ours after all.

use manifest::edit::{Change, Edit, edit};
use manifest::{DocumentError, read, read_mixed};

const OURS: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {a: x} # kept\n";

/// Documents of other kinds that a strict reader refuses.
const OTHERS: [&str; 9] = [
    "kind: StatefulSet\nspec:\n  a: 1\n  a: 2\n",
    "kind: StatefulSet\nkind: Deployment\n",
    "a: 1\na: 2\n",
    "kind: Role\nx: !custom {a: b}\n",
    "!ruby/object {kind: Role}\n",
    "kind: Rule\nlimit: .inf\n",
    "kind: Rule\n? [a, b]\n: c\n",
    "- a: 1\n  a: 2\n- b\n",
    "just text\n",
];

/// Documents that some reader takes for ours, or that nothing can be said of.
const PERHAPS_OURS: [&str; 14] = [
    "kind: RoleList\nitems: [{kind: Secret}]\na: 1\na: 2\n",
    "kind: Secret\ndata: {a: Yg==, a: Yw==}\n",
    "kind: StatefulSet\nkind: Secret\n",
    "kind: SealedSecret\nkind: StatefulSet\n",
    "KIND: Secret\na: 1\na: 2\n",
    "kind: List\nitems: []\na: 1\na: 2\n",
    "items: [{kind: Secret}]\na: 1\na: 2\n",
    "x: &k Secret\nkind: *k\na: 1\na: 2\n",
    "x: &m {kind: Secret}\n<<: *m\na: 1\na: 2\n",
    "x: &k kind\n*k : Secret\na: 1\na: 2\n",
    "kind: !!binary U2VjcmV0\na: 1\na: 2\n",
    "!!binary a2luZA==: Secret\na: 1\na: 2\n",
    "- kind: Secret\n  a: 1\n  a: 2\n",
    "- kind: SealedSecret\n",
];

#[test]
fn documents_of_other_kinds_pass() {
    for other in OTHERS {
        for source in [
            format!("{other}---\n{OURS}"),
            format!("{OURS}---\n{other}"),
            format!("# x\n---\n{other}---\n{OURS}---\n{other}"),
        ] {
            assert!(read(source.as_bytes()).is_err(), "{source}");
            let documents = read_mixed(source.as_bytes()).unwrap_or_else(|error| panic!("{source}: {error}"));
            let ours: Vec<_> = documents.iter().filter(|document| document.broken.is_none()).collect();
            assert_eq!(ours.len(), 1, "{source}");
            assert_eq!(ours[0].value["stringData"]["a"], "x", "{source}");
            let change = Change::set(["stringData", "a"], "new");
            let edits = [Edit {
                document: ours[0],
                changes: vec![change],
            }];
            let changed = edit(source.as_bytes(), &edits).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(changed, source.replace("a: x}", "a: new}").into_bytes(), "{source}");
        }
    }
}

#[test]
fn what_some_reader_takes_for_ours_is_an_error() {
    for perhaps in PERHAPS_OURS {
        let source = format!("{OURS}---\n{perhaps}");
        let strict = read(source.as_bytes()).err();
        assert!(strict.is_some(), "{source}");
        assert_eq!(read_mixed(source.as_bytes()).err(), strict, "{source}");
    }
}

#[test]
fn objects_of_other_kinds_pass_in_json() {
    let ours = r#"{"kind": "Secret", "apiVersion": "v1", "stringData": {"a": "x"}}"#;
    for other in [
        "{\"kind\": \"StatefulSet\",\n \"spec\": {\"a\": \"}\", \"a\": [{}]},\n \"b\": \"\\\"\"}",
        r#"{"kind": "StatefulSet", "kind": "Deployment"}"#,
        r#"{"a": 1, "a": 2}"#,
    ] {
        for source in [
            format!("{other}{ours}"),
            format!("{ours}\n{other}\n"),
            format!("{other}\n{other} {ours}\n---\n{other}\n---\nkind: Role\n"),
        ] {
            assert!(read(source.as_bytes()).is_err(), "{source}");
            let documents = read_mixed(source.as_bytes()).unwrap_or_else(|error| panic!("{source}: {error}"));
            let secret = documents
                .iter()
                .find(|document| document.value.get("stringData").is_some());
            let secret = secret.unwrap_or_else(|| panic!("{source}"));
            let before = &source[..source.find(ours).unwrap()];
            assert_eq!(secret.line, 1 + before.matches('\n').count(), "{source}");
            assert!(secret.broken.is_none(), "{source}");
            let numbers: Vec<_> = documents.iter().map(|document| document.index).collect();
            assert_eq!(numbers, (1..=documents.len()).collect::<Vec<_>>(), "{source}");
            let edits = [Edit {
                document: secret,
                changes: vec![Change::set(["stringData", "a"], "new")],
            }];
            let changed = edit(source.as_bytes(), &edits).unwrap_or_else(|error| panic!("{source}: {error}"));
            assert_eq!(changed, source.replace("\"x\"", "\"new\"").into_bytes(), "{source}");
        }
    }
    for perhaps in [
        r#"{"kind": "StatefulSet", "kind": "Secret"}"#,
        r#"{"KIND": "Secret", "a": 1, "a": 2}"#,
        r#"{"k\u0069nd": "Secret", "a": 1, "a": 2}"#,
        r#"{"kind": "RoleList", "items": [{"kind": "Secret"}], "a": 1, "a": 2}"#,
        r#"{"kind": "Role", "a": 1, "a": 2"#,
        r#"{"kind": "Role", "a": 1, "a": 2, }"#,
    ] {
        let source = format!("{ours}\n{perhaps}");
        let strict = read(source.as_bytes()).err();
        assert!(strict.is_some(), "{source}");
        assert_eq!(read_mixed(source.as_bytes()).err(), strict, "{source}");
    }
}

#[test]
fn a_value_that_is_no_object_hides_none_behind_it() {
    assert!(read_mixed(br#"{} 7{"kind": "Secret", "a": 1, "a": 2}"#).is_err());
    assert!(read_mixed(br#"{} "x" {"kind": "Secret", "a": 1, "a": 2}"#).is_err());
}

#[test]
fn broken_text_is_an_error_whatever_its_kind() {
    for broken in ["kind: Role\na: [\n", "kind: Role\n\tx: 1\n", "{\"kind\": \"Role\", "] {
        let source = format!("{OURS}---\n{broken}");
        assert!(read_mixed(source.as_bytes()).is_err(), "{source}");
    }
}

/// A list in three forms, with `other` as one of its items.
fn lists(other: &str) -> [String; 3] {
    let indented = other.trim_end().replace('\n', "\n  ");
    let ours = "kind: Secret\n  apiVersion: v1\n  stringData: {a: x} # kept";
    let json = r#"{"kind": "Secret", "apiVersion": "v1", "stringData": {"a": "x"}}"#;
    [
        format!("kind: List\nitems:\n- {indented}\n# between\n- {ours}\n- {indented}\n"),
        format!("# c\n---\nitems:\n- {ours}\n- {indented}\nkind: List\nmetadata: {{}}\n"),
        format!("{{\"kind\": \"List\",\n\"items\": [{other},\n {json}, {other}]}}"),
    ]
}

#[test]
fn broken_items_of_other_kinds_pass_in_lists() {
    let cases = [
        (
            "kind: StatefulSet\nspec:\n  a: 1\n  a: 2\n",
            r#"{"kind": "StatefulSet", "spec": {"a": 1, "a": [{}]}}"#,
        ),
        ("kind: Rule\nlimit: .inf\n", r#"{"kind": "Rule", "kind": "Role"}"#),
        (
            "kind: Role\nx: !custom {a: b}\n",
            "{\n \"kind\": \"R\",\r\n \"é\": 1, \"é\": \"}\"\n}",
        ),
    ];
    for (yaml, json) in cases {
        let [one, two, _] = lists(yaml);
        let [_, _, three] = lists(json);
        for source in [one, two, three] {
            assert!(read(source.as_bytes()).is_err(), "{source}");
            let documents = read_mixed(source.as_bytes()).unwrap_or_else(|error| panic!("{source}: {error}"));
            let ours = documents.iter().find(|document| document.broken.is_none()).unwrap();
            assert_eq!(ours.value["stringData"]["a"], "x", "{source}");
            let before = &source[..source.find("Secret").unwrap()];
            assert_eq!(ours.place().line, 1 + before.matches('\n').count(), "{source}");
            assert!(
                documents
                    .iter()
                    .all(|one| one.value["kind"] == "Secret" || one.broken.is_some())
            );
            let edits = [Edit {
                document: ours,
                changes: vec![Change::set(["stringData", "a"], "new")],
            }];
            let changed = edit(source.as_bytes(), &edits).unwrap_or_else(|error| panic!("{source}: {error}"));
            let wanted = source.replace("a: x}", "a: new}").replace("\"x\"", "\"new\"");
            assert_eq!(String::from_utf8(changed).unwrap(), wanted);
        }
    }
}

#[test]
fn broken_items_that_may_be_ours_are_errors() {
    for (yaml, json) in [
        (
            "kind: Secret\ndata: {a: Yg==, a: Yw==}\n",
            r#"{"kind": "Secret", "data": {"a": "", "a": ""}}"#,
        ),
        ("kind: Role\nkind: Secret\n", r#"{"kind": "Role", "kind": "Secret"}"#),
        ("a: 1\na: 2\n", r#"{"a": 1, "a": 2}"#),
        (
            "KIND: Secret\na: 1\na: 2\n",
            r#"{"k\u0069nd": "Secret", "a": 1, "a": 2}"#,
        ),
        (
            "kind: RoleList\nitems: []\na: 1\na: 2\n",
            r#"{"kind": "RoleList", "items": [], "a": 1, "a": 2}"#,
        ),
    ] {
        let [one, two, _] = lists(yaml);
        let [_, _, three] = lists(json);
        for source in [one, two, three] {
            assert!(read(source.as_bytes()).is_err(), "{source}");
            assert!(read_mixed(source.as_bytes()).is_err(), "{source}");
        }
    }
    let broken = r#"{"kind": "Role", "a": 1, "a": 2}"#;
    for list in [
        format!(r#"{{"kind": "SecretList", "items": [{broken}]}}"#),
        format!(r#"{{"items": [{broken}]}}"#),
        format!(r#"{{"kind": "List", "items": [{broken}], "items": []}}"#),
        format!(r#"{{"kind": "List", "kind": "SecretList", "items": [{broken}]}}"#),
        format!(r#"{{"kind": "List", "Items": [], "items": [{broken}]}}"#),
    ] {
        assert!(read_mixed(list.as_bytes()).is_err(), "{list}");
    }
}

/// A small text can be very many values, which somebody else may have committed.
#[test]
fn what_is_held_as_a_whole_is_bounded() {
    let many = format!("[{}0]", "0,".repeat(2_000_000));
    let sealed = format!("kind: SealedSecret\nother: {many}\n");
    let refused = manifest::read_mixed(sealed.as_bytes()).map(|documents| documents.len());
    assert!(matches!(refused, Err(DocumentError::TooLarge { .. })), "{refused:?}");
    let mut documents = 0;
    manifest::each_mixed(sealed.as_bytes(), &mut |_| documents += 1).unwrap();
    assert_eq!(documents, 1, "one after the other they may be as many as they are");
}
