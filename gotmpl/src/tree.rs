//! The parsed form of a template.
//!
//! Positions are bytes of the text.

use crate::function::Func;
use crate::value::Str;

/// The nodes of a body, in their order.
pub(crate) type Body = Vec<Node>;

/// A piece of output, or an action.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    Text(Str),
    Action(Pipe),
    If(Branches),
    With(Branches),
    Range(Loop),
    Template(Invocation),
    Break,
    Continue,
}

/// `if` or `with`, with every `else if` or `else with`, and the last `else`.
#[derive(Debug, Clone)]
pub(crate) struct Branches {
    pub(crate) arms: Vec<(Pipe, Body)>,
    pub(crate) otherwise: Option<Body>,
}

/// `range`.
#[derive(Debug, Clone)]
pub(crate) struct Loop {
    pub(crate) pipe: Pipe,
    pub(crate) body: Body,
    pub(crate) otherwise: Option<Body>,
}

/// `template` (also what a `block` leaves in its place).
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) at: usize,
    pub(crate) name: Vec<u8>,
    pub(crate) pipe: Option<Pipe>,
}

/// Commands, each of which passes its value to the next, and the variables that get the last value.
#[derive(Debug, Clone)]
pub(crate) struct Pipe {
    pub(crate) at: usize,
    /// The variables exist already.
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<Variable>,
    pub(crate) commands: Vec<Command>,
}

/// A variable, by its number within the template set.
pub(crate) type Variable = usize;

/// A word with its arguments; never empty.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) at: usize,
    pub(crate) first: Operand,
    pub(crate) rest: Vec<Operand>,
}

/// A word of a command.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    pub(crate) at: usize,
    pub(crate) term: Term,
}

/// What a word is.
#[derive(Debug, Clone)]
pub(crate) enum Term {
    Bool(bool),
    Nil,
    Number(Number),
    String(Str),
    Dot,
    /// `.a.b`
    Field(Vec<Str>),
    /// `$x.a.b`
    Variable(Variable, Vec<Str>),
    Function(Callee),
    /// `(…)`
    Pipe(Box<Pipe>),
    /// `(…).a.b` or `f.a.b`
    Chain(Box<Operand>, Vec<Str>),
}

/// A function, as the parser found it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Callee {
    /// `and` of the language: it does not evaluate more than it needs.
    And,
    /// `or` of the language, likewise.
    Or,
    Func(Func),
}

/// A numeric constant, with every type that it can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
    /// Written as a float: where nothing says the type, it is one.
    pub(crate) is_float: bool,
}

/// Whether a body produces only spaces for all values: another definition may replace it.
pub(crate) fn is_empty(body: &Body) -> bool {
    body.iter().all(|node| match node {
        Node::Text(text) => std::str::from_utf8(text).is_ok_and(|text| text.trim().is_empty()),
        _ => false,
    })
}
