//! The formats of `printf`.

use crate::context::Limit;
use crate::print::{Flags, Printer};
use crate::unicode;
use crate::value::Value;

/// Go takes no width or precision beyond this.
const LARGEST: i128 = 1_000_000;

/// Where the reading of a format is.
struct Directive<'f> {
    format: &'f [u8],
    /// The next byte to read.
    at: usize,
    operands: &'f [Value],
    /// The next operand.
    next: usize,
    /// An operand was named by its number, as in `%[2]d`.
    reordered: bool,
    /// The numbers in this directive made sense.
    good_number: bool,
    /// A number in brackets has just been read.
    after_number: bool,
    /// Bytes that were searched for the end of brackets, not paid for yet.
    searched: usize,
}

/// Prints the operands as the format says.
pub(super) fn format(printer: &mut Printer<'_, '_>, format: &[u8], operands: &[Value]) -> Result<(), Limit> {
    let mut directive = Directive {
        format,
        at: 0,
        operands,
        next: 0,
        reordered: false,
        good_number: true,
        after_number: false,
        searched: 0,
    };
    loop {
        let rest = format.get(directive.at..).unwrap_or_default();
        let text = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        printer.write(rest.get(..text).unwrap_or_default())?;
        if text == rest.len() {
            break;
        }
        directive.at += text + 1;
        let more = directive.print(printer)?;
        printer
            .context
            .steps(1 + std::mem::take(&mut directive.searched) as u64 / 1024)?;
        if !more {
            break;
        }
    }
    directive.report_rest(printer)
}

impl Directive<'_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// One directive, after its percent sign; false when the format ended within it.
    fn print(&mut self, printer: &mut Printer<'_, '_>) -> Result<bool, Limit> {
        printer.flags = Flags::default();
        self.good_number = true;
        self.flags(&mut printer.flags);
        self.operand_number();
        self.width(printer)?;
        self.precision(printer)?;
        if !self.after_number {
            self.operand_number();
        }
        let (verb, len) = unicode::decode(self.format.get(self.at..).unwrap_or_default());
        if len == 0 {
            printer.write(b"%!(NOVERB)")?;
            return Ok(false);
        }
        self.at += len;
        let verb = verb.unwrap_or(char::REPLACEMENT_CHARACTER);
        if verb == '%' {
            printer.write(b"%")?;
        } else if !self.good_number {
            mistake(printer, verb, b"(BADINDEX)")?;
        } else if let Some(operand) = self.operands.get(self.next) {
            if matches!(verb, 'v' | 'w') {
                printer.flags.sharp_v = std::mem::take(&mut printer.flags.sharp);
                printer.flags.plus_v = std::mem::take(&mut printer.flags.plus);
            }
            printer.operand(operand, verb)?;
            self.next += 1;
        } else {
            mistake(printer, verb, b"(MISSING)")?;
        }
        Ok(true)
    }

    fn flags(&mut self, flags: &mut Flags) {
        while let Some(byte) = self.peek() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
    }

    fn width(&mut self, printer: &mut Printer<'_, '_>) -> Result<(), Limit> {
        if !self.eat(b'*') {
            printer.flags.width = self.number();
            if self.after_number && printer.flags.width.is_some() {
                self.good_number = false;
            }
            return Ok(());
        }
        match self.number_from_operand() {
            None => printer.write(b"%!(BADWIDTH)")?,
            Some(width) => {
                if width < 0 {
                    printer.flags.minus = true;
                    printer.flags.zero = false;
                }
                printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
        }
        self.after_number = false;
        Ok(())
    }

    fn precision(&mut self, printer: &mut Printer<'_, '_>) -> Result<(), Limit> {
        // A point at the very end is the verb.
        if self.at + 1 >= self.format.len() || !self.eat(b'.') {
            return Ok(());
        }
        if self.after_number {
            self.good_number = false;
        }
        self.operand_number();
        if !self.eat(b'*') {
            printer.flags.precision = Some(self.number().unwrap_or(0));
            return Ok(());
        }
        let precision = self
            .number_from_operand()
            .and_then(|number| usize::try_from(number).ok());
        printer.flags.precision = precision;
        if precision.is_none() {
            printer.write(b"%!(BADPREC)")?;
        }
        self.after_number = false;
        Ok(())
    }

    /// Decimal digits. One that is far too large takes the rest of the format with it.
    fn number(&mut self) -> Option<usize> {
        let (number, end) = read_number(self.format, self.at, self.format.len());
        self.at = end;
        number
    }

    /// The operand that gives a width or precision.
    fn number_from_operand(&mut self) -> Option<i128> {
        let operand = self.operands.get(self.next)?;
        self.next += 1;
        operand.integer().filter(|number| number.abs() <= LARGEST)
    }

    /// `[n]`: the next operand is the n-th.
    fn operand_number(&mut self) {
        self.after_number = false;
        if self.peek() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = memchr::memchr(b']', rest);
        self.searched += close.unwrap_or(rest.len());
        let close = close.filter(|_| rest.len() >= 3);
        let Some(close) = close else {
            self.good_number = false;
            self.at += 1;
            return;
        };
        let (number, end) = read_number(rest, 1, close);
        self.at += close + 1;
        let number = number.filter(|_| end == close);
        self.after_number = number.is_some();
        match number.and_then(|number| number.checked_sub(1)) {
            Some(index) if index < self.operands.len() => self.next = index,
            _ => self.good_number = false,
        }
    }

    /// Operands that no directive asked for.
    fn report_rest(&self, printer: &mut Printer<'_, '_>) -> Result<(), Limit> {
        let rest = self.operands.get(self.next..).unwrap_or_default();
        if self.reordered || rest.is_empty() {
            return Ok(());
        }
        printer.flags = Flags::default();
        printer.write(b"%!(EXTRA ")?;
        for (place, value) in rest.iter().enumerate() {
            if place > 0 {
                printer.write(b", ")?;
            }
            if let Some(typ) = value.type_of() {
                printer.write(format!("{typ}=").as_bytes())?;
            }
            printer.operand(value, 'v')?;
        }
        printer.write(b")")
    }
}

fn read_number(text: &[u8], start: usize, end: usize) -> (Option<usize>, usize) {
    let mut number = None;
    let mut at = start;
    while let Some(byte) = text.get(at).filter(|byte| at < end && byte.is_ascii_digit()) {
        let so_far = number.unwrap_or(0);
        if so_far as i128 > LARGEST {
            return (None, end);
        }
        number = Some(so_far * 10 + usize::from(byte - b'0'));
        at += 1;
    }
    (number, at)
}

fn mistake(printer: &mut Printer<'_, '_>, verb: char, what: &[u8]) -> Result<(), Limit> {
    printer.write(b"%!")?;
    printer.write_char(verb)?;
    printer.write(what)
}
