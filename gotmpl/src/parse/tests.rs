use crate::registry::Functions;

use super::*;

#[test]
fn what_nests_too_deep_is_refused_and_not_a_stack_overflow() {
    let functions = Functions::of_the_language();
    for (open, close) in [("(", ")"), ("}}{{if 1}}{{print ", "}}{{end}}{{print ")] {
        let text = |depth| format!("{{{{print {} 1 {} }}}}", open.repeat(depth), close.repeat(depth));
        assert!(
            parse(
                "k",
                &text(DEEPEST - 1).replace("{{print }}", ""),
                &functions,
                &mut Limits::default()
            )
            .is_ok(),
            "{open}"
        );
        let error = parse("k", &text(100_000), &functions, &mut Limits::default()).unwrap_err();
        assert_eq!(error.mistake, Mistake::Parse(ParseMistake::TooDeep), "{open}");
    }
    // What is around comes to its end as well.
    let text = "{{$a := 1}}{{if $a}}{{block `t` .}}{{nope}}{{end}}{{end}}";
    let error = parse("k", text, &functions, &mut Limits::default()).unwrap_err();
    assert_eq!(
        error.mistake,
        Mistake::Parse(ParseMistake::UnknownFunction("nope".to_owned()))
    );
    // A chain of else-ifs does not nest.
    let chain = format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}x".repeat(10_000));
    assert!(parse("k", &chain, &functions, &mut Limits::default()).is_ok());
}
