//! Sources that are refused: in which words, and how fast.

use manifest::{DocumentError, Format, Node, Place, read};
use std::time::{Duration, Instant};

/// Milliseconds in a release build; an unfolded bomb takes minutes and gigabytes.
const LIMIT: Duration = Duration::from_secs(3);

fn refused(source: &[u8]) -> DocumentError {
    match read(source) {
        Ok(documents) => panic!("{:?} was read: {documents:?}", String::from_utf8_lossy(source)),
        Err(error) => error,
    }
}

/// Sources, and why each is refused.
const FAULTS: &[(&str, &str)] = &[
    ("", "the input is empty: it holds no Kubernetes object"),
    ("\u{feff}", "the input is empty: it holds no Kubernetes object"),
    (
        "# only\n# comments\n",
        "the input is empty: it holds no Kubernetes object",
    ),
    ("---\n---\n", "the input is empty: it holds no Kubernetes object"),
    (
        "kind: List\nitems: []\n",
        "the input is empty: it holds no Kubernetes object",
    ),
    (
        "hello world\n",
        "document 1, line 1: a Kubernetes object is wanted here, but this is a single value",
    ),
    (
        "a: b\n---\n- c\n",
        "document 2, line 3: a Kubernetes object is wanted here, but this is a list",
    ),
    (
        "[{\"a\":1}]",
        "document 1, line 1: a Kubernetes object is wanted here, but this is a list",
    ),
    (
        "{\"a\":1}\n\n\"b\"",
        "document 2, line 3: a Kubernetes object is wanted here, but this is a single value",
    ),
    ("a: b\nc: d\na: e\n", "document 1, line 3: the key \"a\" is given twice"),
    ("1: a\n\"1\": b\n", "document 1, line 2: the key \"1\" is given twice"),
    (
        "x: {a: 1,\n a: 2}\n",
        "document 1, line 2: the key \"a\" is given twice",
    ),
    (
        "{\"b\": {\"a\":1,\n\"a\":2}}",
        "document 1, line 2: the key \"a\" is given twice",
    ),
    (
        "x: &x {a: 1}\ny:\n  a: 2\n  <<: *x\n",
        "document 1, line 4: the key \"a\" is given twice",
    ),
    (
        "a: b\n---\nc: [d\n---\ne: f\n",
        "document 2, line 3: not valid YAML: a bracket or a comma is missing or misplaced",
    ),
    (
        "a: b: c\n---\nd: e\n",
        "document 1, line 1: not valid YAML: a `key: value` that may not stand here: check the indentation, or put the value in quotes",
    ),
    (
        "a: b\ngarbage\n",
        "document 1, line 2: not valid YAML: a `key: value` line is wanted here",
    ),
    (
        "a:\n\tb: c\n",
        "document 1, line 2: not valid YAML: a tab where only spaces may stand",
    ),
    (
        "a: \"b\nc: d\n",
        "document 1, line 2: not valid YAML: a quote is not closed, or the lines inside it are not indented",
    ),
    (
        "a: @b\n",
        "document 1, line 1: not valid YAML: a character that may not stand here: put the value in quotes",
    ),
    (
        "a: *b\n",
        "document 1, line 1: not valid YAML: an alias names an anchor that is not there",
    ),
    (
        "a: &a [*a]\n",
        "document 1, line 1: not valid YAML: an alias stands inside the value that it names",
    ),
    (
        "a: {<<: b}\n",
        "document 1, line 1: not valid YAML: `<<` takes a map, or a list of maps",
    ),
    (
        "a: !mine b\n",
        "document 1, line 1: this YAML tag is not supported here",
    ),
    (
        "a: !!int b\n",
        "document 1, line 1: this YAML tag is not supported here",
    ),
    (
        "a: !!binary '%'\n",
        "document 1, line 1: this YAML tag is not supported here",
    ),
    (
        "a: .inf\n",
        "document 1, line 1: this is read as a number that has no value in JSON; put it in quotes to keep it as text",
    ),
    (
        "~: a\n",
        "document 1, line 1: a map key must be text (a template's {{ }} must be filled in first)",
    ),
    (
        "a:\n  b: {{ .Values.x }}\n",
        "document 1, line 2: a map key must be text (a template's {{ }} must be filled in first)",
    ),
    (
        "kind: List\nitems:\n- a: b\n- c\n",
        "document 1, line 4, item 2: a Kubernetes object is wanted here, but this is a single value",
    ),
    (
        "kind: List\nitems: {a: b}\n",
        "document 1, line 2: \"items\": a list of objects is wanted here",
    ),
    (
        "{\"a\":\n {\"b\": \"c",
        "document 1, line 2: not valid JSON: it ends too early",
    ),
    (
        "{\"a\":1}\n{\"b\"",
        "document 2, line 2: not valid JSON: it ends too early",
    ),
    (
        "{\"a\":1}\n---\n{\"b\":\n}",
        "document 2, line 4: not valid JSON: expected value",
    ),
    ("{\"a\":1,}", "document 1, line 1: not valid JSON: trailing comma"),
    (
        "{\"a\":\"b\nc\"}",
        "document 1, line 2: not valid JSON: control character (\\u0000-\\u001F) found while parsing a string",
    ),
    (
        "{\"a\":1e999}",
        "document 1, line 1: not valid JSON: number out of range",
    ),
    (
        "{\"a\":1}\n---\nb: [\n",
        "document 2, line 3: not valid YAML: a bracket or a comma is missing or misplaced",
    ),
];

#[test]
fn each_fault_is_named_with_its_place() {
    for (source, message) in FAULTS {
        assert_eq!(refused(source.as_bytes()).to_string(), *message, "{source:?}");
    }
}

#[test]
fn text_that_is_none() {
    for source in [&b"a\0:\0\n\0b"[..], b"\xff\xfea\0\n\0\x00\xd8a\0"] {
        assert_eq!(refused(source), DocumentError::NotUtf16 { line: 2 });
    }
    assert_eq!(refused(b"a: b\nc: \xe9\n"), DocumentError::NotUtf8 { line: 2 });
    assert_eq!(refused(b"a: b\nc: \xe9\n").place(), None);
}

#[test]
fn errors_can_be_compared() {
    let place = Place {
        document: 2,
        line: 3,
        column: 1,
        item: None,
    };
    assert_eq!(
        refused(b"a: b\n---\n- c\n"),
        DocumentError::NotAnObject {
            place,
            found: Node::List
        }
    );
    assert_eq!(refused(b"a: b\n---\n- c\n").place(), Some(place));
    let place = Place {
        document: 1,
        line: 1,
        column: 4,
        item: None,
    };
    let reason = "it ends too early".to_owned();
    assert_eq!(
        refused(b"{\"a\""),
        DocumentError::Syntax {
            place,
            format: Format::Json,
            reason
        }
    );
}

/// No error text holds a word of the source, except the names of keys.
#[test]
fn values_stay_out_of_the_errors() {
    let faults = [
        "a: [hunter2\n",
        "a: \"hunter2\n",
        "a: hunter2: x\n",
        "hunter2\n",
        "- hunter2\n",
        "a: b\nhunter2\n",
        "a: !x hunter2\n",
        "a: *hunter2\n",
        "a: &x hunter2\na: c\n",
        "{\"a\":\"hunter2",
        "{\"a\":\"hunter2\" x}",
        "{\"a\":hunter2}",
        "{\"a\":1}\nhunter2",
        "kind: List\nitems: hunter2\n",
        "a: @hunter2\n",
        "a: %hunter2\n",
        "a: !!int hunter2\n",
        "a: !!binary hunter2\n",
        "[hunter2]: a\n",
        "a:\n\thunter2\n",
        "a: |\n hunter2\n\tx\n b\nc",
        "a: \"\\hunter2\"\n",
    ];
    for source in faults {
        let error = refused(source.as_bytes());
        assert!(!error.to_string().contains("hunter2"), "{source:?}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{source:?}: {error:?}");
    }
}

#[test]
fn every_cut_of_a_json_stream_is_refused() {
    let whole = "{\"a\": {\"b\": [1, \"two\", null]}}\n{\"c\": true}";
    let first = whole.find('\n').unwrap();
    for end in 1..whole.len() {
        let cut = &whole[..end];
        if end == first || end == first + 1 {
            assert_eq!(read(cut.as_bytes()).unwrap().len(), 1, "{cut:?}");
        } else {
            assert!(
                matches!(refused(cut.as_bytes()), DocumentError::Syntax { .. }),
                "{cut:?}"
            );
        }
    }
}

#[test]
fn bombs_are_refused_at_once() {
    let laughs: String = ('b'..='j')
        .zip('a'..)
        .map(|(name, last)| format!("{name}: &{name} [{}]\n", vec![format!("*{last}"); 9].join(",")))
        .collect();
    let heights: String = (1..40)
        .map(|at| format!("k{at}: &k{at} {}*k{}{}\n", "[".repeat(60), at - 1, "]".repeat(60)))
        .collect();
    let many_copies = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 1000].join(","));
    let merges: String = (1..40)
        .map(|at| format!("m{at}: &m{at}\n  <<: [*m{0}, *m{0}]\n", at - 1))
        .collect();
    let anchors = format!("a: {}{}{}", "&n [".repeat(90), "x,".repeat(30_000), "]".repeat(90));
    let cases = [
        ("laughs", format!("a: &a [x,x,x,x,x,x,x,x,x]\n{laughs}")),
        ("flow depth", format!("a: {}", "[".repeat(1_000_000))),
        (
            "block depth",
            (0..2000).map(|at| format!("{}a:\n", " ".repeat(at))).collect(),
        ),
        ("dash depth", "- ".repeat(100_000)),
        ("JSON depth", "{\"a\":".repeat(1_000_000)),
        ("JSON list depth", format!("{{\"a\":{}", "[".repeat(1_000_000))),
        ("alias depth", format!("k0: &k0 x\n{heights}")),
        ("copies", many_copies),
        ("nested anchors", anchors),
    ];
    for (name, source) in cases {
        let started = Instant::now();
        let error = refused(source.as_bytes());
        assert!(
            matches!(
                error,
                DocumentError::TooDeep { .. } | DocumentError::TooManyAliases { .. }
            ),
            "{name}: {error}"
        );
        assert!(started.elapsed() < LIMIT, "{name}: {:?}", started.elapsed());
    }
    let many_merges: String = (0..15_000).map(|at| format!("<<: {{k{at}: x}}\n")).collect();
    for source in [format!("m0: &m0 {{a: b}}\n{merges}"), many_merges] {
        let started = Instant::now();
        let _ = read(source.as_bytes());
        assert!(started.elapsed() < LIMIT, "merges: {:?}", started.elapsed());
    }
}

/// kubectl, Helm and Flux read YAML 1.1, where these end a line: what a comment hides here is a field there.
#[test]
fn lines_end_where_all_readers_of_yaml_say_so() {
    for (character, escape) in [('\u{85}', "\\N"), ('\u{2028}', "\\L"), ('\u{2029}', "\\P")] {
        for source in [
            format!("kind: Secret\n# owner{character}namespace: other\n"),
            format!("kind: Secret\nstringData: {{a: x{character}y}}\n"),
            format!("kind: Secret\na: \"x{character}y\"\n"),
            format!("a: |\n  kind: Secret{character}\n"),
        ] {
            let error = read(source.as_bytes()).unwrap_err();
            let place = error.place().unwrap();
            assert_eq!((place.document, place.line), (1, 2), "{source:?}");
            assert!(error.to_string().contains(escape), "{error}");
            assert!(manifest::read_mixed(source.as_bytes()).is_err(), "{source:?}");
        }
        let second = format!("a: b\n---\nkind: Secret\n# {character}\n");
        let place = read(second.as_bytes()).unwrap_err().place().unwrap();
        assert_eq!((place.document, place.line), (2, 4));
        let escaped = format!("a: \"x{escape}y\"\n");
        assert_eq!(read(escaped.as_bytes()).unwrap().len(), 1);
        let json = format!("{{\"a\": \"x{character}y\"}}");
        assert_eq!(read(json.as_bytes()).unwrap().len(), 1);
        let others = format!("kind: ConfigMap\na: x{character}y\n");
        assert_eq!(manifest::read_mixed(others.as_bytes()).unwrap().len(), 1);
    }
}
