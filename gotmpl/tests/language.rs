//! The language beside Go's: every template of `oracle/language/cases.txt`, with what Go itself made of it.

use std::any::Any;

use gotmpl::{
    Args, Context, ExecMistake, Func, FuncError, Functions, Kind, Limits, List, Map, Mistake, Named, Object, Random,
    Template, Type, Value,
};

struct NoRandom;

impl Random for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> bool {
        false
    }
}

/// `struct{ Name string }` of the program that made the cases.
struct Thing;

static THING: Named = Named {
    name: "main.object",
    kind: Kind::Struct,
};

static METHODS: &[Func] = &[
    Func::new("Twice", &[Type::Named(&THING), Type::Int], |_, args| {
        Ok(Value::Int(2 * args.int(1)?))
    }),
    Func::new("Join", &[Type::Named(&THING), Type::String, Type::String], |_, args| {
        let words: Result<Vec<_>, _> = (2..args.len()).map(|place| args.bytes(place)).collect();
        Ok(Value::string(words?.join(args.bytes(1)?)))
    })
    .variadic(),
];

impl Object for Thing {
    fn go_type(&self) -> &'static Named {
        &THING
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn field(&self, name: &str) -> Option<Value> {
        (name == "Name").then(|| "n".into())
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        METHODS.iter().find(|method| method.name() == name)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Name", "n".into())]
    }

    fn equals(&self, _: &dyn Object) -> bool {
        true
    }
}

fn set(_: &mut Context<'_>, args: Args<'_>) -> Result<Value, FuncError> {
    let map = args.map(0)?;
    if !map.insert(args.str(1)?.clone(), args.any(2)?.clone()) {
        return Err(FuncError::Failed("assignment to entry in nil map"));
    }
    Ok(Value::Map(map.clone()))
}

static FUNCTIONS: &[Func] = &[
    Func::new("list", &[Type::Any], |_, args| Ok(Value::list(args.rest(0).to_vec()))).variadic(),
    Func::new("ints", &[Type::Int], |_, args| {
        Ok(Value::List(List::new(&Type::Int, args.rest(0).to_vec())))
    })
    .variadic(),
    Func::new("dict", &[Type::String, Type::Any], |_, args| {
        let entry = (args.str(0)?.clone(), args.any(1)?.clone());
        Ok(Value::Map(Map::from_iter([entry])))
    }),
    Func::new("set", &[Type::Map(&Type::Any), Type::String, Type::Any], set),
    Func::new("none", &[], |_, _| Ok(Value::Nil)),
    Func::new("object", &[], |_, _| Ok(Value::object(Thing))),
    Func::new("fails", &[Type::String], |_, _| Err(FuncError::Failed("no"))),
    Func::new("lower", &[Type::String], |_, args| {
        Ok(Value::string(args.bytes(0)?.to_ascii_lowercase()))
    }),
    Func::new("int64", &[Type::Int], |_, args| Ok(Value::Int64(args.int(0)?))),
    Func::new("float", &[Type::Float64], |_, args| {
        Ok(Value::Float64(args.float64(0)?))
    }),
    Func::new("uint32", &[Type::Uint32], |_, args| Ok(Value::Uint32(args.uint32(0)?))),
];

/// A Go string literal of the data file, as text.
fn unquoted(literal: &str) -> Result<Vec<u8>, gotmpl::Error> {
    let functions = Functions::of_the_language();
    let template = Template::parse("literal", &format!("{{{{{literal}}}}}"), &functions)?;
    render(&template, Value::Nil)
}

fn render(template: &Template, data: Value) -> Result<Vec<u8>, gotmpl::Error> {
    let now = jiff::Zoned::default();
    template.render(data, &mut Context::new(&now, &mut NoRandom, Limits::default()))
}

/// "ok", or the class and line of the mistake; and the output.
fn ours(text: &str) -> (&'static str, usize, Vec<u8>) {
    let functions = Functions::of_the_language().with(FUNCTIONS);
    let data = Map::of_strings([("a", "1"), ("b", "x <y>"), ("empty", ""), ("A", "upper")]);
    let template = Template::parse("key", text, &functions);
    match template.and_then(|template| render(&template, Value::Map(data))) {
        Ok(output) => ("ok", 0, output),
        Err(error) => {
            let class = if matches!(error.mistake, Mistake::Parse(_)) {
                "parse"
            } else {
                "exec"
            };
            (class, error.line, error.to_string().into_bytes())
        }
    }
}

#[test]
fn every_form_of_the_language_does_what_it_does_in_go() {
    let mut wrong = Vec::new();
    let lines = include_str!("language.tsv");
    for line in lines.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [text, class, place, words] = fields.as_slice() else {
            panic!("{line}");
        };
        let text = String::from_utf8(unquoted(text).unwrap()).unwrap();
        let (our_class, our_place, output) = ours(&text);
        let same = *class == our_class
            && if our_class == "ok" {
                output == unquoted(words).unwrap()
            } else {
                our_place.to_string() == *place
            };
        if !same {
            let output = String::from_utf8_lossy(&output).into_owned();
            wrong.push(format!(
                "{text:?}\n  Go:   {class} {place} {words}\n  ours: {our_class} {our_place} {output:?}"
            ));
        }
    }
    assert!(lines.lines().count() > 400);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_mistake_names_the_template_the_place_and_the_function() {
    let functions = Functions::of_the_language().with(FUNCTIONS);
    let template = Template::parse("app.properties", "a=b\nç={{ lower 1 }}", &functions).unwrap();
    let error = render(&template, Value::Nil).unwrap_err();
    assert_eq!((error.line, error.column, error.function()), (2, 12, Some("lower")));
    assert_eq!(
        error.to_string(),
        "template app.properties, line 2, column 12: argument of lower: expected a constant of type string"
    );
    let error = Template::parse("k", "{{ if .a }}\n{{ nope }}", &functions).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template k, line 2, column 4: function \"nope\" is not defined"
    );
    assert!(matches!(
        render(&Template::parse("k", "{{template \"x\"}}", &functions).unwrap(), Value::Nil).unwrap_err().mistake,
        Mistake::Exec(ExecMistake::UndefinedTemplate(name)) if name == "x"
    ));
}
