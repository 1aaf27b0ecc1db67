//! Booleans, integers, floats and complex numbers under each verb.

use crate::context::Limit;
use crate::print::{Printer, format_float, quote};
use crate::unicode;

/// Longer than any number without a width or precision.
const SIGN_AND_PREFIX: usize = 4;

impl Printer<'_, '_> {
    /// False when the verb is none for booleans.
    pub(super) fn bool(&mut self, value: bool, verb: char) -> Result<bool, Limit> {
        if !matches!(verb, 't' | 'v') {
            return Ok(false);
        }
        self.pad(if value { b"true" } else { b"false" })?;
        Ok(true)
    }

    /// An integer of a type with (`signed`) or without a sign. False when the verb is none for integers.
    pub(super) fn integer(&mut self, value: i128, signed: bool, verb: char) -> Result<bool, Limit> {
        match verb {
            'v' if self.flags.sharp_v && !signed => {
                let sharp = std::mem::replace(&mut self.flags.sharp, true);
                self.digits(value, 16, verb)?;
                self.flags.sharp = sharp;
            }
            'v' | 'd' => self.digits(value, 10, verb)?,
            'b' => self.digits(value, 2, verb)?,
            'o' | 'O' => self.digits(value, 8, verb)?,
            'x' | 'X' => self.digits(value, 16, verb)?,
            'c' => self.pad(character(value).encode_utf8(&mut [0; 4]).as_bytes())?,
            'q' => {
                let text = character(value).to_string();
                let literal = quote::quoted(text.as_bytes(), '\'', self.flags.plus);
                self.pad(&literal)?;
            }
            'U' => self.code_point(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn digits(&mut self, value: i128, base: u32, verb: char) -> Result<(), Limit> {
        let number = value.unsigned_abs();
        let minimum = match self.flags.precision {
            // A zero with no digits is nothing at all, as wide as asked for.
            Some(0) if number == 0 => return self.pad_with_spaces(b""),
            Some(precision) => precision,
            None if self.flags.zero && !self.flags.minus => {
                let sign = value < 0 || self.flags.plus || self.flags.space;
                self.flags.width.unwrap_or(0).saturating_sub(usize::from(sign))
            }
            None => 0,
        };
        self.context.allocate(minimum + SIGN_AND_PREFIX)?;
        let mut digits = match base {
            2 => format!("{number:b}"),
            8 => format!("{number:o}"),
            10 => number.to_string(),
            _ if verb == 'X' => format!("{number:X}"),
            _ => format!("{number:x}"),
        };
        if digits.len() < minimum {
            digits.insert_str(0, &"0".repeat(minimum - digits.len()));
        }
        if self.flags.sharp {
            match base {
                2 => digits.insert_str(0, "0b"),
                8 if !digits.starts_with('0') => digits.insert(0, '0'),
                16 => digits.insert_str(0, if verb == 'X' { "0X" } else { "0x" }),
                _ => {}
            }
        }
        if verb == 'O' {
            digits.insert_str(0, "0o");
        }
        if value < 0 {
            digits.insert(0, '-');
        } else if self.flags.plus {
            digits.insert(0, '+');
        } else if self.flags.space {
            digits.insert(0, ' ');
        }
        self.pad_with_spaces(digits.as_bytes())
    }

    /// `U+0078`, or with the sharp flag `U+0078 'x'`.
    fn code_point(&mut self, value: i128) -> Result<(), Limit> {
        // A negative number shows the bits of its 64.
        let number = value as u64;
        let digits = self.flags.precision.unwrap_or(0).max(4);
        self.context.allocate(digits)?;
        let hexadecimal = format!("{number:X}");
        let mut text = format!(
            "U+{}{hexadecimal}",
            "0".repeat(digits.saturating_sub(hexadecimal.len()))
        );
        let shown = u32::try_from(number).ok().and_then(char::from_u32);
        if let Some(c) = shown.filter(|c| self.flags.sharp && unicode::is_printable(*c)) {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_with_spaces(text.as_bytes())
    }

    /// False when the verb is none for floats.
    pub(super) fn float(&mut self, value: f64, verb: char) -> Result<bool, Limit> {
        let (verb, default) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return Ok(false),
        };
        let precision = self.flags.precision.or(default);
        // The digits that it takes to name a float exactly are looked for.
        self.context.step()?;
        self.context.allocate(precision.unwrap_or(0))?;
        let text = format_float(value, verb, precision);
        let (mut sign, mut digits) = match text.strip_prefix('-') {
            Some(digits) => ("-", digits.to_owned()),
            None => ("+", text.trim_start_matches('+').to_owned()),
        };
        if self.flags.space && sign == "+" && !self.flags.plus {
            sign = " ";
        }
        if value.is_infinite() || value.is_nan() {
            let shown = sign != "+" || self.flags.plus || value.is_infinite();
            let text = format!("{}{digits}", if shown { sign } else { "" });
            self.pad_with_spaces(text.as_bytes())?;
            return Ok(true);
        }
        if self.flags.sharp && verb != 'b' {
            let wanted = if matches!(verb, 'g' | 'G' | 'x') {
                precision.or(Some(6))
            } else {
                None
            };
            digits = with_point(&digits, verb, wanted.unwrap_or(0));
        }
        if sign == "+" && !self.flags.plus {
            self.pad(digits.as_bytes())?;
        } else if self.flags.zero && !self.flags.minus {
            // The sign stands before the zeros.
            self.write(sign.as_bytes())?;
            let width = self.flags.width;
            self.flags.width = width.map(|width| width.saturating_sub(1));
            self.pad(digits.as_bytes())?;
            self.flags.width = width;
        } else {
            self.pad(format!("{sign}{digits}").as_bytes())?;
        }
        Ok(true)
    }

    /// False when the verb is none for complex numbers.
    pub(super) fn complex(&mut self, real: f64, imaginary: f64, verb: char) -> Result<bool, Limit> {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return Ok(false);
        }
        self.write(b"(")?;
        self.float(real, verb)?;
        let plus = std::mem::replace(&mut self.flags.plus, true);
        self.float(imaginary, verb)?;
        self.flags.plus = plus;
        self.write(b"i)")?;
        Ok(true)
    }
}

/// What `%c` shows of a number: the character, or U+FFFD where there is none.
fn character(value: i128) -> char {
    let number = u32::try_from(value).ok();
    number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The sharp flag: there is always a point, and `wanted` significant digits are shown with their zeros.
fn with_point(digits: &str, verb: char, wanted: usize) -> String {
    let marks: &[char] = if matches!(verb, 'x' | 'X') {
        &['p', 'P']
    } else {
        &['e', 'E']
    };
    let (number, tail) = digits.split_at(digits.find(marks).unwrap_or(digits.len()));
    let significant = number.chars().filter(|c| *c != '.').skip_while(|c| *c == '0').count();
    let mut text = number.to_owned();
    let mut shown = significant;
    if !text.contains('.') {
        // A lone zero counts as a digit.
        shown += usize::from(text == "0");
        text.push('.');
    }
    text.push_str(&"0".repeat(wanted.saturating_sub(shown)));
    text.push_str(tail);
    text
}
