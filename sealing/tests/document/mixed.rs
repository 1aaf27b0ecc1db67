//! Documents of other kinds among ours: what breaks a rule there, and what may be ours after all.

use sealing::document::edit::{Change, Edit, edit};
use sealing::document::{read, read_mixed};

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
fn broken_text_is_an_error_whatever_its_kind() {
    for broken in ["kind: Role\na: [\n", "kind: Role\n\tx: 1\n", "{\"kind\": \"Role\", "] {
        let source = format!("{OURS}---\n{broken}");
        assert!(read_mixed(source.as_bytes()).is_err(), "{source}");
    }
}
