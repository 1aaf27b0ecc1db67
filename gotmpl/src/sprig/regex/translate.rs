//! Go's syntax of regular expressions → that of the `regex` crate: `\d` and its kin are ASCII, sets have no operators,
//! `{` that starts no repetition is itself, repetitions are not repeated; and what Go refuses is refused.

mod set;

/// A pattern for the `regex` crate.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// About how many steps it is worth to make it.
    pub(super) weight: u64,
}

/// How a group of this name is called in the translation: Go's may start with a digit.
pub(super) fn group_name(name: &str) -> String {
    format!("g_{name}")
}

/// `None` where Go refuses the pattern (or where it is not UTF-8, which Go refuses as well).
pub(super) fn translate(pattern: &[u8]) -> Option<Translated> {
    let mut translator = Translator {
        rest: std::str::from_utf8(pattern).ok()?,
        out: String::with_capacity(pattern.len() * 2),
        weight: 0,
        last: Last::Nothing,
        last_weight: 0,
        groups: Vec::new(),
        repeated: 1,
        folds: false,
        folding: 0,
    };
    while let Some(char) = translator.next() {
        translator.element(char)?;
    }
    translator.groups.is_empty().then_some(Translated {
        pattern: translator.out,
        weight: translator.weight.saturating_add(translator.folding),
    })
}

/// What stands before a repetition sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// Nothing that could be repeated.
    Nothing,
    /// One thing, which is repeated so many times within itself at most.
    Element(u32),
    /// A repetition, which cannot be repeated.
    Repetition(u32),
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    weight: u64,
    last: Last,
    /// What of the weight belongs to the last element.
    last_weight: u64,
    /// For each open group, how often things around it were repeated so far, and the weight before it.
    groups: Vec<(u32, u64)>,
    /// The largest product of counts in the group at hand.
    repeated: u32,
    /// `(?i)` was said somewhere before, so that classes may be folded.
    folds: bool,
    /// What folding is worth; it is done once, however often the class is repeated.
    folding: u64,
}

/// How often something may be repeated, also by repetitions of repetitions.
const MOST_REPETITIONS: u32 = 1000;

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let char = chars.next();
        self.rest = chars.as_str();
        char
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest.strip_prefix(wanted);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn add(&mut self, text: &str, last: Last) {
        self.add_weighing(text, last, 1);
    }

    fn add_weighing(&mut self, text: &str, last: Last, weight: u64) {
        self.out.push_str(text);
        self.last = last;
        self.last_weight = weight;
        self.weight = self.weight.saturating_add(weight);
    }

    fn literal(&mut self, char: char) {
        self.add(&hexadecimal(char), Last::Element(1));
    }

    fn element(&mut self, char: char) -> Option<()> {
        match char {
            '(' => self.open(),
            ')' => {
                let (outer, before) = self.groups.pop()?;
                let inner = std::mem::replace(&mut self.repeated, outer);
                self.repeated = outer.max(inner);
                self.add(")", Last::Element(inner));
                self.last_weight = self.weight.saturating_sub(before);
                Some(())
            }
            '|' => {
                self.add("|", Last::Nothing);
                Some(())
            }
            '*' | '+' | '?' => self.repeat(&char.to_string(), 1),
            '{' => match self.counts() {
                Some(counts) => {
                    let (text, most) = counts?;
                    self.repeat(&text, most)
                }
                None => {
                    self.literal('{');
                    Some(())
                }
            },
            '[' => self.set(),
            '\\' => self.escape(),
            '.' => {
                self.add_weighing(".", Last::Element(1), ANY);
                Some(())
            }
            '^' | '$' => {
                self.add(&char.to_string(), Last::Element(1));
                Some(())
            }
            other => {
                self.literal(other);
                Some(())
            }
        }
    }

    /// A sign of repetition, perhaps with a question mark behind it.
    fn repeat(&mut self, sign: &str, most: u32) -> Option<()> {
        let Last::Element(inner) = self.last else { return None };
        let product = inner
            .checked_mul(most.max(1))
            .filter(|product| *product <= MOST_REPETITIONS)?;
        self.repeated = self.repeated.max(product);
        // Each repetition is a copy of what is repeated, and each that may be missing costs as much again.
        let times = if sign.contains(',') { 2 } else { 1 };
        let copies = self.last_weight.saturating_mul(u64::from(most.max(1)) * times);
        self.weight = self.weight.saturating_add(copies);
        let lazy = if self.take("?") { "?" } else { "" };
        self.add(&format!("{sign}{lazy}"), Last::Repetition(product));
        Some(())
    }

    /// `2,5}` behind a brace: as it is written and the largest count. `None` when it is no repetition, `Some(None)` when
    /// it is one that Go refuses.
    fn counts(&mut self) -> Option<Option<(String, u32)>> {
        let (inner, rest) = self.rest.split_once('}')?;
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            (plain && (digits == "0" || !digits.starts_with('0'))).then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let (least, most) = match inner.split_once(',') {
            None => (number(inner)?, Some(number(inner)?)),
            Some((least, "")) => (number(least)?, None),
            Some((least, most)) => (number(least)?, Some(number(most)?)),
        };
        self.rest = rest;
        let valid = least <= MOST_REPETITIONS && most.is_none_or(|most| most <= MOST_REPETITIONS && least <= most);
        Some(valid.then(|| (format!("{{{inner}}}"), most.unwrap_or(least))))
    }

    fn open(&mut self) -> Option<()> {
        if !self.take("?") {
            self.start_group("(");
            return Some(());
        }
        if self.take("P<") || (self.rest.starts_with('<') && self.take("<")) {
            let (name, rest) = self.rest.split_once('>')?;
            let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !valid {
                return None;
            }
            self.rest = rest;
            self.start_group(&format!("(?P<{}>", group_name(name)));
            return Some(());
        }
        let end = self.rest.find([':', ')'])?;
        let (flags, rest) = self.rest.split_at_checked(end)?;
        let (on, off) = flags.split_once('-').map_or((flags, None), |(on, off)| (on, Some(off)));
        let known = |flags: &str| flags.chars().all(|flag| "imsU".contains(flag));
        // A minus sign must turn something off.
        if !known(on) || off.is_some_and(|off| off.is_empty() || !known(off)) {
            return None;
        }
        self.folds |= on.contains('i');
        self.rest = rest.get(1..)?;
        if rest.starts_with(':') {
            self.start_group(&format!("(?{flags}:"));
        } else if !flags.is_empty() {
            self.add(&format!("(?{})", unique(flags)), Last::Nothing);
        }
        Some(())
    }

    fn start_group(&mut self, opening: &str) {
        let opening = match opening.strip_prefix("(?").and_then(|flags| flags.strip_suffix(':')) {
            Some(flags) => format!("(?{}:", unique(flags)),
            None => opening.to_owned(),
        };
        self.groups
            .push((std::mem::replace(&mut self.repeated, 1), self.weight));
        self.add(&opening, Last::Nothing);
    }

    /// What follows a backslash outside of sets.
    fn escape(&mut self) -> Option<()> {
        if self.take("Q") {
            let (literal, rest) = self.rest.split_once("\\E").unwrap_or((self.rest, ""));
            self.rest = rest;
            literal.chars().for_each(|char| self.literal(char));
            return Some(());
        }
        for (letter, meaning) in [("A", r"\A"), ("z", r"\z"), ("b", r"(?-u:\b)"), ("B", r"(?-u:\B)")] {
            if self.take(letter) {
                self.add(meaning, Last::Element(1));
                return Some(());
            }
        }
        if let Some(class) = self.class()? {
            let weight = self.class_weight(&class);
            self.add_weighing(&format!("[{class}]"), Last::Element(1), weight);
            return Some(());
        }
        let char = self.escaped_char()?;
        self.literal(char);
        Some(())
    }

    /// The one character that an escape stands for.
    fn escaped_char(&mut self) -> Option<char> {
        let char = self.next()?;
        let octal = |char: &char| char.is_digit(8);
        Some(match char {
            // A digit alone would refer back to a group.
            '1'..='7' if !self.rest.chars().next().is_some_and(|next| octal(&next)) => return None,
            '0'..='7' => {
                let more: String = self.rest.chars().take(2).take_while(octal).collect();
                self.rest = self.rest.get(more.len()..)?;
                char::from_u32(u32::from_str_radix(&format!("{char}{more}"), 8).ok()?)?
            }
            'x' if self.take("{") => {
                let (digits, rest) = self.rest.split_once('}')?;
                self.rest = rest;
                code(digits)?
            }
            'x' => {
                let (digits, rest) = self.rest.split_at_checked(2)?;
                self.rest = rest;
                code(digits)?
            }
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            mark if mark.is_ascii() && !mark.is_ascii_alphanumeric() => mark,
            _ => return None,
        })
    }
}

const CLASS_OF_UNICODE: u64 = 1500;

/// `(?i)` looks every character of a class up.
const CHARACTERS_A_STEP: u64 = 48;

/// All characters there are.
const EVERY: u64 = 0x11_0000;

/// Every character there is takes a state for each form of UTF-8.
const ANY: u64 = 25;

fn hexadecimal(char: char) -> String {
    if char.is_ascii_alphanumeric() {
        char.to_string()
    } else {
        format!("\\x{{{:X}}}", u32::from(char))
    }
}

fn code(digits: &str) -> Option<char> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| plain)?)
}

/// Flags without those that were said before on the same side: Go takes them twice.
fn unique(flags: &str) -> String {
    let mut out = String::new();
    for flag in flags.chars() {
        let side = out.split('-').next_back().unwrap_or_default().to_owned();
        let said = out.contains(flag) && (side.contains(flag) || !out.contains('-'));
        if !said {
            out = out.replace(flag, "");
            out.push(flag);
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_differently_is_rewritten() {
        for (go, rust) in [
            (r"\d+", "[[0-9]]+"),
            (r"a{,2}", r"a\x{7B}\x{2C}2\x{7D}"),
            (r"[a-z&&b]", r"[a-z\x{26}\x{26}b]"),
            (r"(?P<n>x)", "(?P<g_n>x)"),
            (r"\Qa.b\E", r"a\x{2E}b"),
            (r"[]a]", r"[\x{5D}a]"),
            ("(?ii:a)", "(?i:a)"),
        ] {
            assert_eq!(
                translate(go.as_bytes()).map(|translated| translated.pattern).as_deref(),
                Some(rust),
                "{go}"
            );
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for refused in [
            "a**",
            "a{2}{3}",
            "*",
            "(",
            ")",
            "[",
            "[z-a]",
            r"\1",
            r"\Z",
            r"\C",
            "(?x)a",
            "(?=a)",
            "a{1001}",
            "(a{100}){11}",
            r"\p{Nope}",
            r"\p{Alphabetic}",
            "[[:nope:]]",
            r"\",
            "(?i",
            r"\x{110000}",
            "(?P<>a)",
        ] {
            assert!(translate(refused.as_bytes()).is_none(), "{refused}");
        }
        assert!(translate(b"\xff").is_none());
    }
}
