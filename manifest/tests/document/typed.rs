//! Documents as typed objects.

use std::collections::BTreeMap;

use manifest::{DocumentError, read};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Thing {
    metadata: Metadata,
    #[serde(default)]
    items: BTreeMap<String, Vec<Item>>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Debug, Deserialize, PartialEq)]
enum Kind {
    Opaque,
}

fn parse(source: &str) -> Result<Thing, DocumentError> {
    read(source.as_bytes()).unwrap()[0].parse()
}

#[test]
fn a_document_that_fits() {
    let thing = parse("metadata: {name: a}\nitems: {x: [{type: Opaque}]}\nunknown: 1\n").unwrap();
    assert_eq!(
        (thing.metadata.name.as_str(), &thing.items["x"][0].kind),
        ("a", &Kind::Opaque)
    );
}

#[test]
fn the_field_that_does_not_fit_is_named_without_its_value() {
    let cases = [
        ("a: hunter2\n", "document 1, line 1: missing field `metadata`"),
        (
            "metadata:\n  a: b\n",
            "document 1, line 1: \"metadata\": missing field `name`",
        ),
        (
            "metadata:\n  name: [hunter2]\n",
            "document 1, line 2: \"metadata.name\": a string is wanted here",
        ),
        (
            "metadata:\n  name: yes\n",
            "document 1, line 2: \"metadata.name\": a string is wanted here: put it in quotes",
        ),
        (
            "metadata: hunter2\n",
            "document 1, line 1: \"metadata\": struct Metadata is wanted here",
        ),
        (
            "metadata: {name: a}\nitems:\n  x:\n  - type: Opaque\n  - type: hunter2\n",
            "document 1, line 5: \"items.x.1.type\": this is not a value that can stand here",
        ),
        (
            "metadata: {name: a}\nitems:\n  x: \"hunter2, expected hunter2\"\n",
            "document 1, line 3: \"items.x\": a sequence is wanted here",
        ),
    ];
    for (source, message) in cases {
        let error = parse(source).unwrap_err();
        assert_eq!(error.to_string(), message, "{source:?}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
