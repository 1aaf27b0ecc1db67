//! Builds a tree of tokens.

mod control;
mod literal;
mod pipeline;
mod scope;

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::context::{Limit, Limits};
use crate::error::{Error, Mistake, ParseMistake};
use crate::lex::{Keyword, Token, TokenKind, tokens};
use crate::parse::scope::Scope;
use crate::registry::Functions;
use crate::tree::{self, Body, Variable};

/// Nesting limit of blocks and parentheses.
const DEEPEST: usize = 150;

/// Most bytes for a token and its part of the tree (lists that grow exist twice while they move).
const TOKEN: usize = 384;

/// Tokens that are read and parsed in about the time that a step takes.
const TOKENS_A_STEP: u64 = 2;

/// Bytes of text that are read in about the time that a step takes.
const BYTES_A_STEP: u64 = 32;

/// The copies of each byte of a text: in the template, in its pieces, and in names.
const COPIES: usize = 4;

/// The templates that one text defines, by name; the variables by number; the functions called whose results differ.
#[derive(Debug, Clone, Default)]
pub(crate) struct Set {
    pub(crate) templates: HashMap<Vec<u8>, Body>,
    pub(crate) variables: Vec<String>,
    /// Its size in memory, in bytes.
    pub(crate) price: usize,
    pub(crate) nondeterministic: BTreeSet<&'static str>,
}

/// Parses a text into the templates that it defines; that of the text itself gets `name`.
pub(crate) fn parse(name: &str, text: &str, functions: &Functions, left: &mut Limits) -> Result<Set, Error> {
    let (tokens, lex_mistake) =
        paid_tokens(text, functions, left).map_err(|limit| error(name, text, 0, Mistake::Parse(limit.into())))?;
    let price = price(text, tokens.len());
    let mut parser = Parser {
        text,
        tokens,
        lex_mistake,
        next: 0,
        functions,
        numbers: HashMap::new(),
        scope: Scope::default(),
        loops: 0,
        depth: 0,
        written: HashSet::new(),
        set: Set {
            price,
            ..Set::default()
        },
    };
    parser.variable("$");
    parser.template(name).map_err(|mistake| {
        // The error is at the last token read.
        let at = parser
            .tokens
            .get(parser.next.saturating_sub(1))
            .map_or(0, |token| token.start);
        error(name, text, at, Mistake::Parse(mistake))
    })?;
    Ok(parser.set)
}

/// The memory of a text with this many tokens, while it is parsed and as a tree.
fn price(text: &str, tokens: usize) -> usize {
    let copies = text.len().saturating_mul(COPIES);
    copies.saturating_add(tokens.saturating_mul(TOKEN))
}

/// The tokens of a text. Charges the steps of parsing, and checks that the memory is left.
fn paid_tokens(
    text: &str,
    functions: &Functions,
    left: &mut Limits,
) -> Result<(Vec<Token>, Option<ParseMistake>), Limit> {
    left.take_steps(text.len() as u64 / BYTES_A_STEP)?;
    let for_tokens = left.allocation.checked_sub(price(text, 0)).ok_or(Limit::Allocation)?;
    let by_steps = usize::try_from(left.steps.saturating_mul(TOKENS_A_STEP)).unwrap_or(usize::MAX);
    let most = by_steps.min(for_tokens / TOKEN);
    let (tokens, mistake) = tokens(text, most, functions.has("break"), functions.has("continue"));
    if mistake == Some(Limit::Allocation.into()) && most == by_steps {
        return Err(Limit::Steps);
    }
    left.take_steps(tokens.len() as u64 / TOKENS_A_STEP)?;
    Ok((tokens, mistake))
}

/// An error at a byte offset.
pub(crate) fn error(template: &str, text: &str, at: usize, mistake: Mistake) -> Error {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    Error {
        template: template.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        mistake,
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    lex_mistake: Option<ParseMistake>,
    /// The next token.
    next: usize,
    functions: &'t Functions,
    /// The variables by name.
    numbers: HashMap<String, Variable>,
    /// The variables that can be used here.
    scope: Scope,
    /// Number of enclosing ranges.
    loops: usize,
    depth: usize,
    /// The names of the templates that are not empty.
    written: HashSet<Vec<u8>>,
    set: Set,
}

/// What ended a body.
#[derive(PartialEq)]
enum Ending {
    End,
    Else,
}

impl Parser<'_> {
    fn template(&mut self, name: &str) -> Result<(), ParseMistake> {
        let mut body = Body::new();
        loop {
            match self.peek().kind {
                TokenKind::End => break,
                TokenKind::LeftDelimiter if self.at_definition() => self.definition()?,
                _ => {
                    if self.text_or_action(&mut body)?.is_some() {
                        return Err(self.unexpected("template"));
                    }
                }
            }
        }
        self.add(name.as_bytes().to_vec(), body)
    }

    /// Keeps a template. Of two with one name, one must be empty, and the other is kept.
    fn add(&mut self, name: Vec<u8>, body: Body) -> Result<(), ParseMistake> {
        if tree::is_empty(&body) {
            if !self.written.contains(&name) {
                self.set.templates.insert(name, body);
            }
            return Ok(());
        }
        if !self.written.insert(name.clone()) {
            return Err(ParseMistake::DefinedTwice);
        }
        self.set.templates.insert(name, body);
        Ok(())
    }

    fn token(&self, place: usize) -> Token {
        let last = self.tokens.last();
        self.tokens.get(place).or(last).copied().unwrap_or(Token {
            kind: TokenKind::End,
            start: self.text.len(),
            end: self.text.len(),
        })
    }

    fn peek(&self) -> Token {
        self.token(self.next)
    }

    fn read(&mut self) -> Token {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn skip_spaces(&mut self) {
        while self.peek().kind == TokenKind::Space {
            self.next += 1;
        }
    }

    fn peek_word(&mut self) -> Token {
        self.skip_spaces();
        self.peek()
    }

    fn read_word(&mut self) -> Token {
        self.skip_spaces();
        self.read()
    }

    fn text_of(&self, token: Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// Whether the action that comes next is a `define`.
    fn at_definition(&self) -> bool {
        let after = self.tokens.get(self.next + 1..).unwrap_or_default();
        let word = after.iter().find(|token| token.kind != TokenKind::Space);
        word.is_some_and(|token| token.kind == TokenKind::Keyword(Keyword::Define))
    }

    /// Reads the right delimiter.
    fn right_delimiter(&mut self, context: &'static str) -> Result<(), ParseMistake> {
        match self.read_word().kind {
            TokenKind::RightDelimiter => Ok(()),
            _ => Err(self.unexpected(context)),
        }
    }

    /// The error that the last token is unexpected.
    fn unexpected(&self, context: &'static str) -> ParseMistake {
        let found = match self.token(self.next.saturating_sub(1)).kind {
            TokenKind::Mistake => {
                if let Some(mistake) = &self.lex_mistake {
                    return mistake.clone();
                }
                "character"
            }
            TokenKind::End => return ParseMistake::UnexpectedEnd,
            TokenKind::Text => "text",
            TokenKind::LeftDelimiter => "\"{{\"",
            TokenKind::RightDelimiter => "\"}}\"",
            TokenKind::Space => "space",
            TokenKind::Pipe => "\"|\"",
            TokenKind::Assign => "\"=\"",
            TokenKind::Declare => "\":=\"",
            TokenKind::Comma => "\",\"",
            TokenKind::Character => "character",
            TokenKind::LeftParen => "\"(\"",
            TokenKind::RightParen => "\")\"",
            TokenKind::Bool => "bool",
            TokenKind::CharConstant => "character constant",
            TokenKind::Number | TokenKind::Complex => "number",
            TokenKind::String(_) => "string",
            TokenKind::Dot => "\".\"",
            TokenKind::Field => "field",
            TokenKind::Variable => "variable",
            TokenKind::Identifier => "function",
            TokenKind::Keyword(Keyword::Else) => "{{else}}",
            TokenKind::Keyword(Keyword::End) => "{{end}}",
            TokenKind::Keyword(_) => "keyword",
        };
        ParseMistake::Unexpected { found, context }
    }

    /// Runs a part of the parser one level deeper.
    fn deeper<T>(&mut self, part: impl FnOnce(&mut Self) -> Result<T, ParseMistake>) -> Result<T, ParseMistake> {
        if self.depth == DEEPEST {
            return Err(ParseMistake::TooDeep);
        }
        self.depth += 1;
        let result = part(self);
        self.depth -= 1;
        result
    }

    /// The number of a variable; the same name has the same number everywhere.
    fn variable(&mut self, name: &str) -> Variable {
        if let Some(known) = self.numbers.get(name) {
            return *known;
        }
        let number = self.set.variables.len();
        self.set.variables.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

#[cfg(test)]
mod tests;
