//! Random templates: every form of the language around calls of every function, with arguments of the right type most
//! of the time.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::words::{FIELDS, Kind, TEXTS, Word, constants, kind, words};
use crate::oracle::Rendering;

/// A random template and values for it.
pub(super) fn rendering(random: &mut StdRng) -> Rendering {
    let mut data = BTreeMap::new();
    for name in ["a", "b", "user", "num", "empty", "raw"] {
        let value: Vec<u8> = match name {
            "num" => random.gen_range(-20..200).to_string().into_bytes(),
            "empty" => Vec::new(),
            "raw" => (0..random.gen_range(0..6)).map(|_| random.r#gen()).collect(),
            _ => choose(random, TEXTS)
                .replace("\\n", "\n")
                .replace('\\', "")
                .into_bytes(),
        };
        data.insert(name.to_owned(), value);
    }
    let mut writer = Writer {
        random,
        words: words(),
        out: String::new(),
        variables: Vec::new(),
        in_range: false,
    };
    let count = writer.random.gen_range(1..4);
    for _ in 0..count {
        writer.node(2);
    }
    Rendering {
        template: writer.out,
        data,
    }
}

fn choose(random: &mut StdRng, texts: &[&str]) -> String {
    texts.choose(random).copied().unwrap_or_default().to_owned()
}

struct Writer<'r> {
    random: &'r mut StdRng,
    words: Vec<Word>,
    out: String,
    variables: Vec<String>,
    in_range: bool,
}

impl Writer<'_> {
    fn chance(&mut self, percent: u32) -> bool {
        self.random.gen_range(0..100) < percent
    }

    fn action(&mut self, inner: &str) {
        let open = if self.chance(10) { "{{- " } else { "{{ " };
        let close = if self.chance(10) { " -}}" } else { " }}" };
        self.out.push_str(&format!("{open}{inner}{close}"));
    }

    fn node(&mut self, depth: u32) {
        match self.random.gen_range(0..if depth == 0 { 50 } else { 100 }) {
            0..8 => {
                let text = choose(self.random, &[" ", "x=", "\n", "- ", "text", "\t", "}", "{ "]);
                self.out.push_str(&text);
            }
            8..45 => {
                let pipeline = self.pipeline(3);
                self.action(&pipeline);
            }
            45..48 => self.out.push_str("{{/* note */}}"),
            48..50 if self.in_range => {
                let word = if self.chance(50) { "break" } else { "continue" };
                self.action(word);
            }
            48..60 => self.assignment(),
            60..72 => self.block("if", depth),
            72..80 => self.block("with", depth),
            80..94 => self.range(depth),
            94..97 => {
                let argument = self.value(Kind::Any, 1);
                self.action(&format!("template \"t{}\" {argument}", depth % 2));
                self.out.push_str("{{ define \"t1\" }}[{{ . }}]{{ end }}");
            }
            _ => {
                let argument = self.value(Kind::Any, 1);
                self.action(&format!("block \"b{depth}\" {argument}"));
                self.out.push_str("<{{ . }}>{{ end }}");
            }
        }
    }

    fn assignment(&mut self) {
        let pipeline = self.pipeline(2);
        let again = self.chance(30);
        match self.variables.choose(self.random).cloned().filter(|_| again) {
            Some(name) => self.action(&format!("{name} = {pipeline}")),
            None => {
                let name = format!("$v{}", self.variables.len());
                self.action(&format!("{name} := {pipeline}"));
                self.variables.push(name);
            }
        }
    }

    fn body(&mut self, depth: u32) {
        let known = self.variables.len();
        let count = self.random.gen_range(1..3);
        for _ in 0..count {
            self.node(depth - 1);
        }
        self.variables.truncate(known);
    }

    fn block(&mut self, word: &str, depth: u32) {
        let condition = self.pipeline(2);
        self.action(&format!("{word} {condition}"));
        self.body(depth);
        if self.chance(20) {
            let second = self.pipeline(1);
            self.action(&format!("else {word} {second}"));
            self.body(depth);
        }
        if self.chance(40) {
            self.action("else");
            self.body(depth);
        }
        self.action("end");
    }

    fn range(&mut self, depth: u32) {
        let over = if self.chance(70) {
            Kind::List
        } else {
            *[Kind::Dict, Kind::Int, Kind::Any]
                .choose(self.random)
                .unwrap_or(&Kind::Any)
        };
        let over = self.call_or_value(over, 2);
        let known = self.variables.len();
        let form = match self.random.gen_range(0..3) {
            0 => over,
            1 => {
                self.variables.push(format!("$r{depth}"));
                format!("$r{depth} := {over}")
            }
            _ => {
                self.variables.extend([format!("$i{depth}"), format!("$r{depth}")]);
                format!("$i{depth}, $r{depth} := {over}")
            }
        };
        self.action(&format!("range {form}"));
        let outer = std::mem::replace(&mut self.in_range, true);
        self.body(depth);
        self.in_range = outer;
        self.variables.truncate(known);
        if self.chance(20) {
            self.action("else");
            self.out.push_str("none");
        }
        self.action("end");
    }

    fn pipeline(&mut self, depth: u32) -> String {
        let mut pipeline = self.call_or_value(Kind::Any, depth);
        while self.chance(12) {
            pipeline = self.piped(&pipeline, depth);
        }
        pipeline
    }

    /// The value through a function that takes it last.
    fn piped(&mut self, value: &str, depth: u32) -> String {
        let place = self.random.gen_range(0..self.words.len());
        // A time must not come to printf, see `call`.
        let Some(word) = self.words.get(place).filter(|word| word.name != "printf") else {
            return value.to_owned();
        };
        let (name, params) = (word.name, word.params.trim_end_matches('*').to_owned());
        let mut call = format!("{value} | {name}");
        for letter in params.chars().take(params.len().saturating_sub(1)) {
            let argument = self.value(kind(letter), depth.saturating_sub(1));
            call.push_str(&format!(" {argument}"));
        }
        call
    }

    fn call_or_value(&mut self, wanted: Kind, depth: u32) -> String {
        if depth > 0 && self.chance(85) {
            self.call(wanted, depth)
        } else {
            self.value(wanted, 0)
        }
    }

    /// A call that gives about this kind.
    fn call(&mut self, wanted: Kind, depth: u32) -> String {
        let fitting: Vec<usize> = (0..self.words.len())
            .filter(|place| wanted == Kind::Any || self.words.get(*place).is_some_and(|word| word.gives == wanted))
            .collect();
        let Some(word) = fitting.choose(self.random).and_then(|place| self.words.get(*place)) else {
            return self.value(wanted, 0);
        };
        let (name, params) = (word.name, word.params);
        // Go prints the fields within a time under most verbs, and among them the address of its zone.
        let printf = name == "printf";
        let mut letters: Vec<char> = params.chars().filter(|letter| *letter != '*').collect();
        if params.ends_with('*') {
            let last = letters.last().copied().unwrap_or('a');
            let count = self.random.gen_range(0..4);
            letters.pop();
            letters.extend(std::iter::repeat_n(last, count));
        }
        // Now and then one argument too few or too many.
        match self.random.gen_range(0..200) {
            0 => drop(letters.pop()),
            1 => letters.push('a'),
            _ => {}
        }
        let mut call = name.to_owned();
        for letter in letters {
            let argument = if printf && letter == 'a' {
                self.printable()
            } else {
                self.value(kind(letter), depth - 1)
            };
            call.push_str(&format!(" {argument}"));
        }
        call
    }

    fn printable(&mut self) -> String {
        let kinds = [
            Kind::Text,
            Kind::Int,
            Kind::Float,
            Kind::Bool,
            Kind::List,
            Kind::Dict,
            Kind::Version,
        ];
        let kind = *kinds.choose(self.random).unwrap_or(&Kind::Text);
        self.constant(kind)
    }

    /// An argument: a constant, a field, a variable, or a call in parentheses.
    fn value(&mut self, wanted: Kind, depth: u32) -> String {
        let wanted = if self.chance(2) { self.any_kind() } else { wanted };
        if depth > 0 && self.chance(45) {
            let call = self.call(wanted, depth);
            return self.chained(format!("({call})"));
        }
        if self.chance(8)
            && let Some(name) = self.variables.choose(self.random).cloned()
        {
            return self.chained(name);
        }
        self.constant(wanted)
    }

    /// Now and then with a field behind it.
    fn chained(&mut self, value: String) -> String {
        if !self.chance(5) {
            return value;
        }
        let field = choose(self.random, &["a", "_0", "b", "Year", "Major", "host", "Unix", "Cert"]);
        format!("{value}.{field}")
    }

    fn any_kind(&mut self) -> Kind {
        let kinds = [
            Kind::Text,
            Kind::Int,
            Kind::Float,
            Kind::Bool,
            Kind::List,
            Kind::Dict,
            Kind::Time,
            Kind::Any,
            Kind::Special,
        ];
        *kinds.choose(self.random).unwrap_or(&Kind::Any)
    }

    fn constant(&mut self, wanted: Kind) -> String {
        let wanted = if wanted == Kind::Any { self.any_kind() } else { wanted };
        if wanted == Kind::Any {
            let kind = if self.chance(50) { Kind::Any } else { Kind::Int };
            return choose(self.random, constants(kind));
        }
        if wanted == Kind::Text && self.chance(40) {
            return choose(self.random, FIELDS);
        }
        let text = choose(self.random, constants(wanted));
        match wanted {
            Kind::Text | Kind::Pattern | Kind::Layout | Kind::Format | Kind::Special => format!("\"{text}\""),
            _ => text,
        }
    }
}
