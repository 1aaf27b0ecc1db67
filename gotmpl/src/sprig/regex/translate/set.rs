//! Sets of characters: `[a-z\d]`, `\w`, `\pL`.

use super::{Last, Translator, hexadecimal};
use crate::unicode;

impl Translator<'_> {
    /// A class of Unicode takes hundreds of states, one of ASCII a few.
    pub(super) fn class_weight(&mut self, class: &str) -> u64 {
        let (weight, characters) = if class.starts_with("\\p") || class.starts_with("\\P") {
            (super::CLASS_OF_UNICODE, super::EVERY)
        } else if class.starts_with("[^") || class.starts_with("[:^") {
            (super::ANY, super::EVERY)
        } else {
            (4, 128)
        };
        self.fold(characters);
        weight
    }

    /// So many characters are folded, perhaps.
    fn fold(&mut self, characters: u64) {
        if self.folds {
            self.folding = self.folding.saturating_add(characters / super::CHARACTERS_A_STEP);
        }
    }

    /// `d`, `pL` and so on behind a backslash, as the content of a set; `Some(None)` when it is none of them.
    pub(super) fn class(&mut self) -> Option<Option<String>> {
        for (letter, class) in [
            ("d", "[0-9]"),
            ("D", "[^0-9]"),
            ("s", r"[\t\n\x0C\r ]"),
            ("S", r"[^\t\n\x0C\r ]"),
            ("w", "[0-9A-Za-z_]"),
            ("W", "[^0-9A-Za-z_]"),
        ] {
            if self.take(letter) {
                return Some(Some(class.to_owned()));
            }
        }
        let negated = match self.rest.chars().next() {
            Some('p') => false,
            Some('P') => true,
            _ => return Some(None),
        };
        self.next();
        let name = if self.take("{") {
            let (name, rest) = self.rest.split_once('}')?;
            self.rest = rest;
            name.to_owned()
        } else {
            self.next()?.to_string()
        };
        let (negated, name) = match name.strip_prefix('^') {
            Some(name) => (!negated, name.to_owned()),
            None => (negated, name),
        };
        let sign = if negated { 'P' } else { 'p' };
        Some(Some(format!("\\{sign}{{{}}}", unicode_class(&name)?)))
    }

    /// What follows an opening bracket.
    pub(super) fn set(&mut self) -> Option<()> {
        let mut out = String::from("[");
        let mut weight = 2;
        if self.take("^") {
            out.push('^');
            weight += super::ANY;
        }
        let mut first = true;
        while first || !self.rest.starts_with(']') {
            first = false;
            weight += 2;
            if self.rest.starts_with("[:")
                && let Some(class) = self.posix_class()
            {
                let class = class?;
                weight += self.class_weight(&class);
                out.push_str(&class);
                continue;
            }
            if self.rest.starts_with('\\') {
                let before = self.rest;
                self.next();
                if let Some(class) = self.class()? {
                    weight += self.class_weight(&class);
                    out.push_str(&class);
                    continue;
                }
                self.rest = before;
            }
            let low = self.set_char()?;
            let is_range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            if !is_range {
                out.push_str(&hexadecimal(low));
                continue;
            }
            self.next();
            let high = self.set_char()?;
            if high < low {
                return None;
            }
            self.fold(u64::from(u32::from(high) - u32::from(low)));
            out.push_str(&format!("{}-{}", hexadecimal(low), hexadecimal(high)));
        }
        self.next();
        out.push(']');
        self.add_weighing(&out, Last::Element(1), weight);
        Some(())
    }

    fn set_char(&mut self) -> Option<char> {
        match self.next()? {
            '\\' => self.escaped_char(),
            char => Some(char),
        }
    }

    /// `[:alpha:]`; `Some(None)` for a name that does not exist.
    fn posix_class(&mut self) -> Option<Option<String>> {
        let (inner, rest) = self.rest.get(2..)?.split_once(":]")?;
        self.rest = rest;
        let name = inner.strip_prefix('^').unwrap_or(inner);
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
            "word", "xdigit",
        ];
        Some(NAMES.contains(&name).then(|| format!("[:{inner}:]")))
    }
}

/// How the `regex` crate calls a class of Unicode: a category or a script, nothing else.
fn unicode_class(name: &str) -> Option<String> {
    let plain: String = name
        .chars()
        .filter(|char| !matches!(char, '_' | '-' | ' '))
        .collect::<String>()
        .to_lowercase();
    if plain.is_empty()
        || !plain
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || unicode::is_letter(char))
    {
        return None;
    }
    if matches!(plain.as_str(), "any" | "ascii" | "assigned") {
        return Some(plain);
    }
    [format!("gc={plain}"), format!("sc={plain}")]
        .into_iter()
        .find(|class| regex_syntax::Parser::new().parse(&format!("\\p{{{class}}}")).is_ok())
}
