//! No error says anything of a value.

use gotmpl::{Context, Func, FuncError, Functions, Limits, Map, Random, Template, Type, Value};

struct NoRandom;

impl Random for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> bool {
        false
    }
}

const CANARY: &str = "kanarienvogel";

/// What the cases of the language call besides the language: each fails, or hands on what it got.
static FUNCTIONS: &[Func] = &[
    Func::new("list", &[Type::Any], |_, args| Ok(Value::list(args.rest(0).to_vec()))).variadic(),
    Func::new("ints", &[Type::Int], |_, args| Ok(Value::list(args.rest(0).to_vec()))).variadic(),
    Func::new("dict", &[Type::String, Type::Any], |_, args| {
        Ok(Value::Map(Map::from_iter([(
            args.str(0)?.clone(),
            args.any(1)?.clone(),
        )])))
    }),
    Func::new("set", &[Type::Map(&Type::Any), Type::String, Type::Any], |_, args| {
        Ok(args.any(0)?.clone())
    }),
    Func::new("none", &[], |_, _| Ok(Value::Nil)),
    Func::new("object", &[], |_, _| Ok(CANARY.into())),
    Func::new("fails", &[Type::String], |_, _| Err(FuncError::Failed("no"))),
    Func::new("lower", &[Type::String], |_, args| Ok(args.any(0)?.clone())),
    Func::new("int64", &[Type::Int], |_, args| Ok(Value::Int64(args.int(0)?))),
    Func::new("float", &[Type::Float64], |_, args| Ok(args.any(0)?.clone())),
    Func::new("uint32", &[Type::Uint32], |_, args| Ok(args.any(0)?.clone())),
];

/// The errors of a template whose every value is the canary.
fn error_of(text: &str, name: &str) -> Option<String> {
    let functions = Functions::of_the_language().with(FUNCTIONS);
    let now = jiff::Zoned::default();
    let mut random = NoRandom;
    let mut context = Context::new(&now, &mut random, Limits::default());
    let data: Vec<_> = ["a", "b", "A", "empty", "missing"]
        .map(|key| (key, CANARY.as_bytes()))
        .to_vec();
    let result = Template::parse(name, text, &functions);
    let error = result
        .and_then(|template| template.render_strings(data, &mut context))
        .err()?;
    assert_eq!(error.template, name);
    Some(format!("{error} {error:?} {error:#?}"))
}

#[test]
fn no_error_of_the_language_holds_a_value() {
    let mut errors = 0;
    for line in include_str!("language.tsv").lines() {
        // The literal of the template itself, read as a template text with a constant in it.
        let text = line.split('\t').next().unwrap().trim_matches('"');
        let text = text.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
        // Every constant becomes the canary too.
        for text in [
            text.clone(),
            text.replace("\"a\"", &format!("\"{CANARY}\"")),
            text.replace("\"x\"", &format!("\"{CANARY}\"")),
        ] {
            if text.contains(&format!("template \"{CANARY}")) {
                // The name of a template is no value.
                continue;
            }
            if let Some(error) = error_of(&text, "key") {
                assert!(!error.contains(CANARY), "{text}: {error}");
                errors += 1;
            }
        }
    }
    assert!(errors > 500, "{errors}");
}

#[test]
fn no_error_of_a_function_holds_an_argument() {
    let names = Functions::of_the_language().names();
    let mut errors = 0;
    let words = [
        "$.a",
        "$",
        "(list $.a)",
        "(dict $.a $.a)",
        "(len $.a)",
        "nil",
        "\"%d %s\"",
        "true",
        "1.5",
    ];
    for name in names {
        for first in words {
            for second in words {
                for call in [
                    name.to_owned(),
                    format!("{name} {first}"),
                    format!("{name} {first} {second}"),
                    format!("{first} | {name} {second} {second}"),
                    format!("({name} {first} {second}).{second}x"),
                ] {
                    // A value as the key of a map that a field does not find, and as an index that is too large.
                    if let Some(error) = error_of(&format!("{{{{{call}}}}}"), "key") {
                        assert!(!error.contains(CANARY), "{call}: {error}");
                        // `len $.a` is a value as well.
                        assert!(
                            !error.contains(&CANARY.len().to_string()) || error.contains("column"),
                            "{call}: {error}"
                        );
                        errors += 1;
                    }
                }
            }
        }
    }
    assert!(errors > 1000, "{errors}");
}
