use crate::functions::Functions;

use super::*;

#[test]
fn what_nests_too_deep_is_refused_and_not_a_stack_overflow() {
    let functions = Functions::of_the_language();
    for (open, close) in [("(", ")"), ("}}{{if 1}}{{print ", "}}{{end}}{{print ")] {
        let text = |depth| format!("{{{{print {} 1 {} }}}}", open.repeat(depth), close.repeat(depth));
        assert!(
            parse("k", &text(DEEPEST - 1).replace("{{print }}", ""), &functions).is_ok(),
            "{open}"
        );
        let error = parse("k", &text(100_000), &functions).unwrap_err();
        assert_eq!(error.mistake, Mistake::Parse(ParseMistake::TooDeep), "{open}");
    }
    // A chain of else-ifs does not nest.
    let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}x".repeat(10_000));
    assert!(parse("k", &chain, &functions).is_ok());
}
