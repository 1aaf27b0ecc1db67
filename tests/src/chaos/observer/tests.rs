//! Each invariant broken on purpose, and a course of things in which none is.

use serde_json::json;

use super::*;

/// A book in which `one` was given the values 1 and 2, and one key is allowed.
fn book() -> Book {
    let book = Book::default();
    let mut pages = book.open();
    pages.keys = 1;
    pages.edit("one");
    pages.edit("one");
    drop(pages);
    book
}

fn secret(what: &str, items: &Value) -> Value {
    let mut data = json!({});
    for (name, value) in items.as_object().unwrap() {
        data[name] = STANDARD.encode(value.to_string()).into();
    }
    json!({"of": "secret", "what": what, "objects": [{"name": "one", "uid": "u", "data": data}]})
}

fn key(what: &str, keys: &[(&str, &str)]) -> Value {
    let objects: Vec<_> = keys
        .iter()
        .map(|(uid, digest)| json!({"uid": uid, "digest": digest}))
        .collect();
    json!({"of": "key", "what": what, "objects": objects})
}

fn write(resource: &str, replica: usize, sent: u32, code: u32) -> Value {
    json!({
        "verb": "update", "stage": "ResponseComplete", "responseStatus": {"code": code},
        "userAgent": format!("controller/0 (x) chaos={replica}@{sent}.5"),
        "stageTimestamp": format!("1970-01-01T00:00:{sent:02}.600000Z"),
        "objectRef": {"resource": resource, "name": "one"},
    })
}

/// The violations in these lines of the watch and these audit events.
fn found(lines: &[Value], events: &[Value]) -> String {
    let (book, mut observer) = (book(), Observer::default());
    lines.iter().for_each(|line| observer.see(line, &book));
    events.iter().for_each(|event| observer.hear(event));
    observer.judge_writers(f64::MAX);
    observer.judge_bounds(&book);
    observer.violations.join("; ")
}

#[test]
fn what_is_right_breaks_nothing() {
    let lines = [
        key("LIST", &[]),
        key("ADDED", &[("k", "d")]),
        key("LIST", &[("k", "d")]),
        secret("ADDED", &json!({"a": 1, "b": 1})),
        secret("LIST", &json!({"a": 1, "b": 1})),
        secret("MODIFIED", &json!({"a": 2, "b": 2})),
        secret("DELETED", &json!({"a": 2, "b": 2})),
        json!({"of": "secret", "what": "ADDED", "objects": [{"name": "of somebody else", "data": {}}]}),
    ];
    let events = [
        write("leases", 0, 1, 200),
        write("secrets", 0, 2, 201),
        write("leases", 1, 5, 200),
        // Refused: it does not hold it.
        write("leases", 0, 6, 409),
        write("secrets", 1, 6, 200),
        write("sealedsecrets", 1, 6, 200),
    ];
    assert_eq!(found(&lines, &events), "");
}

#[test]
fn secret_that_is_empty_half_wrong_or_old() {
    for (items, says) in [
        (json!({}), "no item a"),
        (json!({"a": 1}), "no item b"),
        (json!({"a": 1, "b": 2}), "half a Secret"),
        (json!({"a": 1, "b": 1, "c": 1}), "half a Secret"),
        (json!({"a": 3, "b": 3}), "nobody asked for"),
    ] {
        let found = found(&[secret("MODIFIED", &items)], &[]);
        assert!(found.contains(says), "{items}: {found}");
    }
    let back = [2, 1].map(|value| secret("MODIFIED", &json!({"a": value, "b": value})));
    assert!(found(&back, &[]).contains("went back from 2 to 1"));
}

#[test]
fn key_that_is_lost_changed_or_one_too_many() {
    let first = key("ADDED", &[("k", "d")]);
    for (then, says) in [
        (key("DELETED", &[("k", "d")]), "is lost"),
        (key("LIST", &[]), "is lost"),
        (key("MODIFIED", &[("k", "other")]), "was changed"),
        (key("ADDED", &[("l", "d")]), "one too many"),
    ] {
        let found = found(&[first.clone(), then], &[]);
        assert!(found.contains(says), "{found}");
    }
}

#[test]
fn writes_without_end() {
    let events = |count, code| vec![write("sealedsecrets", 0, 1, code); count];
    assert_eq!(found(&[], &events(12, 200)), "");
    assert!(found(&[], &events(13, 200)).contains("13 of them with success, for 2 changes"));
    assert!(!found(&[], &events(36, 409)).contains("writes to one"));
    assert!(found(&[], &events(37, 409)).contains("37 writes to one"));
    // Events are about no object that was asked for.
    let posted = |count| vec![write("events", 0, 1, 201); count];
    assert_eq!(found(&[], &posted(28)), "");
    assert!(found(&[], &posted(29)).contains("29 writes in all, for 2 changes"));
}

#[test]
fn two_writers() {
    let events = [
        write("leases", 0, 1, 200),
        write("leases", 1, 5, 200),
        // Sent before the other one's time began, and after.
        write("secrets", 0, 4, 200),
        write("secrets", 0, 9, 200),
        // On a version that is not there any more.
        write("secrets", 0, 9, 409),
    ];
    let found = found(&[], &events);
    assert_eq!(
        found,
        "two writers: replica 0 sent `update secrets one` 3.9 s after replica 1 was told that it holds the Lease"
    );
}
