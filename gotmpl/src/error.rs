//! Errors of templates.
//!
//! Values never appear: only names in the template (of functions, variables, fields, templates), types, and fixed text
//! of this crate.

use std::fmt;

use thiserror::Error;

use crate::context::Limit;
use crate::function::FuncError;
use crate::types::Type;

/// A template cannot be parsed, or its execution failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The name given to [`Template::parse`](crate::Template::parse).
    pub template: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The error itself.
    pub mistake: Mistake,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mistake {
    /// The text does not parse.
    #[error(transparent)]
    Parse(#[from] ParseMistake),
    /// It parses, but fails with these values.
    #[error(transparent)]
    Exec(#[from] ExecMistake),
}

impl Error {
    /// The function whose call failed, or whose arguments were wrong.
    pub fn function(&self) -> Option<&str> {
        match &self.mistake {
            Mistake::Exec(
                ExecMistake::Call { function, .. }
                | ExecMistake::ArgumentCount { function, .. }
                | ExecMistake::Argument { function, .. },
            ) => Some(function),
            _ => None,
        }
    }

    /// The limit that parsing or rendering exceeded, for an error of that kind.
    pub fn limit(&self) -> Option<Limit> {
        match &self.mistake {
            Mistake::Parse(ParseMistake::Limit(limit)) | Mistake::Exec(ExecMistake::Limit(limit)) => Some(*limit),
            Mistake::Exec(ExecMistake::Call {
                error: FuncError::Limit(limit),
                ..
            }) => Some(*limit),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Error {
            template,
            line,
            column,
            mistake,
        } = self;
        write!(f, "template {template}, line {line}, column {column}: {mistake}")
    }
}

/// The message contains everything, so there is no source.
impl std::error::Error for Error {}

/// Why a text does not parse.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseMistake {
    /// `{{` without `}}`.
    #[error("an action has no end: \"}}}}\" is missing")]
    UnclosedAction,
    /// `/*` without `*/`.
    #[error("a comment has no end: \"*/\" is missing")]
    UnclosedComment,
    /// Something between `*/` and `}}`.
    #[error("a comment must end with \"*/}}}}\"")]
    CommentEndsEarly,
    /// `(` without `)`.
    #[error("a parenthesis is not closed")]
    UnclosedParen,
    /// `)` without `(`.
    #[error("a parenthesis is closed that was not opened")]
    UnexpectedParen,
    /// `"` without the second.
    #[error("a string has no end")]
    UnterminatedString,
    /// A backquote without the second.
    #[error("a raw string has no end")]
    UnterminatedRawString,
    /// `'` without the second.
    #[error("a character constant has no end")]
    UnterminatedChar,
    /// `:` that is not `:=`.
    #[error("\":\" must be followed by \"=\"")]
    LoneColon,
    /// A character that cannot stand in an action.
    #[error("a character that means nothing in an action")]
    UnknownCharacter,
    /// An unexpected character after a name.
    #[error("a character that cannot stand in or after a name")]
    BadCharacter,
    /// It begins as a number, but is not one.
    #[error("a number is not well formed")]
    BadNumber,
    /// A whole number of more than 64 bits.
    #[error("a number is too large")]
    NumberOverflow,
    /// An escape that does not exist, or a character constant of other than one character.
    #[error("a string or character constant is not well formed")]
    BadLiteral,
    /// An unexpected token.
    #[error("unexpected {found} in {context}")]
    Unexpected {
        /// What kind of token it is.
        found: &'static str,
        /// What was being read.
        context: &'static str,
    },
    /// `if`, `range`, `with`, `define` or `block` without `{{end}}`.
    #[error("the template ends before {{{{end}}}}")]
    UnexpectedEnd,
    /// A missing value.
    #[error("a value is missing in {context}")]
    MissingValue {
        /// What was being read.
        context: &'static str,
    },
    /// A pipeline that has nothing before or after `|`.
    #[error("a command is empty")]
    EmptyCommand,
    /// A constant after `|`, which cannot take an argument.
    #[error("a constant cannot take the value that comes through \"|\"")]
    NotExecutable,
    /// A field of a constant.
    #[error("a constant has no fields")]
    FieldOfConstant,
    /// `$a, $b :=` other than in range, or a third.
    #[error("too many variables are declared at once")]
    TooManyDeclarations,
    /// `range $a, 1`.
    #[error("range can only initialize variables")]
    RangeVariables,
    /// `{{break}}` or `{{continue}}` outside of a loop.
    #[error("break and continue belong into range")]
    OutsideRange,
    /// The function is not defined.
    #[error("function {0:?} is not defined")]
    UnknownFunction(String),
    /// The variable is not defined.
    #[error("variable {0:?} is not defined")]
    UndefinedVariable(String),
    /// Two templates that are not empty have one name.
    #[error("a template is defined twice")]
    DefinedTwice,
    /// Blocks or parentheses nest deeper than any template needs.
    #[error("the template nests too deep")]
    TooDeep,
    /// Reading it would exceed a limit.
    #[error(transparent)]
    Limit(#[from] Limit),
}

/// Why an execution failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExecMistake {
    /// A function returned an error.
    #[error("calling {function}: {error}")]
    Call {
        /// Its name.
        function: String,
        /// What it said.
        error: FuncError,
    },
    /// Too few or too many arguments.
    #[error("wrong number of arguments for {function}: it takes {wanted}{}, and has {got}", if *.at_least { " or more" } else { "" })]
    ArgumentCount {
        /// The function's name.
        function: String,
        /// How many it takes.
        wanted: usize,
        /// It takes more as well.
        at_least: bool,
        /// How many there are.
        got: usize,
    },
    /// An argument of another type than that of the parameter.
    #[error("argument of {function}: {error}")]
    Argument {
        /// The function's name.
        function: String,
        /// What is wrong with the argument.
        error: TypeMistake,
    },
    /// A value that is not a function has arguments.
    #[error("only functions take arguments")]
    NotAFunction,
    /// A field (or method) that the value does not have.
    #[error("no field or method {field} in a value of type {typ}")]
    NoField {
        /// The name after the point.
        field: String,
        /// Of what.
        typ: Type,
    },
    /// A field of nil.
    #[error("field {field} of nil")]
    FieldOfNil {
        /// The name after the point.
        field: String,
    },
    /// A field has arguments.
    #[error("field {field} is no method, but has arguments")]
    FieldWithArguments {
        /// The name after the point.
        field: String,
    },
    /// `{{nil}}`.
    #[error("nil is no command")]
    NilCommand,
    /// A whole number that needs the 64th bit.
    #[error("a number is too large for an int")]
    NumberOverflow,
    /// A variable whose declaration was not executed.
    #[error("variable {0:?} is not defined")]
    UndefinedVariable(String),
    /// `{{template}}` with an undefined name.
    #[error("template {0:?} is not defined")]
    UndefinedTemplate(String),
    /// A range over what has no elements.
    #[error("range cannot go over a value of type {0}")]
    NotIterable(Type),
    /// Two variables for a range over a number.
    #[error("range over a number sets one variable only")]
    TwoVariables,
    /// The rendering exceeded a limit.
    #[error(transparent)]
    Limit(#[from] Limit),
}

/// Why a value is not accepted as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TypeMistake {
    /// Its type differs.
    #[error("wrong type: expected {wanted}, got {got}")]
    WrongType {
        /// Of the parameter.
        wanted: Type,
        /// Of the value.
        got: Type,
    },
    /// No value, or nil, for a type without nil.
    #[error("no value: expected {wanted}")]
    NoValue {
        /// Of the parameter.
        wanted: Type,
    },
    /// A constant of another kind.
    #[error("expected a constant of type {wanted}")]
    WrongConstant {
        /// Of the parameter.
        wanted: Type,
    },
}
