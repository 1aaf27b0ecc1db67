//! Splits text into tokens.

mod number;

use crate::context::Limit;
use crate::error::ParseMistake;
use crate::unicode;

/// A piece of a template: its kind, and the bytes of the text that it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    Pipe,
    Assign,
    Declare,
    Comma,
    /// Another printable ASCII character, which begins no token.
    Character,
    LeftParen,
    RightParen,
    Bool,
    CharConstant,
    Number,
    Complex,
    String(Quote),
    /// `.`
    Dot,
    /// `.name`
    Field,
    /// `$` or `$name`
    Variable,
    /// The name of a function, or `break` and `continue` where functions of these names exist.
    Identifier,
    Keyword(Keyword),
    /// The text cannot be read further.
    Mistake,
    End,
}

/// How a string is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    Double,
    Raw,
}

/// The reserved words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keyword {
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const LEFT_COMMENT: &str = "/*";
const RIGHT_COMMENT: &str = "*/";

/// White space, which trimming removes and which separates words.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// The tokens of a text. The last one is [`TokenKind::End`], or [`TokenKind::Mistake`] with the error.
///
/// Reads at most `most` tokens, and one for the end.
///
/// `break_is_function` and `continue_is_function`: functions of these names exist, so the words are not reserved.
pub(crate) fn tokens(
    text: &str,
    most: usize,
    break_is_function: bool,
    continue_is_function: bool,
) -> (Vec<Token>, Option<ParseMistake>) {
    let mut lexer = Lexer {
        text,
        at: 0,
        start: 0,
        parens: 0,
        most,
        break_is_function,
        continue_is_function,
        tokens: Vec::new(),
    };
    let mistake = lexer.template().err();
    lexer.emit(if mistake.is_some() {
        TokenKind::Mistake
    } else {
        TokenKind::End
    });
    (lexer.tokens, mistake)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Start of the current token.
    start: usize,
    parens: usize,
    /// Number of tokens that may still be read.
    most: usize,
    break_is_function: bool,
    continue_is_function: bool,
    tokens: Vec<Token>,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn emit(&mut self, kind: TokenKind) {
        self.tokens.push(Token {
            kind,
            start: self.start,
            end: self.at,
        });
        self.start = self.at;
    }

    fn check_count(&self) -> Result<(), ParseMistake> {
        if self.tokens.len() >= self.most {
            return Err(Limit::Allocation.into());
        }
        Ok(())
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.start = self.at;
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn accept(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let found = self.peek().filter(|c| wanted(*c));
        self.at += found.map_or(0, char::len_utf8);
        found.is_some()
    }

    fn accept_run(&mut self, wanted: impl Fn(char) -> bool) {
        while self.accept(&wanted) {}
    }

    fn template(&mut self) -> Result<(), ParseMistake> {
        while let Some(len) = self.rest().find(LEFT) {
            self.check_count()?;
            self.text_before_action(len);
            let trim = has_left_trim_marker(self.rest().get(LEFT.len()..).unwrap_or_default());
            let marker = if trim { 2 } else { 0 };
            let inside = self.rest().get(LEFT.len() + marker..).unwrap_or_default();
            if inside.starts_with(LEFT_COMMENT) {
                self.skip(LEFT.len() + marker);
                self.comment()?;
            } else {
                self.at += LEFT.len();
                self.emit(TokenKind::LeftDelimiter);
                self.skip(marker);
                self.parens = 0;
                while self.inside_action()? {}
            }
        }
        self.at = self.text.len();
        if self.at > self.start {
            self.emit(TokenKind::Text);
        }
        Ok(())
    }

    /// Text up to an action, whose left delimiter may trim the spaces at its end.
    fn text_before_action(&mut self, len: usize) {
        let rest = self.rest();
        let (text, action) = rest.split_at_checked(len).unwrap_or((rest, ""));
        let trim = has_left_trim_marker(action.get(LEFT.len()..).unwrap_or_default());
        let kept = if trim { text.trim_end_matches(SPACES).len() } else { len };
        self.at += kept;
        if kept > 0 {
            self.emit(TokenKind::Text);
        }
        self.skip(len - kept);
    }

    fn comment(&mut self) -> Result<(), ParseMistake> {
        let Some(end) = self
            .rest()
            .get(LEFT_COMMENT.len()..)
            .and_then(|rest| rest.find(RIGHT_COMMENT))
        else {
            return Err(ParseMistake::UnclosedComment);
        };
        self.at += LEFT_COMMENT.len() + end + RIGHT_COMMENT.len();
        let Some(trim) = self.at_right_delimiter() else {
            return Err(ParseMistake::CommentEndsEarly);
        };
        self.right_delimiter(trim);
        Ok(())
    }

    /// Whether a right delimiter is next, and whether it trims.
    fn at_right_delimiter(&self) -> Option<bool> {
        let rest = self.rest();
        if has_right_trim_marker(rest) && rest.get(2..).is_some_and(|rest| rest.starts_with(RIGHT)) {
            return Some(true);
        }
        rest.starts_with(RIGHT).then_some(false)
    }

    /// Skips a right delimiter and what it trims, without a token.
    fn right_delimiter(&mut self, trim: bool) {
        self.skip(RIGHT.len() + if trim { 2 } else { 0 });
        if trim {
            let rest = self.rest();
            self.skip(rest.len() - rest.trim_start_matches(SPACES).len());
        }
    }

    /// One token within an action; `false` for the right delimiter.
    fn inside_action(&mut self) -> Result<bool, ParseMistake> {
        self.check_count()?;
        if let Some(trim) = self.at_right_delimiter() {
            if self.parens > 0 {
                return Err(ParseMistake::UnclosedParen);
            }
            self.emit_right_delimiter(trim);
            return Ok(false);
        }
        let Some(c) = self.next() else {
            return Err(ParseMistake::UnclosedAction);
        };
        match c {
            c if SPACES.contains(&c) => return self.space(),
            '=' => self.emit(TokenKind::Assign),
            ':' if self.accept(|c| c == '=') => self.emit(TokenKind::Declare),
            ':' => return Err(ParseMistake::LoneColon),
            '|' => self.emit(TokenKind::Pipe),
            ',' => self.emit(TokenKind::Comma),
            '"' => self.quoted('"', TokenKind::String(Quote::Double), ParseMistake::UnterminatedString)?,
            '\'' => self.quoted('\'', TokenKind::CharConstant, ParseMistake::UnterminatedChar)?,
            '`' => match self.rest().find('`') {
                None => return Err(ParseMistake::UnterminatedRawString),
                Some(len) => {
                    self.at += len + 1;
                    self.emit(TokenKind::String(Quote::Raw));
                }
            },
            '$' => self.name(TokenKind::Variable, TokenKind::Variable)?,
            '.' if !self.peek().is_some_and(|c| c.is_ascii_digit()) && self.peek().is_some() => {
                self.name(TokenKind::Field, TokenKind::Dot)?;
            }
            '+' | '-' | '.' | '0'..='9' => {
                self.at = self.start;
                self.number()?;
            }
            c if is_alphanumeric(c) => self.word()?,
            '(' => {
                self.parens += 1;
                self.emit(TokenKind::LeftParen);
            }
            ')' => {
                self.parens = self.parens.checked_sub(1).ok_or(ParseMistake::UnexpectedParen)?;
                self.emit(TokenKind::RightParen);
            }
            ' '..='~' => self.emit(TokenKind::Character),
            _ => return Err(ParseMistake::UnknownCharacter),
        }
        Ok(true)
    }

    fn emit_right_delimiter(&mut self, trim: bool) {
        let start = self.at + if trim { 2 } else { 0 };
        self.right_delimiter(trim);
        self.tokens.push(Token {
            kind: TokenKind::RightDelimiter,
            start,
            end: start + RIGHT.len(),
        });
    }

    /// A run of spaces, of which the last may belong to a right delimiter that trims. The first has been read.
    fn space(&mut self) -> Result<bool, ParseMistake> {
        self.accept_run(|c| SPACES.contains(&c));
        self.at -= 1;
        if self.at_right_delimiter() == Some(true) {
            if self.at > self.start {
                self.emit(TokenKind::Space);
            }
        } else {
            self.at += 1;
            self.emit(TokenKind::Space);
        }
        Ok(true)
    }

    /// A string or character in quotes, on one line. The first quote has been read.
    fn quoted(&mut self, mark: char, kind: TokenKind, unterminated: ParseMistake) -> Result<(), ParseMistake> {
        loop {
            let c = match self.next() {
                Some('\\') => self.next().map(|c| if c == '\n' { c } else { ' ' }),
                c => c,
            };
            match c {
                None | Some('\n') => return Err(unterminated),
                Some(c) if c == mark => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    /// What begins with a point or a dollar sign, which has been read.
    fn name(&mut self, named: TokenKind, bare: TokenKind) -> Result<(), ParseMistake> {
        if self.at_terminator() {
            self.emit(bare);
            return Ok(());
        }
        self.accept_run(is_alphanumeric);
        if !self.at_terminator() {
            return Err(ParseMistake::BadCharacter);
        }
        self.emit(named);
        Ok(())
    }

    fn word(&mut self) -> Result<(), ParseMistake> {
        self.accept_run(is_alphanumeric);
        if !self.at_terminator() {
            return Err(ParseMistake::BadCharacter);
        }
        let kind = match self.text.get(self.start..self.at).unwrap_or_default() {
            "true" | "false" => TokenKind::Bool,
            "break" if self.break_is_function => TokenKind::Identifier,
            "continue" if self.continue_is_function => TokenKind::Identifier,
            word => keyword(word).map_or(TokenKind::Identifier, TokenKind::Keyword),
        };
        self.emit(kind);
        Ok(())
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }
}

fn keyword(word: &str) -> Option<Keyword> {
    Some(match word {
        "block" => Keyword::Block,
        "break" => Keyword::Break,
        "continue" => Keyword::Continue,
        "define" => Keyword::Define,
        "else" => Keyword::Else,
        "end" => Keyword::End,
        "if" => Keyword::If,
        "nil" => Keyword::Nil,
        "range" => Keyword::Range,
        "template" => Keyword::Template,
        "with" => Keyword::With,
        _ => return None,
    })
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || unicode::is_letter(c) || unicode::is_digit(c)
}

fn has_left_trim_marker(text: &str) -> bool {
    text.strip_prefix('-').is_some_and(|rest| rest.starts_with(SPACES))
}

fn has_right_trim_marker(text: &str) -> bool {
    text.strip_prefix(SPACES).is_some_and(|rest| rest.starts_with('-'))
}

#[cfg(test)]
mod tests;
