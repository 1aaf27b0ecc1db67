//! Words that are no flags.

use super::*;

#[test]
fn what_may_be_a_value_is_never_repeated() {
    let told = |line: &str| match read(line, &Environment::default()) {
        Err(error) => (error.to_string(), Some(error.hint())),
        Ok(line) => {
            let error = super::super::decide(line, true).unwrap_err();
            (error.to_string(), error.hint())
        }
    };
    for line in [
        "set db.yaml password hunter2",
        "set db.yaml password -- hunter2",
        "set db.yaml password --value=hunter2",
        "set db.yaml password -phunter2",
        "set db.yaml password=hunter2",
        "set db.yaml hunter2!",
        "rename db.yaml password password=hunter2",
        "edit db.yaml password=hunter2",
        "--raw --name db hunter2",
        "hunter2",
        "-f db.yaml hunter2",
    ] {
        let (text, hint) = told(line);
        assert!(!text.contains("hunter2"), "{line}: {text}");
        assert!(!hint.is_some_and(|hint| hint.contains("hunter2")), "{line}");
    }
}

#[test]
fn a_stray_word_is_ignored_where_the_input_comes_from_stdin() {
    let legal = |terminal, line| decide_at(terminal, line).is_ok();
    assert!(legal(false, "stray") && legal(false, "-o yaml secret.yaml") && legal(false, "--raw true --name n"));
    assert!(legal(true, "-") && legal(true, "-o yaml -"), "that is what `-` says");
    // Of several files, only the first would be sealed; a terminal gives nothing by itself; and this is a slip of the pen.
    assert!(!legal(false, "-f a.yaml b.yaml") && !legal(true, "secret.yaml") && !legal(false, "seel x.yaml"));
}
