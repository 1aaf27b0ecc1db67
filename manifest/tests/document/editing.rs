//! Changes in a text: what is changed, and that nothing else is.

use manifest::edit::{Change, Edit, EditError, edit};
use manifest::read;

fn set(path: &str, text: &str) -> Change {
    Change::set(path.split('/'), text)
}

fn null(path: &str) -> Change {
    Change::Set {
        path: path.split('/').map(str::to_owned).collect(),
        text: None,
    }
}

fn remove(path: &str) -> Change {
    Change::Remove {
        path: path.split('/').map(str::to_owned).collect(),
    }
}

fn rename(path: &str, to: &str) -> Change {
    Change::Rename {
        path: path.split('/').map(str::to_owned).collect(),
        to: to.to_owned(),
    }
}

/// The changes in the object at `position` (from 0).
fn edited(source: &str, position: usize, changes: &[Change]) -> Result<String, EditError> {
    let documents = read(source.as_bytes()).unwrap();
    let edits = [Edit {
        document: &documents[position],
        changes: changes.to_vec(),
    }];
    edit(source.as_bytes(), &edits).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[track_caller]
fn check(source: &str, changes: &[Change], expected: &str) {
    assert_eq!(edited(source, 0, changes).unwrap(), expected);
    // The same with the line breaks of Windows and a byte-order mark.
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(edited(&windows(source), 0, changes).unwrap(), windows(expected));
}

#[test]
fn a_value_is_replaced_in_its_own_quotes() {
    check("a: x # c\n", &[set("a", "new")], "a: new # c\n");
    check("a: 'x'   # c\nb: 2\n", &[set("a", "it's")], "a: 'it''s'   # c\nb: 2\n");
    check("{\"a\" : \"x\"}", &[set("a", "q\"")], "{\"a\" : \"q\\\"\"}");
    check("a: \"x\\ty\"\n", &[set("a", "new")], "a: \"new\"\n");
    check("a: plain\n  goes on\nb: 1\n", &[set("a", "new")], "a: new\nb: 1\n");
    check(
        "a: \"quoted\n  goes on\" # c\nb: 1\n",
        &[set("a", "new")],
        "a: \"new\" # c\nb: 1\n",
    );
    check("a: x", &[set("a", "yes")], "a: \"yes\"");
    check("a: {b: x, c: y}\n", &[set("a/b", "1,2")], "a: {b: \"1,2\", c: y}\n");
    check("a: x\n", &[null("a")], "a: null\n");
}

#[test]
fn a_value_that_is_left_out_is_put_in() {
    check("a:\nb: 1\n", &[set("a", "x")], "a: x\nb: 1\n");
    check("a: # c\nb: 1\n", &[set("a", "x")], "a: x # c\nb: 1\n");
    check(
        "a: {b: , c}\n",
        &[set("a/b", "x"), set("a/c", "z")],
        "a: {b: x , c: z}\n",
    );
    check("a: ~\n", &[set("a", "x")], "a: x\n");
    check("a: !!str\nb: 1\n", &[set("a", "x")], "a: !!str x\nb: 1\n");
}

#[test]
fn a_block_of_text_keeps_its_form() {
    check(
        "a: >-  # c\n    AgB\n    xyz\n\nb: 1\n",
        &[set("a", "new")],
        "a: >-  # c\n    new\n\nb: 1\n",
    );
    check(
        "a: |\n  AgB\n\n\nb: 1\n",
        &[set("a", "new")],
        "a: |-\n  new\n\n\nb: 1\n",
    );
    check(
        "a: |2+\n    AgB\n\n\nb: 1\n",
        &[set("a", "new")],
        "a: |-\n    new\nb: 1\n",
    );
    check("m:\n  a: |-\n    AgB", &[set("m/a", "new")], "m:\n  a: |-\n    new");
    check(
        "a: |\n  one\n  two\nb: 1\n",
        &[set("a", "1\n\n2\n")],
        "a: |\n  1\n\n  2\nb: 1\n",
    );
    check("a: >-\n  one\nb: 1\n", &[set("a", "")], "a: \"\"\nb: 1\n");
    check("a: >-\n\nb: 1\n", &[set("a", "x")], "a: >-\n  x\n\nb: 1\n");
    check("a: |-\n  one\nb: 1\n", &[set("a", " x")], "a: ' x'\nb: 1\n");
}

#[test]
fn an_entry_is_added_behind_the_last_one() {
    check(
        "m:\n  a: x # c\n  # end\nb: 1\n",
        &[set("m/k", "v")],
        "m:\n  a: x # c\n  k: v\n  # end\nb: 1\n",
    );
    check("m:\n    a: x", &[set("m/k", "v")], "m:\n    a: x\n    k: v");
    check(
        "m:\n  a: |+\n    x\n\nb: 1\n",
        &[set("m/k", "v")],
        "m:\n  a: |+\n    x\n\n  k: v\nb: 1\n",
    );
    check(
        "m:\n  a: |\n    x\n\nb: 1\n",
        &[set("m/k", "v")],
        "m:\n  a: |\n    x\n  k: v\n\nb: 1\n",
    );
    check("m:\n  a:\nb: 1\n", &[set("m/k", "v")], "m:\n  a:\n  k: v\nb: 1\n");
    check(
        "m:\n  ? a\n  : x\nb: 1\n",
        &[set("m/k", "v")],
        "m:\n  ? a\n  : x\n  k: v\nb: 1\n",
    );
    check("m: {a: x}\n", &[set("m/k", "v")], "m: {a: x, k: v}\n");
    check("m: {a: x, }\n", &[set("m/k", "v")], "m: {a: x, k: v }\n");
    check(
        "m: {\n    a: x # c, }\n  }\n",
        &[set("m/k", "v")],
        "m: {\n    a: x, # c, }\n    k: v\n  }\n",
    );
    check(
        "m: {\n  a: x, # c\n}\n",
        &[set("m/k", "v")],
        "m: {\n  a: x, # c\n  k: v,\n}\n",
    );
    check(
        "m: {a: x,\n  b: y}\n",
        &[set("m/k", "v")],
        "m: {a: x,\n  b: y,\n  k: v}\n",
    );
    check(
        "m: {'a': \"x\", \"b\": y}\n",
        &[set("m/k", "v")],
        "m: {'a': \"x\", \"b\": y, \"k\": \"v\"}\n",
    );
}

#[test]
fn a_text_of_several_lines_is_written_as_lines() {
    check(
        "m:\n  a: x\n",
        &[set("m/k", "p\n\n  q\n")],
        "m:\n  a: x\n  k: |\n    p\n\n      q\n",
    );
    check("m:\n  a: x", &[set("m/k", "p\nq")], "m:\n  a: x\n  k: |-\n    p\n    q");
    check("m: {a: x}\n", &[set("m/k", "p\nq")], "m: {a: x, k: \"p\\nq\"}\n");
}

#[test]
fn words_that_yaml_takes_for_something_else_are_quoted() {
    for word in [
        "y",
        "no",
        "On",
        "null",
        "~",
        "0777",
        "1e3",
        "1_000",
        "2020-01-01",
        "<<",
        "",
        "- a",
        "a: b",
        "#",
        "*x",
    ] {
        let changed = edited("m:\n  a: x\n", 0, &[set(&format!("m/{word}"), word)]).unwrap();
        let value = &read(changed.as_bytes()).unwrap()[0].value;
        assert_eq!(value["m"][word], word, "{changed}");
        let changed = edited("m: {a: x}\n", 0, &[set(&format!("m/{word}"), word)]).unwrap();
        assert_eq!(read(changed.as_bytes()).unwrap()[0].value["m"][word], word, "{changed}");
    }
}

#[test]
fn maps_that_are_missing_are_made() {
    check(
        "m:\n    a: x\nb: 1\n",
        &[set("m/k/o", "v")],
        "m:\n    a: x\n    k:\n        o: v\nb: 1\n",
    );
    check(
        "m:\n  k:\n  a: x\n",
        &[set("m/k/o", "v")],
        "m:\n  k:\n    o: v\n  a: x\n",
    );
    check(
        "m:\n  k: # c\n  a: x\n",
        &[set("m/k/o", "v")],
        "m:\n  k: # c\n    o: v\n  a: x\n",
    );
    check(
        "m:\n  k: {} # c\n  a: x\n",
        &[set("m/k/o", "v")],
        "m:\n  k: # c\n    o: v\n  a: x\n",
    );
    check(
        "m:\n  k: null",
        &[set("m/k/o", "v"), set("m/k/p", "w")],
        "m:\n  k:\n    o: v\n    p: w",
    );
    check("m:\n  k:\n    {}\n", &[set("m/k/o", "v")], "m:\n  k:\n    o: v\n");
    check("m: {k: {}, a: x}\n", &[set("m/k/o", "v")], "m: {k: {o: v}, a: x}\n");
    check("m: {a: x}\n", &[set("m/k/o", "v")], "m: {a: x, k: {o: v}}\n");
}

#[test]
fn json_stays_json_with_its_own_indentation() {
    check(
        "{\"m\":{\"a\":\"x\"}}",
        &[set("m/k", "v")],
        "{\"m\":{\"a\":\"x\",\"k\":\"v\"}}",
    );
    check(
        "{\"m\": {}}\n",
        &[set("m/k/o", "v")],
        "{\"m\": {\"k\": {\"o\": \"v\"}}}\n",
    );
    check(
        "{\n\t\"m\": {\n\t\t\"a\": \"x\"\n\t}\n}\n",
        &[set("m/k", "v"), set("m/o/p", "w")],
        "{\n\t\"m\": {\n\t\t\"a\": \"x\",\n\t\t\"k\": \"v\",\n\t\t\"o\": {\n\t\t\t\"p\": \"w\"\n\t\t}\n\t}\n}\n",
    );
    check(
        "{\n    \"m\": {},\n    \"b\": null\n}",
        &[set("m/k", "v"), set("b/c/d", "w")],
        "{\n    \"m\": {\n        \"k\": \"v\"\n    },\n    \"b\": {\n        \"c\": {\n            \"d\": \"w\"\n        \
         }\n    }\n}",
    );
    check(
        "{\n  \"a\": \"x\",\n  \"b\": \"y\"\n}\n",
        &[remove("b"), rename("a", "c")],
        "{\n  \"c\": \"x\"\n}\n",
    );
    check("{\"a\": 1, \"b\": 2}", &[remove("a")], "{\"b\": 2}");
    check(
        "{\"a\": \"\\u00e9\\\"}{\", \"b\": \"x\"}",
        &[set("b", "new")],
        "{\"a\": \"\\u00e9\\\"}{\", \"b\": \"new\"}",
    );
}

#[test]
fn an_entry_is_removed_with_its_lines_and_nothing_more() {
    check(
        "m:\n  # of a\n  a: x # c\n  b: y\n",
        &[remove("m/a")],
        "m:\n  # of a\n  b: y\n",
    );
    check(
        "m:\n  a: x\n  b: >-\n    y\n    z\nc: 1\n",
        &[remove("m/b")],
        "m:\n  a: x\nc: 1\n",
    );
    check("m:\n  a: x\n  b: y", &[remove("m/b")], "m:\n  a: x");
    check("m:\n  a: x # c\nb: 1\n", &[remove("m/a")], "m:\n  {} # c\nb: 1\n");
    check("m:\n  ? a\n  : x\n  b: y\n", &[remove("m/a")], "m:\n  b: y\n");
    check("m: {a: x, b: y, c: z}\n", &[remove("m/b")], "m: {a: x, c: z}\n");
    check("m: {a: x, b: y}\n", &[remove("m/b")], "m: {a: x}\n");
    check("m: {a: x}\n", &[remove("m/a")], "m: {}\n");
    check(
        "m: {\n  a: x,\n  b: y, # c\n}\n",
        &[remove("m/a"), remove("m/b")],
        "m: {\n   # c\n}\n",
    );
    check("{a: {b: x}, c: y}\n", &[remove("a/b")], "{a: {}, c: y}\n");
    // A comment above an entry is that entry's.
    check(
        "m: {\n  a: x, # of a\n  # of b\n  b: y\n}\n",
        &[remove("m/a")],
        "m: {\n  # of b\n  b: y\n}\n",
    );
    check(
        "m: {a: x,\n  # of b, too\n  b: y}\n",
        &[remove("m/a")],
        "m: {\n  # of b, too\n  b: y}\n",
    );
    check(
        "m: {\n  a: x, # of a\n  b: y # of b\n}\n",
        &[remove("m/b")],
        "m: {\n  a: x # of a\n   # of b\n}\n",
    );
}

#[test]
fn a_key_is_renamed_in_its_own_quotes() {
    check("m:\n  a: x # c\n", &[rename("m/a", "b.c")], "m:\n  b.c: x # c\n");
    check("m:\n  'a' : x\n", &[rename("m/a", "it's")], "m:\n  'it''s' : x\n");
    check("m: {\"a\": x}\n", &[rename("m/a", "y")], "m: {\"y\": x}\n");
    check("m: {a: x}\n", &[rename("m/a", "y")], "m: {\"y\": x}\n");
}

#[test]
fn other_documents_and_items_of_a_list_stay() {
    let source =
        "# head\n---\na: 1\n...\n---\n---\na: x # c\n--- # d\nkind: List\nitems:\n- a: p\n- a: q\n  b: 1\n# end";
    let expected = source.replace("a: x", "a: new");
    assert_eq!(edited(source, 1, &[set("a", "new")]).unwrap(), expected);
    let expected = source.replace("a: q\n  b: 1", "c: new\n  b: 1\n  d: more");
    let changes = [set("a", "new"), rename("a", "c"), set("d", "more")];
    assert_eq!(edited(source, 3, &changes).unwrap(), expected);
    let expected = source.replace("a: q\n  b: 1", "b: 1");
    assert_eq!(edited(source, 3, &[remove("a")]).unwrap(), expected);
    let mixed = "{\"a\": \"x\"} {\"a\": \"y\"}\n---\n{\"a\": \"z\"}\n---\na: w\n---\na: v\n";
    for (position, letter) in ["x", "y", "z", "w", "v"].into_iter().enumerate() {
        let one = edited(mixed, position, &[set("a", "new")]).unwrap();
        let quoted = format!("\"{letter}\"");
        let expected = if mixed.contains(&quoted) {
            mixed.replace(&quoted, "\"new\"")
        } else {
            mixed.replace(&format!(": {letter}"), ": new")
        };
        assert_eq!(one, expected);
    }
}

#[test]
fn every_document_is_edited_in_one_go() {
    let source = "a: x\n".to_owned() + &"---\na: x\nm: {b: c}\n".repeat(50);
    let documents = read(source.as_bytes()).unwrap();
    let edits: Vec<_> = documents
        .iter()
        .skip(1)
        .map(|document| Edit {
            document,
            changes: vec![set("a", "new"), set("m/d", "e"), rename("m/b", "f")],
        })
        .collect();
    let changed = edit(source.as_bytes(), &edits).unwrap();
    let expected = "a: x\n".to_owned() + &"---\na: new\nm: {f: c, d: e}\n".repeat(50);
    assert_eq!(String::from_utf8(changed).unwrap(), expected);
}

#[test]
fn an_alias_is_replaced_where_it_stands() {
    check("a: &x one\nb: *x\n", &[set("b", "two")], "a: &x one\nb: two\n");
    check("a: &x one\nb: *x\n", &[set("a", "p"), set("b", "q")], "a: &x p\nb: q\n");
    check(
        "m: &m {a: 1}\nk:\n  <<: *m\n  b: 2\n",
        &[set("k/a", "3")],
        "m: &m {a: 1}\nk:\n  <<: *m\n  b: 2\n  a: \"3\"\n",
    );
}

#[test]
fn what_is_used_elsewhere_is_refused() {
    let wrong = |source: &str, change: Change| edited(source, 0, &[change]).unwrap_err();
    let shared = "m: &m {a: x}\nk: *m\no:\n  <<: *m\n  b: y\n";
    for change in [set("k/a", "v"), remove("o/a"), rename("o/a", "c")] {
        assert!(matches!(wrong(shared, change), EditError::Shared { .. }));
    }
    let lines = "a: x\nm: &m\n  a: x\nk: *m\n";
    for change in [set("m/a", "v"), set("m/b", "v"), remove("m/a"), remove("m")] {
        let error = wrong(lines, change);
        assert!(matches!(error, EditError::Unfaithful { .. }), "{error}");
    }
    assert_eq!(
        wrong("a: &x one\nb: *x\n", set("a", "two")).to_string(),
        "document 1, line 1: the change would reach further than it should, as something here is used elsewhere (an \
         anchor & of YAML), or has a tag (!)"
    );
    assert!(matches!(
        wrong("a: !!int 1\n", set("a", "x")),
        EditError::Unfaithful { .. }
    ));
}

#[test]
fn what_is_not_there_or_no_text_is_named() {
    let source = "a: 1\n---\nm:\n  a: x\n  l: [1]\n  k:\n";
    let told = |change: Change| edited(source, 1, &[change]).unwrap_err().to_string();
    assert_eq!(told(remove("m/b")), "document 2, line 4: there is no m.b");
    assert_eq!(told(remove("m/k/o")), "document 2, line 6: there is no m.k.o");
    assert_eq!(told(rename("m/b", "c")), "document 2, line 4: there is no m.b");
    assert_eq!(told(rename("m/a", "l")), "document 2, line 4: there is \"l\" already");
    for change in [set("m/a/b", "x"), set("m/l/0", "x"), set("m/l", "x"), set("m", "x")] {
        assert!(told(change).contains("is not what can be changed here"));
    }
}

#[test]
fn a_key_that_yaml_reads_as_something_else_is_found_by_what_it_is_read_as() {
    check(
        "on:\n  b: x\n",
        &[set("true/b", "p"), set("true/c", "q")],
        "on:\n  b: p\n  c: q\n",
    );
    check("010: x\n", &[set("8", "p")], "010: p\n");
}

#[test]
fn without_changes_nothing_changes() {
    let source = "a:   x\r\n# c\n\t\r\n";
    assert_eq!(edited(source, 0, &[]).unwrap(), source);
    assert_eq!(edited(source, 0, &[set("a", "x")]).unwrap(), source);
}

#[test]
fn a_carriage_return_alone_is_no_line_break_to_change_by() {
    let told = |source: &str| edited(source, 0, &[remove("a")]).unwrap_err().to_string();
    assert_eq!(
        told("a: x\r# c\rb: y\r"),
        "line 1: a line ends in a carriage return alone"
    );
    assert_eq!(
        told("b: y\r\na: x\r\nc: z\rd: z\n"),
        "line 3: a line ends in a carriage return alone"
    );
}
