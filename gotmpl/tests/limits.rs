//! No template takes more than a moment, whatever it says.

use std::time::Duration;

use gotmpl::{Args, Context, Func, FuncError, Functions, Limit, Limits, Map, Random, Template, Type, Value};
use rustix::time::{ClockId, clock_gettime};

struct NoRandom;

impl Random for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> bool {
        false
    }
}

/// The measure: a template that allocates or loops without end stops within this time.
const WITHIN: Duration = Duration::from_millis(50);

fn list(context: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    context.allocate_items(args.len())?;
    Ok(Value::list(args.rest(0).to_vec()))
}

fn set(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let done = args.map(0)?.insert(args.str(1)?.clone(), args.any(2)?.clone());
    if done {
        Ok(args.any(0)?.clone())
    } else {
        Err(FuncError::Failed("nil map"))
    }
}

static FUNCTIONS: &[Func] = &[
    Func::new("list", &[Type::Any], list).variadic(),
    Func::new("dict", &[], |_, _| Ok(Value::Map(Map::new(&Type::Any)))),
    Func::new("set", &[Type::Map(&Type::Any), Type::String, Type::Any], set),
];

/// What this thread has had of the processor: the machine may be busy with something else meanwhile.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The limit that a template meets, and how long it took.
fn limit_of(text: &str) -> (Option<Limit>, Duration) {
    let functions = Functions::of_the_language().with(FUNCTIONS);
    let now = jiff::Zoned::default();
    let start = processor_time();
    let result = Template::parse("bomb", text, &functions).and_then(|template| {
        let mut random = NoRandom;
        let mut context = Context::new(&now, &mut random, Limits::default());
        template.render_strings([("a", &b"x"[..])], &mut context)
    });
    (result.err().and_then(|error| error.limit()), processor_time() - start)
}

fn stops(text: &str, wanted: &[Limit]) {
    let shown = text.get(..60).unwrap_or(text);
    let (limit, _) = limit_of(text);
    assert!(limit.is_some_and(|limit| wanted.contains(&limit)), "{shown}: {limit:?}");
    let shortest = (0..4).map(|_| limit_of(text).1).min().unwrap_or_default();
    assert!(shortest < WITHIN, "{shown}: {shortest:?}");
}

#[test]
fn a_template_without_end_stops_within_its_time() {
    let steps = &[Limit::Steps];
    for text in [
        "{{range 9223372036854775807}}{{end}}",
        "{{range 100000}}{{range 100000}}{{$x := .}}{{end}}{{end}}",
        "{{range 100000}}{{if eq . 1}}{{else if lt . 5}}{{else}}{{with $y := index $ \"a\"}}{{len $y}}{{end}}{{end}}{{end}}",
        "{{range 1000000}}{{and (or 0 0 .) (not .) 1 2 3}}{{break}}{{end}}{{range 1000000}}{{(((.)))}}{{end}}",
        "{{$d := dict}}{{range 1000000}}{{$_ := set $d (print .) .}}{{end}}",
        "{{$l := list}}{{range 1000000}}{{$l = list $l}}{{end}}",
        "{{$l := list}}{{range 64}}{{$l = list $l $l}}{{end}}{{print $l}}",
        "{{define \"f\"}}{{range 10}}{{template \"g\"}}{{end}}{{end}}{{define \"g\"}}{{range 10}}{{end}}{{end}}{{range 1000000}}{{template \"f\"}}{{end}}",
    ] {
        stops(text, &[steps[0], Limit::Output]);
    }
}

#[test]
fn a_template_that_takes_memory_stops_within_its_time() {
    for (text, limit) in [
        ("{{range 1000000}}0123456789{{end}}".to_owned(), Limit::Output),
        (
            "{{$s := \"x\"}}{{range 1000}}{{$s = print $s $s}}{{end}}".to_owned(),
            Limit::Allocation,
        ),
        (
            "{{range 1000}}{{$s := printf \"%1000000d\" 1}}{{end}}".to_owned(),
            Limit::Allocation,
        ),
        (
            "{{printf \"%1000000000d\" 1}}{{range 99}}{{$x := printf \"%.999999f %999999s\" 1.5 \"\"}}{{end}}"
                .to_owned(),
            Limit::Allocation,
        ),
        (
            "{{$s := printf \"%999999d\" 1}}{{range 1000}}{{$x := html $s}}{{$x := js $s}}{{end}}".to_owned(),
            Limit::Allocation,
        ),
        // Comparing takes no memory, but time.
        (
            "{{$s := printf \"%499999d\" 1}}{{$t := printf \"%499999d\" 1}}{{range 100000}}{{$x := eq $s $t}}{{end}}"
                .to_owned(),
            Limit::Steps,
        ),
        // Variables are looked for from the latest on.
        (
            format!(
                "{}{{{{range 100000}}}}{{{{$x := $.a}}}}{{{{end}}}}",
                (0..10_000).map(|n| format!("{{{{$v{n} := 1}}}}")).collect::<String>()
            ),
            Limit::Steps,
        ),
        (
            "{{$l := list 1 2 3}}{{range 22}}{{$l = list $l $l}}{{end}}{{$x := printf \"%v\" $l}}".to_owned(),
            Limit::Steps,
        ),
    ] {
        stops(&text, &[limit, Limit::Steps]);
    }
}

/// On the stack of a test's thread, which is that of the controller's threads as well: two MiB.
#[test]
fn a_template_that_nests_without_end_stops_before_the_stack_does() {
    for text in [
        "{{define \"r\"}}{{template \"r\" .}}{{end}}{{template \"r\"}}",
        "{{define \"r\"}}{{if true}}{{with 1}}{{range 1}}{{template \"r\" (((((1)))))}}{{end}}{{end}}{{end}}{{end}}{{template \"r\"}}",
        "{{define \"r\"}}{{print (print (print (print (list (len (list 1))))))}}{{template \"r\" .}}{{end}}{{template \"r\"}}",
        "{{$l := list}}{{range 1000}}{{$l = list $l}}{{end}}{{print $l}}",
        "{{$d := dict}}{{$_ := set $d \"self\" $d}}{{$d}}",
    ] {
        stops(text, &[Limit::Depth]);
    }
}

#[test]
fn parsing_is_linear() {
    let functions = Functions::of_the_language();
    let many: String = (0..5_000)
        .map(|n| format!("{{{{$v{n} := 1}}}}{{{{$v{n}}}}}{{{{$}}}}"))
        .collect();
    let spaces = format!("{{{{{}1}}}}", " ".repeat(500_000));
    let opened = "{{define \"t\"}} {{end}}".repeat(8_000);
    let spaced = " ".repeat(600_000);
    let redefined = format!(
        "{{{{define \"t\"}}}}{spaced}x{{{{end}}}}{}",
        "{{define \"t\"}}{{end}}".repeat(8_000)
    );
    for text in [many, spaces, opened, redefined] {
        let start = processor_time();
        assert!(Template::parse("k", &text, &functions).is_ok());
        let took = processor_time() - start;
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

/// What is in the text alone: none of it is a function's.
#[test]
fn long_names_and_many_words_are_paid_for() {
    let name = "a".repeat(400_000);
    let endless = |inner: &str| format!("{{{{range 1000000}}}}{inner}{{{{end}}}}");
    let itself = "{{$d := dict}}{{$_ := set $d \"self\" $d}}";
    for text in [
        format!(
            "{{{{define \"{name}\"}}}}{{{{end}}}}{}",
            endless(&format!("{{{{template \"{name}\"}}}}"))
        ),
        format!(
            "{{{{$d := dict}}}}{{{{$_ := set $d \"{name}\" 1}}}}{}",
            endless(&format!("{{{{$x := $d.{name}}}}}"))
        ),
        format!(
            "{itself}{}",
            endless(&format!("{{{{$x := $d{}}}}}", ".self".repeat(50_000)))
        ),
        endless(&format!("{{{{$x := eq 1{}}}}}", " 2".repeat(30_000))),
    ] {
        stops(&text, &[Limit::Steps]);
    }
}

#[test]
fn the_text_is_paid_for_before_it_is_parsed() {
    for text in [
        "{{1}}".repeat(200_000),
        format!("{{{{print{}}}}}", " 1".repeat(500_000)),
        format!("{{{{$x := {}}}}}", ".a".repeat(500_000)),
        format!("{{{{if 0}}}}{}{{{{end}}}}", "{{else if 0}}".repeat(100_000)),
        (0..50_000)
            .map(|n| format!("{{{{define \"t{n}\"}}}}a{{{{end}}}}"))
            .collect(),
    ] {
        stops(&text, &[Limit::Allocation]);
    }
    let functions = Functions::of_the_language();
    let now = jiff::Zoned::default();
    let mut random = NoRandom;
    let limits = Limits {
        steps: 100,
        ..Limits::default()
    };
    let mut context = Context::new(&now, &mut random, limits);
    let text = "{{1}}".repeat(50);
    let parsed = |context: &mut Context<'_>| Template::parse_within("k", &text, &functions, context).map(drop);
    assert_eq!(parsed(&mut context), Ok(()));
    // The second in the same context meets what the first has left.
    let second = parsed(&mut context).unwrap_err();
    assert_eq!(second.limit(), Some(Limit::Steps));
}
