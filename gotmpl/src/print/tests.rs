use crate::context::{Limits, Random};
use crate::types::Type;
use crate::value::{List, Map};

use super::*;

struct NoRandom;

impl Random for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> bool {
        false
    }
}

fn with_context<T>(limits: Limits, test: impl FnOnce(&mut Context<'_>) -> T) -> T {
    let now = jiff::Zoned::default();
    test(&mut Context::new(&now, &mut NoRandom, limits))
}

fn value(name: &str) -> Value {
    match name {
        "nil" => Value::Nil,
        "true" => Value::Bool(true),
        "zero" => Value::Int(0),
        "seven" => Value::Int(7),
        "minus" => Value::Int(-42),
        "big" => Value::Int(i64::MAX),
        "least" => Value::Int64(i64::MIN),
        "rune" => Value::Int(0x4e16),
        "surrogate" => Value::Int(0xd800),
        "byte" => Value::Uint8(200),
        "uint" => Value::Uint64(u64::MAX),
        "fneg0" => Value::Float64(-0.0),
        "half" => Value::Float64(0.5),
        "pi" => Value::Float64(std::f64::consts::PI),
        "tiny" => Value::Float64(1e-7),
        "denormal" => Value::Float64(5e-324),
        "huge" => Value::Float64(f64::MAX),
        "inf" => Value::Float64(f64::INFINITY),
        "neginf" => Value::Float64(f64::NEG_INFINITY),
        "nan" => Value::Float64(f64::NAN),
        "complex" => Value::Complex128(1.0, -2.5),
        "empty" => "".into(),
        "abc" => "abc".into(),
        "accent" => "héllo wörld".into(),
        "quotes" => "a\"b`c\n".into(),
        "bytes" => Value::string(&b"\xff\x00\xc3\xa9"[..]),
        "ints" => Value::List(List::new(&Type::Int, vec![Value::Int(1), Value::Int(-2)])),
        "list" => Value::list(vec![Value::Int(1), "a".into(), Value::Nil, Value::Float64(2.5)]),
        "strings" => Value::strings(["a b", "c"]),
        "nillist" => Value::zero(Type::List(&Type::Any)),
        "map" => Value::Map(Map::from_iter([
            ("b", Value::Int(1)),
            ("a", Value::Nil),
            ("c", Value::list(vec!["x".into()])),
        ])),
        "smap" => {
            let map = Map::new(&Type::String);
            assert!(map.insert("k", "v".into()));
            Value::Map(map)
        }
        "nilmap" => Value::zero(Type::Map(&Type::Any)),
        number => Value::Float64(number.strip_prefix('f').unwrap().parse().unwrap()),
    }
}

/// Made by `oracle/printf` with Go itself: every verb under every flag for every kind of value.
#[test]
fn printf_prints_what_go_prints() {
    let limits = Limits {
        allocation: 1 << 30,
        steps: 1 << 30,
        ..Limits::default()
    };
    let mut wrong = Vec::new();
    let lines = include_str!("../../tests/printf.tsv");
    for line in lines.lines() {
        let fields: Vec<_> = line.split('\t').collect();
        let [format, names, wanted] = fields.as_slice() else {
            panic!("{line}");
        };
        let operands: Vec<_> = names.split(',').filter(|name| !name.is_empty()).map(value).collect();
        let got = with_context(limits, |context| sprintf(context, format.as_bytes(), &operands)).unwrap();
        // The vectors hold literals, and a million spaces are rather long in a file: compare literals.
        let got = String::from_utf8(quote(&got)).unwrap();
        if got != *wanted {
            wrong.push(format!("{format:?} of {names}: {got} and not {wanted}"));
        }
    }
    assert!(lines.lines().count() > 8_000);
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

#[test]
fn print_puts_spaces_between_operands_that_are_no_strings() {
    let operands = [
        Value::Int(1),
        Value::Int(2),
        "a".into(),
        Value::Int(3),
        Value::Nil,
        "b".into(),
        "c".into(),
    ];
    let printed = with_context(Limits::default(), |context| sprint(context, &operands)).unwrap();
    assert_eq!(printed, b"1 2a3 <nil>bc");
    let printed = with_context(Limits::default(), |context| sprintln(context, &operands)).unwrap();
    assert_eq!(printed, b"1 2 a 3 <nil> b c\n");
}

#[test]
fn what_printing_uses_up_is_limited() {
    let bomb = |format: &str, operands: &[Value]| {
        with_context(Limits::default(), |context| {
            sprintf(context, format.as_bytes(), operands)
        })
    };
    let forty = "%900000d".repeat(40);
    assert_eq!(bomb(&forty, &vec![Value::Int(1); 40]), Err(Limit::Allocation));
    let forty = "%.900000f".repeat(40);
    assert_eq!(bomb(&forty, &vec![Value::Float64(1.0); 40]), Err(Limit::Allocation));

    // 2^40 leaves in 40 lists.
    let mut value = Value::Int(1);
    for _ in 0..40 {
        value = Value::list(vec![value.clone(), value]);
    }
    assert_eq!(bomb("%v", &[value]), Err(Limit::Steps));

    let map = Map::new(&Type::Any);
    assert!(map.insert("self", Value::Map(map.clone())));
    assert_eq!(bomb("%v", &[Value::Map(map.clone())]), Err(Limit::Depth));
    map.clear();
}
