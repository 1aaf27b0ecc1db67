//! Go's `fmt`: what `print`, `printf`, `println` and the printing of results make of values.

mod directive;
mod float;
mod number;
mod operand;
mod quote;

use crate::context::{Context, Limit};
use crate::unicode;
use crate::value::Value;

pub use float::format_float;
pub use quote::quote;

/// Go's `fmt.Sprint`: a space between two operands of which neither is a string.
///
/// # Errors
/// [`Limit`].
pub fn sprint(context: &mut Context<'_>, operands: &[Value]) -> Result<Vec<u8>, Limit> {
    let mut printer = Printer::new(context);
    let mut after_string = true;
    for value in operands {
        let is_string = matches!(value, Value::String(_));
        if !is_string && !after_string {
            printer.write(b" ")?;
        }
        printer.operand(value, 'v')?;
        after_string = is_string;
    }
    Ok(printer.bytes)
}

/// Go's `fmt.Sprintln`: a space between all operands, and an end of line.
///
/// # Errors
/// [`Limit`].
pub fn sprintln(context: &mut Context<'_>, operands: &[Value]) -> Result<Vec<u8>, Limit> {
    let mut printer = Printer::new(context);
    for (place, value) in operands.iter().enumerate() {
        if place > 0 {
            printer.write(b" ")?;
        }
        printer.operand(value, 'v')?;
    }
    printer.write(b"\n")?;
    Ok(printer.bytes)
}

/// Go's `fmt.Sprintf`.
///
/// # Errors
/// [`Limit`].
pub fn sprintf(context: &mut Context<'_>, format: &[u8], operands: &[Value]) -> Result<Vec<u8>, Limit> {
    let mut printer = Printer::new(context);
    directive::format(&mut printer, format, operands)?;
    Ok(printer.bytes)
}

/// A byte as two digits.
pub(crate) fn hexadecimal(byte: u8) -> [u8; 2] {
    let digit = |number: u8| number + if number < 10 { b'0' } else { b'A' - 10 };
    [digit(byte >> 4), digit(byte & 15)]
}

/// How one operand is to be printed.
#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`.
    plus_v: bool,
    /// `%#v`.
    sharp_v: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// What has been printed, with the flags of the directive at hand.
struct Printer<'p, 'c> {
    context: &'p mut Context<'c>,
    bytes: Vec<u8>,
    flags: Flags,
    /// Inside the report of a wrong verb, where no method of the operand is called.
    reporting: bool,
}

impl<'p, 'c> Printer<'p, 'c> {
    fn new(context: &'p mut Context<'c>) -> Self {
        Printer {
            context,
            bytes: Vec::new(),
            flags: Flags::default(),
            reporting: false,
        }
    }

    /// Every byte printed is paid for here.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Limit> {
        self.context.grow(bytes.len())?;
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn write_char(&mut self, c: char) -> Result<(), Limit> {
        self.write(c.encode_utf8(&mut [0; 4]).as_bytes())
    }

    fn padding(&mut self, count: usize) -> Result<(), Limit> {
        self.context.grow(count)?;
        // Zeros are never padded to the right.
        let fill = if self.flags.zero && !self.flags.minus {
            b'0'
        } else {
            b' '
        };
        self.bytes.resize(self.bytes.len() + count, fill);
        Ok(())
    }

    /// Writes text, padded to the width, which counts characters.
    fn pad(&mut self, text: &[u8]) -> Result<(), Limit> {
        let missing = match self.flags.width {
            Some(width) => width.saturating_sub(unicode::count(text)),
            None => 0,
        };
        if !self.flags.minus {
            self.padding(missing)?;
        }
        self.write(text)?;
        if self.flags.minus {
            self.padding(missing)?;
        }
        Ok(())
    }

    /// As [`Printer::pad`], never with zeros.
    fn pad_with_spaces(&mut self, text: &[u8]) -> Result<(), Limit> {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text)?;
        self.flags.zero = zero;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
