//! The bytes that are written.

use manifest::{EmitError, read, to_json, to_json_compact, to_yaml, wipe};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sealed {
    kind: &'static str,
    api_version: &'static str,
    spec: serde_json::Value,
}

fn sealed() -> Sealed {
    Sealed {
        kind: "SealedSecret",
        api_version: "bitnami.com/v1alpha1",
        spec: json!({"template": {"data": {"a": "<x & y>\nb\n"}}, "encryptedData": {"a10": "Ag==", "a2": "no"}, "empty": {}}),
    }
}

/// Compared with `kubeseal -o json` of the reference: two spaces, fields in the order of the struct, Go's escapes.
#[test]
fn json_keeps_the_order_and_escapes_as_go_does() {
    let text = to_json(&sealed()).unwrap();
    let expected = r#"{
  "kind": "SealedSecret",
  "apiVersion": "bitnami.com/v1alpha1",
  "spec": {
    "empty": {},
    "encryptedData": {
      "a10": "Ag==",
      "a2": "no"
    },
    "template": {
      "data": {
        "a": "\u003cx \u0026 y\u003e\nb\n"
      }
    }
  }
}
"#;
    assert_eq!(text, expected);
}

#[test]
fn json_escapes() {
    let text =
        to_json_compact(&json!({"a<": ["\u{0}\u{8}\u{c}\u{1f}\u{7f}\"\\/", "é😀\u{2028}\u{2029}>", []]})).unwrap();
    let expected = "{\"a\\u003c\":[\"\\u0000\\b\\f\\u001f\u{7f}\\\"\\\\/\",\"é😀\\u2028\\u2029\\u003e\",[]]}";
    assert_eq!(text, expected);
}

/// Compared with `kubeseal -o yaml` of the reference.
#[test]
fn yaml_is_sorted_and_in_block_style() {
    let text = to_yaml(&sealed()).unwrap();
    let expected = "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nspec:\n  empty: {}\n  encryptedData:\n    a2: \
                    \"no\"\n    a10: Ag==\n  template:\n    data:\n      a: |\n        <x & y>\n        b\n";
    assert_eq!(text, expected);
}

#[test]
fn a_ciphertext_stays_on_one_line() {
    let ciphertext = "AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq/".repeat(300);
    let text = to_yaml(&json!({"encryptedData": {"a": ciphertext}})).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(text.contains(&ciphertext));
}

/// Go would write these as they are, and then a reader of YAML 1.2 would see another text than one of YAML 1.1.
#[test]
fn breaks_that_the_versions_of_yaml_disagree_about_are_escaped() {
    let text = to_yaml(&json!({"a": "x\u{85}y\u{2028}z\u{2029}", "b": "1\n2\u{2028}"})).unwrap();
    assert_eq!(text, "---\na: \"x\\Ny\\Lz\\P\"\nb: \"1\\n2\\L\"\n");
}

/// Go would write the key bare, and read it as a merge.
#[test]
fn a_key_that_looks_like_a_merge_is_quoted() {
    assert_eq!(to_yaml(&json!({"<<": "a"})).unwrap(), "---\n\"<<\": a\n");
}

#[test]
fn several_documents_are_written_one_after_the_other() {
    let text = to_yaml(&json!({"a": "1\n"})).unwrap()
        + &to_yaml(&json!({"b": "x\n\n"})).unwrap()
        + &to_yaml(&json!({"c": {}})).unwrap();
    let values: Vec<_> = read(text.as_bytes())
        .unwrap()
        .into_iter()
        .map(|one| one.into_value())
        .collect();
    assert_eq!(values, [json!({"a": "1\n"}), json!({"b": "x\n\n"}), json!({"c": {}})]);
}

#[test]
fn what_cannot_be_written_is_refused() {
    let map = std::collections::HashMap::from([(vec![1], 2)]);
    assert_eq!(to_json(&map), Err(EmitError));
    assert_eq!(to_yaml(&map), Err(EmitError));
}

#[test]
fn wiping_takes_any_value() {
    wipe(json!({"a": ["b", {"c": "d"}, 1, null, true]}));
}
