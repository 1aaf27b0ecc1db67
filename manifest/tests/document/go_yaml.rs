//! Held against a table that Go's YAML library made (go-yaml/main.go; the versions are in the table).

use manifest::{DocumentError, Nulls, read, to_yaml};
use serde_json::{Value, json};

fn table(name: &str) -> Vec<Value> {
    let table: Value = serde_json::from_str(include_str!("go-yaml.json")).unwrap();
    table[name].as_array().unwrap().clone()
}

#[test]
fn scalars_get_the_types_that_go_gives_them() {
    for case in table("scalars") {
        let typed = case["typed"].as_str().unwrap();
        let document = read(format!("m:\n  k: {typed}\n").as_bytes());
        match case.get("value") {
            // An infinity, which JSON cannot hold, or a dash without its item.
            None => assert!(document.is_err(), "{typed}"),
            Some(value) => {
                let read = document.unwrap();
                let ours = &read[0].value["m"]["k"];
                let same = if value.is_number() {
                    ours.as_f64() == value.as_f64()
                } else {
                    ours == value
                };
                assert!(same, "{typed}: {ours} is not {value}");
            }
        }
    }
}

#[test]
fn a_text_is_taken_exactly_when_go_gives_what_was_typed() {
    let mut refused = 0;
    for case in table("scalars") {
        let typed = case["typed"].as_str().unwrap();
        let Ok(documents) = read(format!("m:\n  k: {typed}\n").as_bytes()) else {
            continue;
        };
        let text = documents[0].string_map(&["m"], Nulls::Refuse);
        if case["text"] == typed {
            assert_eq!(text.unwrap()["k"], typed);
        } else {
            assert!(matches!(text, Err(DocumentError::Unquoted { .. })), "{typed}");
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn keys_become_the_texts_that_go_makes_of_them() {
    for case in table("scalars") {
        let typed = case["typed"].as_str().unwrap();
        let Ok(documents) = read(format!("m:\n  {typed}: v\n").as_bytes()) else {
            continue;
        };
        // Beyond 2^63 Go knows no key; ours is then what was typed.
        let key = case["key"].as_str().unwrap_or(typed);
        assert_eq!(documents[0].value["m"], json!({ key: "v" }), "{typed}");
        let strings = documents[0].string_map(&["m"], Nulls::Refuse);
        assert_eq!(strings.is_ok(), key == typed, "{typed}");
    }
}

#[test]
fn objects_are_written_as_go_writes_them() {
    let mut same = 0;
    for case in table("texts").into_iter().chain(table("orders")) {
        let ours = to_yaml(&case["value"]).unwrap();
        assert_eq!(ours, format!("---\n{}", case["yaml"].as_str().unwrap()));
        same += 1;
    }
    assert!(same > 180, "{same}");
}

#[test]
fn what_go_writes_is_read_back() {
    for case in table("texts").into_iter().chain(table("orders")) {
        let documents = read(case["yaml"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(documents[0].value, case["value"]);
    }
}
