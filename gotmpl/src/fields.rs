//! The fields of its data that a template expects to exist.

use std::collections::BTreeSet;

use crate::parse::Set;
use crate::tree::{Body, Branches, Callee, Command, Node, Operand, Pipe, Term};
use crate::value::Str;

/// Functions that handle missing values.
const TOLERANT: [&str; 10] = [
    "all", "any", "coalesce", "default", "dig", "empty", "get", "hasKey", "not", "ternary",
];

/// The number of `$`, the first variable of every set.
const ROOT: usize = 0;

/// The fields that the template `name` uses and never tests.
pub(crate) fn taken_for_there(set: &Set, name: &[u8]) -> BTreeSet<Str> {
    let mut fields = Fields::default();
    if let Some(body) = set.templates.get(name) {
        fields.body(body, true);
    }
    &fields.named - &fields.asked
}

#[derive(Default)]
struct Fields {
    named: BTreeSet<Str>,
    /// Those in a condition, or passed to a tolerant function.
    asked: BTreeSet<Str>,
}

/// The context of a word.
#[derive(Clone, Copy)]
struct Here {
    /// The dot is the data.
    dot: bool,
    /// The word tests whether a value exists.
    asks: bool,
}

impl Fields {
    fn body(&mut self, body: &Body, dot: bool) {
        let plain = Here { dot, asks: false };
        let asking = Here { dot, asks: true };
        for node in body {
            match node {
                Node::Text(_) | Node::Break | Node::Continue => {}
                Node::Action(pipe) => self.pipe(pipe, plain),
                Node::Template(invocation) => invocation.pipe.iter().for_each(|pipe| self.pipe(pipe, plain)),
                Node::If(branches) => self.branches(branches, dot, dot),
                Node::With(branches) => self.branches(branches, dot, false),
                Node::Range(range) => {
                    self.pipe(&range.pipe, asking);
                    self.body(&range.body, false);
                    range.otherwise.iter().for_each(|body| self.body(body, dot));
                }
            }
        }
    }

    /// `dot_inside`: whether the dot is the data in the arms too.
    fn branches(&mut self, branches: &Branches, dot: bool, dot_inside: bool) {
        for (condition, body) in &branches.arms {
            self.pipe(condition, Here { dot, asks: true });
            self.body(body, dot_inside);
        }
        branches.otherwise.iter().for_each(|body| self.body(body, dot));
    }

    fn pipe(&mut self, pipe: &Pipe, here: Here) {
        let asks = here.asks || pipe.commands.iter().any(is_tolerant);
        for command in &pipe.commands {
            self.command(command, Here { asks, ..here });
        }
    }

    fn command(&mut self, command: &Command, here: Here) {
        self.operand(&command.first, here);
        command.rest.iter().for_each(|operand| self.operand(operand, here));
        let calls_index = matches!(&command.first.term, Term::Function(Callee::Func(func)) if func.name == "index");
        if let [of, key, ..] = command.rest.as_slice()
            && calls_index
            && is_data(&of.term, here)
            && let Term::String(key) = &key.term
        {
            self.field(key, here);
        }
    }

    fn operand(&mut self, operand: &Operand, here: Here) {
        match &operand.term {
            Term::Field(names) if here.dot => names.iter().take(1).for_each(|name| self.field(name, here)),
            Term::Variable(ROOT, names) => names.iter().take(1).for_each(|name| self.field(name, here)),
            Term::Pipe(pipe) => self.pipe(pipe, here),
            Term::Chain(operand, _) => self.operand(operand, here),
            _ => {}
        }
    }

    fn field(&mut self, name: &Str, here: Here) {
        let fields = if here.asks { &mut self.asked } else { &mut self.named };
        fields.insert(name.clone());
    }
}

fn is_tolerant(command: &Command) -> bool {
    match &command.first.term {
        Term::Function(Callee::Func(func)) => TOLERANT.contains(&func.name),
        Term::Function(Callee::And | Callee::Or) => true,
        _ => false,
    }
}

fn is_data(term: &Term, here: Here) -> bool {
    match term {
        Term::Dot => here.dot,
        Term::Variable(ROOT, names) => names.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Functions, Template};

    #[test]
    fn what_is_named_and_not_asked_for_is_taken_for_there() {
        let functions = Functions::with_sprig();
        for (text, expected) in [
            ("{{ .user }}:{{ $.password | b64enc }}", "password user"),
            (
                "{{ index . \"db.user\" }}{{ index $ `x` }}{{ index .list 0 }}",
                "db.user list x",
            ),
            (
                "{{ printf \"%s\" (upper .a) }}{{ (.b).c }}{{ $d := .d }}{{ $d }}",
                "a b d",
            ),
            ("{{ if .a }}{{ .a }}{{ .b }}{{ else }}{{ .c }}{{ end }}", "b c"),
            (
                "{{ default .a .b }}{{ .c | default `x` }}{{ or .d .e }}{{ coalesce .f (upper .g) }}",
                "",
            ),
            (
                "{{ with .a }}{{ .b }}{{ $.c }}{{ end }}{{ range .d }}{{ .e }}{{ end }}",
                "c",
            ),
            ("{{ define `x` }}{{ .a }}{{ end }}{{ template `x` .b }}", "b"),
            ("{{ hasKey . `a` }}{{ get . `b` }}{{ len . }}text", ""),
        ] {
            let template = Template::parse("t", text, &functions).unwrap();
            assert_eq!(template.fields_taken_for_there().join(" "), expected, "{text}");
        }
    }
}
