//! Pipelines, commands and their words.

use crate::error::ParseMistake;
use crate::lex::TokenKind;
use crate::parse::{Parser, literal};
use crate::tree::{Callee, Command, Operand, Pipe, Term, Variable};
use crate::value::Str;

impl Parser<'_> {
    /// Declarations and commands, up to `end`, which is read too.
    pub(super) fn pipeline(&mut self, context: &'static str, end: TokenKind) -> Result<Pipe, ParseMistake> {
        let at = self.peek_word().start;
        let (variables, assigns) = self.declarations(context)?;
        let mut commands = Vec::new();
        loop {
            let kind = self.peek_word().kind;
            if kind == end {
                self.next += 1;
                break;
            }
            if !starts_operand(kind) {
                self.next += 1;
                return Err(self.unexpected(context));
            }
            commands.push(self.command()?);
        }
        if commands.is_empty() {
            return Err(ParseMistake::MissingValue { context });
        }
        let constant = |command: &Command| {
            matches!(
                command.first.term,
                Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String(_)
            )
        };
        if commands.iter().skip(1).any(constant) {
            return Err(ParseMistake::NotExecutable);
        }
        Ok(Pipe {
            at,
            assigns,
            variables,
            commands,
        })
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, context: &'static str) -> Result<(Vec<Variable>, bool), ParseMistake> {
        let mut variables = Vec::new();
        let mut assigns = false;
        while self.peek_word().kind == TokenKind::Variable {
            let start = self.next;
            let token = self.read();
            match self.peek_word().kind {
                kind @ (TokenKind::Assign | TokenKind::Declare) => {
                    self.next += 1;
                    assigns = kind == TokenKind::Assign;
                    variables.push(self.declare(token)?);
                    break;
                }
                TokenKind::Comma => {
                    self.next += 1;
                    variables.push(self.declare(token)?);
                    if context != "range" || variables.len() > 1 {
                        return Err(ParseMistake::TooManyDeclarations);
                    }
                    match self.peek_word().kind {
                        TokenKind::Variable | TokenKind::RightDelimiter | TokenKind::RightParen => {}
                        _ => return Err(ParseMistake::RangeVariables),
                    }
                }
                _ => {
                    // It is the first word of a command.
                    self.next = start;
                    break;
                }
            }
        }
        Ok((variables, assigns))
    }

    fn declare(&mut self, token: crate::lex::Token) -> Result<Variable, ParseMistake> {
        let name = self.text_of(token).to_owned();
        let variable = self.variable(&name);
        self.scope.declare(variable);
        Ok(variable)
    }

    /// Words up to `|`, which is read, or to the end of the pipeline, which is not.
    fn command(&mut self) -> Result<Command, ParseMistake> {
        let at = self.peek_word().start;
        let mut first = None;
        let mut rest = Vec::new();
        loop {
            self.skip_spaces();
            if let Some(operand) = self.operand()? {
                match first {
                    None => first = Some(operand),
                    Some(_) => rest.push(operand),
                }
            }
            match self.read().kind {
                TokenKind::Space => {}
                TokenKind::RightDelimiter | TokenKind::RightParen => {
                    self.next -= 1;
                    break;
                }
                TokenKind::Pipe => break,
                _ => return Err(self.unexpected("operand")),
            }
        }
        let first = first.ok_or(ParseMistake::EmptyCommand)?;
        Ok(Command { at, first, rest })
    }

    /// A term with the fields that follow it; none when no term comes next.
    fn operand(&mut self) -> Result<Option<Operand>, ParseMistake> {
        let Some(operand) = self.term()? else {
            return Ok(None);
        };
        let mut fields = Vec::new();
        let at = self.peek().start;
        while self.peek().kind == TokenKind::Field {
            let token = self.read();
            fields.push(Str::from(self.text_of(token).trim_start_matches('.')));
        }
        if fields.is_empty() {
            return Ok(Some(operand));
        }
        let term = match operand.term {
            Term::Field(mut names) => {
                names.append(&mut fields);
                Term::Field(names)
            }
            Term::Variable(variable, mut names) => {
                names.append(&mut fields);
                Term::Variable(variable, names)
            }
            Term::Bool(_) | Term::String(_) | Term::Number(_) | Term::Nil | Term::Dot => {
                return Err(ParseMistake::FieldOfConstant);
            }
            Term::Function(_) | Term::Pipe(_) | Term::Chain(..) => Term::Chain(Box::new(operand), fields),
        };
        Ok(Some(Operand { at, term }))
    }

    fn term(&mut self) -> Result<Option<Operand>, ParseMistake> {
        let token = self.read();
        let text = self.text_of(token);
        let term = match token.kind {
            TokenKind::Dot => Term::Dot,
            TokenKind::Keyword(crate::lex::Keyword::Nil) => Term::Nil,
            TokenKind::Bool => Term::Bool(text == "true"),
            TokenKind::Field => Term::Field(vec![Str::from(text.trim_start_matches('.'))]),
            TokenKind::CharConstant => Term::Number(literal::character(text)?),
            TokenKind::Number => Term::Number(literal::number(text)?),
            TokenKind::Complex => Term::Number(literal::complex(text)?),
            TokenKind::String(quote) => Term::String(Str::from(self.string(token, quote)?)),
            TokenKind::Identifier => {
                let callee = self.functions.find(text);
                let callee = callee.ok_or_else(|| ParseMistake::UnknownFunction(text.to_owned()))?;
                if let Callee::Func(func) = callee
                    && func.nondeterministic
                {
                    self.set.nondeterministic.insert(func.name);
                }
                Term::Function(callee)
            }
            TokenKind::Variable => {
                let name = text.to_owned();
                let variable = self.variable(&name);
                if !self.scope.has(variable) {
                    return Err(ParseMistake::UndefinedVariable(name));
                }
                Term::Variable(variable, Vec::new())
            }
            TokenKind::LeftParen => {
                let pipe = self.deeper(|parser| parser.pipeline("parenthesized pipeline", TokenKind::RightParen))?;
                return Ok(Some(Operand {
                    at: pipe.at,
                    term: Term::Pipe(Box::new(pipe)),
                }));
            }
            _ => {
                self.next -= 1;
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: token.start, term }))
    }
}

fn starts_operand(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Bool
            | TokenKind::CharConstant
            | TokenKind::Complex
            | TokenKind::Dot
            | TokenKind::Field
            | TokenKind::Identifier
            | TokenKind::Number
            | TokenKind::Keyword(crate::lex::Keyword::Nil)
            | TokenKind::String(_)
            | TokenKind::Variable
            | TokenKind::LeftParen
    )
}
