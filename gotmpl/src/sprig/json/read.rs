//! JSON → values, with Go's leniency: bytes that are no UTF-8 and halves of surrogate pairs become U+FFFD, a name that
//! occurs twice counts with its last value, and a number that no float can hold leaves nil in its place.
//!
//! (serde_json refuses all of these.)

use crate::context::{Context, Limit, STRING};
use crate::function::FuncError;
use crate::sprig::runes::{first_rune, push};
use crate::types::Type;
use crate::value::{Map, Value};

/// What was read.
pub(super) struct Found {
    /// Nil where the text is no JSON at all.
    pub(super) value: Value,
    /// Whether Go tells an error.
    pub(super) flawed: bool,
}

/// # Errors
/// Limits alone.
pub(super) fn read(context: &mut Context<'_>, text: &[u8]) -> Result<Found, FuncError> {
    context.steps(text.len() as u64 / BYTES_A_STEP)?;
    let mut reader = Reader {
        context,
        rest: text,
        depth: 0,
        out_of_range: false,
    };
    let whole = reader.value().and_then(|value| {
        reader.skip_space();
        if reader.rest.is_empty() {
            Ok(value)
        } else {
            Err(Stop::Syntax)
        }
    });
    match whole {
        Ok(value) => Ok(Found {
            value,
            flawed: reader.out_of_range,
        }),
        Err(Stop::Syntax) => Ok(Found {
            value: Value::Nil,
            flawed: true,
        }),
        Err(Stop::Limit(limit)) => Err(limit.into()),
    }
}

/// It is read byte by byte.
const BYTES_A_STEP: u64 = 16;

/// Why reading ends early.
enum Stop {
    Syntax,
    Limit(Limit),
}

impl From<Limit> for Stop {
    fn from(limit: Limit) -> Stop {
        Stop::Limit(limit)
    }
}

/// How deep lists and maps may nest; Go's own bound is 10 000.
const MAX_DEPTH: usize = 200;

struct Reader<'r, 'c> {
    context: &'r mut Context<'c>,
    rest: &'r [u8],
    depth: usize,
    out_of_range: bool,
}

impl Reader<'_, '_> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Takes these bytes if they come next.
    fn take(&mut self, wanted: &[u8]) -> bool {
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn expect(&mut self, wanted: &[u8], value: Value) -> Result<Value, Stop> {
        if self.take(wanted) {
            Ok(value)
        } else {
            Err(Stop::Syntax)
        }
    }

    fn value(&mut self) -> Result<Value, Stop> {
        self.context.step()?;
        self.skip_space();
        match self.rest.first() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::string(self.string()?)),
            Some(b't') => self.expect(b"true", Value::Bool(true)),
            Some(b'f') => self.expect(b"false", Value::Bool(false)),
            Some(b'n') => self.expect(b"null", Value::Nil),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Stop::Syntax),
        }
    }

    fn nested(&mut self, inner: impl FnOnce(&mut Self) -> Result<Value, Stop>) -> Result<Value, Stop> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Limit::Depth.into());
        }
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<Value, Stop> {
        self.context.allocate_map(0)?;
        let map = Map::new(&Type::Any);
        self.take(b"{");
        self.skip_space();
        if self.take(b"}") {
            return Ok(Value::Map(map));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            self.skip_space();
            if !self.take(b":") {
                return Err(Stop::Syntax);
            }
            let value = self.value()?;
            self.context.allocate_entries(1)?;
            let _fresh = map.insert(key, value);
            self.skip_space();
            if self.take(b"}") {
                return Ok(Value::Map(map));
            }
            if !self.take(b",") {
                return Err(Stop::Syntax);
            }
        }
    }

    fn array(&mut self) -> Result<Value, Stop> {
        self.context.allocate_list(0)?;
        let mut items = Vec::new();
        self.take(b"[");
        self.skip_space();
        if self.take(b"]") {
            return Ok(Value::list(items));
        }
        loop {
            let item = self.value()?;
            self.context.grow_for_one(&items)?;
            items.push(item);
            self.skip_space();
            if self.take(b"]") {
                return Ok(Value::list(items));
            }
            if !self.take(b",") {
                return Err(Stop::Syntax);
            }
        }
    }

    fn number(&mut self) -> Result<Value, Stop> {
        let start = self.rest;
        self.take(b"-");
        if !self.take(b"0") && self.digits() == 0 {
            return Err(Stop::Syntax);
        }
        if self.take(b".") && self.digits() == 0 {
            return Err(Stop::Syntax);
        }
        if self.take(b"e") || self.take(b"E") {
            let _sign = self.take(b"+") || self.take(b"-");
            if self.digits() == 0 {
                return Err(Stop::Syntax);
            }
        }
        let taken = start.get(..start.len() - self.rest.len()).unwrap_or_default();
        let text = std::str::from_utf8(taken).map_err(|_| Stop::Syntax)?;
        let number: f64 = text.parse().map_err(|_| Stop::Syntax)?;
        if number.is_finite() {
            return Ok(Value::Float64(number));
        }
        self.out_of_range = true;
        Ok(Value::Nil)
    }

    fn digits(&mut self) -> usize {
        let count = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.rest = self.rest.get(count..).unwrap_or_default();
        count
    }

    fn string(&mut self) -> Result<Vec<u8>, Stop> {
        if !self.take(b"\"") {
            return Err(Stop::Syntax);
        }
        let mut out = Vec::new();
        loop {
            let rune = first_rune(self.rest).ok_or(Stop::Syntax)?;
            // A rune has up to four bytes.
            if out.capacity() - out.len() < 4 {
                self.context.allocate(out.capacity().max(4) * 2)?;
                out.reserve(4);
            }
            self.rest = self.rest.get(rune.width..).unwrap_or_default();
            match rune.char {
                '"' => {
                    self.context.allocate(STRING)?;
                    return Ok(out);
                }
                '\\' => {
                    let char = self.escape()?;
                    push(&mut out, char);
                }
                '\0'..='\u{1f}' => return Err(Stop::Syntax),
                char => push(&mut out, char),
            }
        }
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<char, Stop> {
        let (kind, rest) = self.rest.split_first().ok_or(Stop::Syntax)?;
        self.rest = rest;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(*kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hexadecimal()?;
                if let Some(char) = char::from_u32(u32::from(unit)) {
                    return Ok(char);
                }
                self.second_half(unit)?
            }
            _ => return Err(Stop::Syntax),
        })
    }

    /// The rune of a surrogate pair; U+FFFD, with nothing more taken, where no second half follows.
    fn second_half(&mut self, first: u16) -> Result<char, Stop> {
        let before = self.rest;
        if self.take(b"\\u") {
            let second = self.hexadecimal()?;
            if let Some(Ok(char)) = char::decode_utf16([first, second]).next() {
                return Ok(char);
            }
            self.rest = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hexadecimal(&mut self) -> Result<u16, Stop> {
        let (digits, rest) = self.rest.split_at_checked(4).ok_or(Stop::Syntax)?;
        self.rest = rest;
        let valid = digits.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(digits).ok().filter(|_| valid).ok_or(Stop::Syntax)?;
        u16::from_str_radix(text, 16).map_err(|_| Stop::Syntax)
    }
}
