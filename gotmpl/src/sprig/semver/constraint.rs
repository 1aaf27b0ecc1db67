//! Constraints of versions: `^1.2`, `>=1.2 <2 || 3.x`, `1.2 - 1.4`.

use super::{Version, compare_pre};

/// Groups of which one must hold, each of comparisons that all must hold.
pub(super) struct Constraint(Vec<Group>);

struct Group {
    comparisons: Vec<Comparison>,
    /// Pre-releases are looked at only where a comparison of the group names one.
    with_pre: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterEqual,
    LessEqual,
    Tilde,
    Caret,
}

struct Comparison {
    operator: Operator,
    version: Version,
    /// Some number is missing or `x`: …
    open: bool,
    /// … the second one, …
    open_minor: bool,
    /// … or only the third one.
    open_patch: bool,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("!=", Operator::NotEqual),
    (">=", Operator::GreaterEqual),
    ("=>", Operator::GreaterEqual),
    ("<=", Operator::LessEqual),
    ("=<", Operator::LessEqual),
    ("~>", Operator::Tilde),
    ("=", Operator::Equal),
    (">", Operator::Greater),
    ("<", Operator::Less),
    ("~", Operator::Tilde),
    ("^", Operator::Caret),
];

fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

fn trim(text: &str) -> &str {
    text.trim_start_matches(is_space)
}

/// A version as constraints write it, cut from the front: three numbers or wildcards, pre-release, metadata.
struct Written<'t> {
    whole: &'t str,
    numbers: [&'t str; 3],
    /// With its hyphen.
    pre: &'t str,
}

fn cut_while(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|char| !belongs(char)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The longest list of parts between dots after a mark, as a regular expression would take it.
fn cut_dotted(text: &str, mark: char) -> (&str, &str) {
    let Some(inner) = text.strip_prefix(mark) else {
        return ("", text);
    };
    let mut length = 0;
    let mut after_dot = true;
    for (place, byte) in inner.bytes().enumerate() {
        match byte {
            b'.' if after_dot => break,
            b'.' => after_dot = true,
            _ if byte.is_ascii_alphanumeric() || byte == b'-' => (after_dot, length) = (false, place + 1),
            _ => break,
        }
    }
    if length == 0 {
        ("", text)
    } else {
        text.split_at_checked(length + 1).unwrap_or(("", text))
    }
}

impl<'t> Written<'t> {
    fn cut(text: &'t str) -> Option<(Written<'t>, &'t str)> {
        // The set of characters has a bar in it, by a mistake of the original; no number contains one.
        let numeric = |char: char| char.is_ascii_digit() || matches!(char, 'x' | 'X' | '*' | '|');
        let (first, mut rest) = cut_while(text.strip_prefix('v').unwrap_or(text), numeric);
        if first.is_empty() {
            return None;
        }
        let mut numbers = [first, "", ""];
        for number in numbers.iter_mut().skip(1) {
            let (cut, after) = rest
                .strip_prefix('.')
                .map_or(("", rest), |after| cut_while(after, numeric));
            if cut.is_empty() {
                break;
            }
            (*number, rest) = (cut, after);
        }
        let (pre, after) = cut_dotted(rest, '-');
        let (_, after) = cut_dotted(after, '+');
        let whole = text.get(..text.len() - after.len())?;
        Some((Written { whole, numbers, pre }, after))
    }
}

/// `1.2 - 1.4` → `>= 1.2, <= 1.4 `.
fn without_ranges(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((from, to, after)) = range(rest) {
            out.push_str(&format!(">= {from}, <= {to} "));
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        out.extend(chars.next());
        rest = chars.as_str();
    }
    out
}

fn range(text: &str) -> Option<(&str, &str, &str)> {
    let (from, after) = Written::cut(trim(text))?;
    let hyphen = trim(after);
    let after = hyphen.strip_prefix('-').filter(|_| hyphen.len() < after.len())?;
    let second = trim(after);
    let (to, after) = Written::cut(second).filter(|_| second.len() < after.len())?;
    Some((from.whole, to.whole, trim(after)))
}

impl Constraint {
    pub(super) fn parse(text: &str) -> Option<Constraint> {
        let rewritten = without_ranges(text);
        rewritten
            .split("||")
            .map(Group::parse)
            .collect::<Option<_>>()
            .map(Constraint)
    }

    pub(super) fn accepts(&self, version: &Version) -> bool {
        self.0.iter().any(|group| {
            group
                .comparisons
                .iter()
                .all(|comparison| comparison.holds(version, group.with_pre))
        })
    }
}

impl Group {
    /// Comparisons with spaces or a comma between them; at least one.
    fn parse(text: &str) -> Option<Group> {
        let mut comparisons = Vec::new();
        let mut rest = trim(text);
        loop {
            let (operator, after) = OPERATORS
                .iter()
                .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)))
                .unwrap_or((Operator::Equal, rest));
            let (written, after) = Written::cut(trim(after))?;
            comparisons.push(Comparison::new(operator, &written)?);
            let next = trim(after);
            if next.is_empty() {
                break;
            }
            let comma = next.strip_prefix(',');
            if comma.is_none() && next.len() == after.len() {
                return None;
            }
            rest = trim(comma.unwrap_or(next));
        }
        let with_pre = comparisons.iter().any(|comparison| !comparison.version.pre.is_empty());
        Some(Group { comparisons, with_pre })
    }
}

impl Comparison {
    fn new(operator: Operator, written: &Written<'_>) -> Option<Comparison> {
        let is_open = |number: &str| matches!(number, "x" | "X" | "*" | "");
        let [major, minor, patch] = written.numbers;
        let pre = written.pre;
        let (text, open, open_minor, open_patch) = if is_open(major) {
            (format!("0.0.0{pre}"), true, false, false)
        } else if is_open(minor) {
            (format!("{major}.0.0{pre}"), true, true, false)
        } else if is_open(patch) {
            (format!("{major}.{minor}.0{pre}"), true, false, true)
        } else {
            let whole = written.whole;
            (whole.to_owned(), false, false, false)
        };
        Some(Comparison {
            operator,
            version: Version::parse(text.as_bytes())?,
            open,
            open_minor,
            open_patch,
        })
    }

    fn holds(&self, version: &Version, with_pre: bool) -> bool {
        if !version.pre.is_empty() && !with_pre {
            return false;
        }
        let order = version.compare(&self.version);
        match self.operator {
            Operator::Equal if self.open => self.tilde(version),
            Operator::Equal => order.is_eq(),
            Operator::NotEqual => self.not_equal(version),
            Operator::Greater => self.greater(version),
            Operator::Less => order.is_lt(),
            Operator::GreaterEqual => order.is_ge(),
            Operator::LessEqual => self.less_equal(version),
            Operator::Tilde => self.tilde(version),
            Operator::Caret => self.caret(version),
        }
    }

    fn not_equal(&self, version: &Version) -> bool {
        let ([major, minor, patch], [bound_major, bound_minor, bound_patch]) = (version.numbers, self.version.numbers);
        if self.open {
            if major != bound_major || (minor != bound_minor && !self.open_minor) {
                return true;
            } else if self.open_minor {
                return false;
            } else if patch != bound_patch && !self.open_patch {
                return true;
            } else if self.open_patch {
                return compare_pre(&version.pre, &self.version.pre).is_ne();
            }
        }
        version.compare(&self.version).is_ne()
    }

    fn greater(&self, version: &Version) -> bool {
        let ([major, minor, _], [bound_major, bound_minor, _]) = (version.numbers, self.version.numbers);
        if self.open {
            if major != bound_major {
                return major > bound_major;
            } else if self.open_minor {
                // 11.1 is not more than 11.
                return false;
            } else if self.open_patch {
                return minor > bound_minor;
            }
        }
        version.compare(&self.version).is_gt()
    }

    fn less_equal(&self, version: &Version) -> bool {
        let ([major, minor, _], [bound_major, bound_minor, _]) = (version.numbers, self.version.numbers);
        if !self.open {
            return version.compare(&self.version).is_le();
        }
        major <= bound_major && !(major == bound_major && minor > bound_minor && !self.open_minor)
    }

    /// `~1.2.3`: from there on, with the same first two numbers.
    fn tilde(&self, version: &Version) -> bool {
        let ([major, minor, _], [bound_major, bound_minor, _]) = (version.numbers, self.version.numbers);
        if version.compare(&self.version).is_lt() {
            return false;
        }
        if self.version.numbers == [0, 0, 0] && !self.open_minor && !self.open_patch {
            return true;
        }
        major == bound_major && (minor == bound_minor || self.open_minor)
    }

    /// `^1.2.3`: from there on, with the same numbers up to the first that is not zero.
    fn caret(&self, version: &Version) -> bool {
        let ([major, minor, patch], [bound_major, bound_minor, bound_patch]) = (version.numbers, self.version.numbers);
        if version.compare(&self.version).is_lt() {
            return false;
        }
        if bound_major > 0 || self.open_minor {
            return major == bound_major;
        }
        if major > 0 {
            return false;
        }
        if bound_minor > 0 || self.open_patch {
            return minor == bound_minor;
        }
        minor == 0 && patch == bound_patch
    }
}
