//! Numbers, as far as the lexer judges them.

use crate::error::ParseMistake;
use crate::lex::{Lexer, TokenKind, is_alphanumeric};

impl Lexer<'_> {
    /// Anything that looks like a number; whether it is one shows when it is read.
    pub(super) fn number(&mut self) -> Result<(), ParseMistake> {
        if !self.scan_number() {
            return Err(ParseMistake::BadNumber);
        }
        if matches!(self.peek(), Some('+' | '-')) {
            let imaginary = self.scan_number() && self.text.get(..self.at).is_some_and(|text| text.ends_with('i'));
            if !imaginary {
                return Err(ParseMistake::BadNumber);
            }
            self.emit(TokenKind::Complex);
        } else {
            self.emit(TokenKind::Number);
        }
        Ok(())
    }

    fn scan_number(&mut self) -> bool {
        self.accept(|c| matches!(c, '+' | '-'));
        let mut base = 10;
        if self.accept(|c| c == '0') {
            if self.accept(|c| matches!(c, 'x' | 'X')) {
                base = 16;
            } else if self.accept(|c| matches!(c, 'o' | 'O')) {
                base = 8;
            } else if self.accept(|c| matches!(c, 'b' | 'B')) {
                base = 2;
            }
        }
        let digit = |c: char| c.is_digit(base) || c == '_';
        self.accept_run(digit);
        if self.accept(|c| c == '.') {
            self.accept_run(digit);
        }
        let exponent = match base {
            10 => self.accept(|c| matches!(c, 'e' | 'E')),
            16 => self.accept(|c| matches!(c, 'p' | 'P')),
            _ => false,
        };
        if exponent {
            self.accept(|c| matches!(c, '+' | '-'));
            self.accept_run(|c| c.is_ascii_digit() || c == '_');
        }
        self.accept(|c| c == 'i');
        !self.peek().is_some_and(is_alphanumeric)
    }
}
