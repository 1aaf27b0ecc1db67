//! Any value under any verb.

use std::rc::Rc;

use crate::context::Limit;
use crate::print::{Printer, quote};
use crate::types::{Kind, Type};
use crate::unicode;
use crate::value::{List, Map, Object, Value};

/// Stands for the address of a map or list: real addresses would leak, and differ each time.
const ADDRESS: i128 = 0xc0_0000_0000;

/// Quoting looks every character up.
const BYTES_A_STEP: u64 = 16;

impl Printer<'_, '_> {
    /// Prints an operand of a directive.
    pub(super) fn operand(&mut self, value: &Value, verb: char) -> Result<(), Limit> {
        match verb {
            'v' | 'T' if matches!(value, Value::Nil | Value::NoValue) => self.pad(b"<nil>"),
            'T' => {
                let name = value.type_of().map(|typ| typ.to_string()).unwrap_or_default();
                self.text(name.as_bytes(), 's').map(|_| ())
            }
            'p' => self.address(value),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value, verb: char, depth: u32) -> Result<(), Limit> {
        self.context.step()?;
        let printed = match value {
            Value::Nil | Value::NoValue if depth > 0 => {
                self.write(if self.flags.sharp_v {
                    b"interface {}(nil)"
                } else {
                    b"<nil>"
                })?;
                true
            }
            Value::Nil | Value::NoValue => false,
            Value::Bool(value) => self.bool(*value, verb)?,
            Value::Int(_) | Value::Int64(_) => self.integer(value.integer().unwrap_or(0), true, verb)?,
            Value::Uint8(_) | Value::Uint32(_) | Value::Uint64(_) => {
                self.integer(value.integer().unwrap_or(0), false, verb)?
            }
            Value::Float64(value) => self.float(*value, verb)?,
            Value::Complex128(real, imaginary) => self.complex(*real, *imaginary, verb)?,
            Value::String(text) => self.text(text, verb)?,
            Value::List(_) | Value::Map(_) | Value::Object(_) if verb == 'w' => false,
            Value::List(list) => self.list(list, verb, depth)?,
            Value::Map(map) => self.map(map, verb, depth)?,
            Value::Object(object) => self.object(object, verb, depth)?,
        };
        if printed { Ok(()) } else { self.report(value, verb) }
    }

    /// `%!d(string=…)`: the verb does not fit.
    fn report(&mut self, value: &Value, verb: char) -> Result<(), Limit> {
        self.write(b"%!")?;
        self.write_char(verb)?;
        self.write(b"(")?;
        match value.type_of() {
            None => self.write(b"<nil>")?,
            Some(typ) => {
                self.write(typ.to_string().as_bytes())?;
                self.write(b"=")?;
                let outer = std::mem::replace(&mut self.reporting, true);
                self.value(value, 'v', 0)?;
                self.reporting = outer;
            }
        }
        self.write(b")")
    }

    /// False when the verb is none for strings.
    pub(super) fn text(&mut self, text: &[u8], verb: char) -> Result<bool, Limit> {
        match verb {
            'v' if self.flags.sharp_v => self.literal(text)?,
            'v' | 's' => {
                let text = self.truncated(text);
                self.pad(text)?;
            }
            'q' => self.literal(text)?,
            'x' | 'X' => self.hexadecimal(text, verb == 'X')?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The precision of a string counts characters.
    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(precision) = self.flags.precision else {
            return text;
        };
        let len = unicode::chars(text).take(precision).map(|(_, bytes)| bytes.len()).sum();
        text.get(..len).unwrap_or(text)
    }

    fn literal(&mut self, text: &[u8]) -> Result<(), Limit> {
        let text = self.truncated(text);
        // An escaped byte takes up to four.
        self.context.allocate(text.len().saturating_mul(4))?;
        if self.flags.sharp && quote::fits_backquotes(text) {
            return self.pad(&[b"`", text, b"`"].concat());
        }
        self.context.steps(text.len() as u64 / BYTES_A_STEP)?;
        self.pad(&quote::quoted(text, '"', self.flags.plus))
    }

    fn hexadecimal(&mut self, text: &[u8], upper: bool) -> Result<(), Limit> {
        let shown = self.flags.precision.unwrap_or(text.len());
        let text = text.get(..shown).unwrap_or(text);
        self.context.allocate(text.len().saturating_mul(5))?;
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut out = String::with_capacity(text.len() * 2);
        for (place, byte) in text.iter().enumerate() {
            if place > 0 && self.flags.space {
                out.push(' ');
            }
            if place == 0 || self.flags.space {
                out.push_str(prefix);
            }
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(digit.into(), 16).unwrap_or('0');
                out.push(if upper { digit.to_ascii_uppercase() } else { digit });
            }
        }
        self.pad(out.as_bytes())
    }

    fn list(&mut self, list: &List, verb: char, depth: u32) -> Result<bool, Limit> {
        if *list.element_type() == Type::Uint8 && matches!(verb, 's' | 'q' | 'x' | 'X') {
            let integers = list.to_vec();
            let bytes: Vec<u8> = integers
                .iter()
                .filter_map(|value| u8::try_from(value.integer()?).ok())
                .collect();
            return self.text(&bytes, verb);
        }
        if self.flags.sharp_v {
            self.write(Type::List(list.element_type()).to_string().as_bytes())?;
            if list.is_nil() {
                self.write(b"(nil)")?;
                return Ok(true);
            }
        }
        self.write(if self.flags.sharp_v { b"{" } else { b"[" })?;
        for (place, item) in list.items().iter().enumerate() {
            self.separator(place)?;
            self.nested(item, verb, depth)?;
        }
        self.write(if self.flags.sharp_v { b"}" } else { b"]" })?;
        Ok(true)
    }

    fn map(&mut self, map: &Map, verb: char, depth: u32) -> Result<bool, Limit> {
        if self.flags.sharp_v {
            self.write(Type::Map(map.element_type()).to_string().as_bytes())?;
            if map.is_nil() {
                self.write(b"(nil)")?;
                return Ok(true);
            }
        }
        self.write(if self.flags.sharp_v { b"{" } else { b"map[" })?;
        for (place, (key, item)) in map.entries().iter().enumerate() {
            self.separator(place)?;
            self.nested(&Value::String(key.clone()), verb, depth)?;
            self.write(b":")?;
            self.nested(item, verb, depth)?;
        }
        self.write(if self.flags.sharp_v { b"}" } else { b"]" })?;
        Ok(true)
    }

    /// An object prints itself where it can, else it is a number or its fields.
    fn object(&mut self, object: &Rc<dyn Object>, verb: char, depth: u32) -> Result<bool, Limit> {
        // A date takes longer to write than its bytes say.
        self.context.steps(8 + object.size() as u64 / 64)?;
        let takes_text = !self.reporting && !self.flags.sharp_v && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        if let Some(text) = object.text().filter(|_| takes_text) {
            return self.text(&text, verb);
        }
        if let Some(number) = object.integer() {
            return self.integer(i128::from(number), true, verb);
        }
        let named = object.go_type();
        if named.kind == Kind::Pointer {
            if depth > 0 {
                self.address(&Value::Object(Rc::clone(object)))?;
                return Ok(true);
            }
            self.write(b"&")?;
        }
        if self.flags.sharp_v {
            self.write(named.name.trim_start_matches('*').as_bytes())?;
        }
        self.write(b"{")?;
        for (place, (name, field)) in object.fields().iter().enumerate() {
            self.separator(place)?;
            if self.flags.plus_v || self.flags.sharp_v {
                self.write(name.as_bytes())?;
                self.write(b":")?;
            }
            self.nested(field, verb, depth)?;
        }
        self.write(b"}")?;
        Ok(true)
    }

    fn nested(&mut self, value: &Value, verb: char, depth: u32) -> Result<(), Limit> {
        self.context.enter()?;
        self.value(value, verb, depth + 1)?;
        self.context.leave();
        Ok(())
    }

    fn separator(&mut self, place: usize) -> Result<(), Limit> {
        match place {
            0 => Ok(()),
            _ if self.flags.sharp_v => self.write(b", "),
            _ => self.write(b" "),
        }
    }

    fn address(&mut self, value: &Value) -> Result<(), Limit> {
        let pointer = matches!(value.kind(), Kind::Map | Kind::Slice | Kind::Pointer);
        if !pointer {
            return self.report(value, 'p');
        }
        self.flags.sharp = !self.flags.sharp;
        self.integer(if value.is_nil() { 0 } else { ADDRESS }, false, 'v')?;
        Ok(())
    }
}
