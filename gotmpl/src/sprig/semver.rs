//! Semantic versions, read and compared as the `semver` library of Masterminds does (leniently: `v1.2` is 1.2.0).

mod constraint;

use std::any::Any;
use std::cmp::Ordering;

use super::{A, Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::types::{Kind, Named, Type};
use crate::value::{Object, Value};

pub(super) static FUNCS: &[Func] = &[
    Func::new("semver", &[S], |_, args| {
        Version::parse(args.bytes(0)?).map(Value::object).ok_or(NO_VERSION)
    }),
    Func::new("semverCompare", &[S, S], semver_compare),
];

const NO_VERSION: FuncError = FuncError::Failed("no semantic version");

/// A version.
#[derive(Clone)]
struct Version {
    numbers: [u64; 3],
    pre: String,
    metadata: String,
    original: String,
    /// `semver.Version`, as `IncMajor` gives it, in place of `*semver.Version`.
    by_value: bool,
}

static POINTER: Named = Named {
    name: "*semver.Version",
    kind: Kind::Pointer,
};
static STRUCT: Named = Named {
    name: "semver.Version",
    kind: Kind::Struct,
};

fn semver_compare(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let constraint = std::str::from_utf8(args.bytes(0)?).map_err(|_| NO_CONSTRAINT)?;
    // A range may begin anywhere.
    let length = constraint.len() as u64;
    context.steps(8 + length + length.saturating_mul(length) / 64)?;
    let constraint = constraint::Constraint::parse(constraint).ok_or(NO_CONSTRAINT)?;
    let version = Version::parse(args.bytes(1)?).ok_or(NO_VERSION)?;
    Ok(constraint.accepts(&version).into())
}

/// What a deep copy makes of a version: one without anything in it, as the original's cannot see its fields.
pub(super) fn copied(object: &dyn Object) -> Option<Value> {
    let version: &Version = object.as_any().downcast_ref()?;
    Some(Value::object(Version {
        numbers: [0; 3],
        pre: String::new(),
        metadata: String::new(),
        original: String::new(),
        by_value: version.by_value,
    }))
}

const NO_CONSTRAINT: FuncError = FuncError::Failed("no constraint of versions");

/// Letters, digits and hyphens, in parts between dots, none empty.
fn is_dotted(text: &str) -> bool {
    text.split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// The number at the start and what follows.
fn leading_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    Some((digits.parse().ok()?, rest))
}

impl Version {
    fn parse(text: &[u8]) -> Option<Version> {
        let original = std::str::from_utf8(text).ok()?;
        let mut rest = original.strip_prefix('v').unwrap_or(original);
        let mut numbers = [0; 3];
        for (place, number) in numbers.iter_mut().enumerate() {
            if place > 0 {
                match rest.strip_prefix('.') {
                    Some(after) => rest = after,
                    None => break,
                }
            }
            (*number, rest) = leading_number(rest)?;
        }
        let (rest, metadata) = rest
            .split_once('+')
            .map_or((rest, None), |(rest, metadata)| (rest, Some(metadata)));
        let pre = match rest.strip_prefix('-') {
            Some(pre) => Some(pre),
            None if rest.is_empty() => None,
            None => return None,
        };
        // A number within a pre-release has no zero in front.
        let starts_with_zero =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|byte| byte.is_ascii_digit());
        let valid = pre.is_none_or(|pre| is_dotted(pre) && !pre.split('.').any(starts_with_zero));
        if !valid || !metadata.is_none_or(is_dotted) {
            return None;
        }
        Some(Version {
            numbers,
            pre: pre.unwrap_or_default().to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: original.to_owned(),
            by_value: false,
        })
    }

    /// The next version after a number at this place is counted up.
    fn next(&self, place: usize) -> Version {
        let mut numbers = self.numbers;
        for (at, number) in numbers.iter_mut().enumerate() {
            // A pre-release of 1.2.3 comes before it, so the next patch is 1.2.3 itself.
            if at == place && (place < 2 || self.pre.is_empty()) {
                *number = number.wrapping_add(1);
            } else if at > place {
                *number = 0;
            }
        }
        let mut next = Version {
            numbers,
            pre: String::new(),
            metadata: String::new(),
            original: String::new(),
            by_value: true,
        };
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{}", next.to_text());
        next
    }

    fn to_text(&self) -> String {
        let [major, minor, patch] = self.numbers;
        let mut written = format!("{major}.{minor}.{patch}");
        if !self.pre.is_empty() {
            written = format!("{written}-{}", self.pre);
        }
        if !self.metadata.is_empty() {
            written = format!("{written}+{}", self.metadata);
        }
        written
    }

    fn compare(&self, other: &Version) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

/// A pre-release comes before its release; its parts are compared one by one, numbers as numbers and before words.
fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) if a == b => Ordering::Equal,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

impl Object for Version {
    fn go_type(&self) -> &'static Named {
        if self.by_value { &STRUCT } else { &POINTER }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        METHODS
            .iter()
            .find(|method| method.name() == name && !(self.by_value && name == "Original"))
    }

    fn size(&self) -> usize {
        self.pre.len() + self.metadata.len() + self.original.len()
    }

    fn text(&self) -> Option<Vec<u8>> {
        Some(self.to_text().into_bytes())
    }

    /// `%d` and its like print them.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let [major, minor, patch] = self.numbers.map(Value::Uint64);
        let [pre, metadata, original] =
            [&self.pre, &self.metadata, &self.original].map(|part| Value::from(part.as_str()));
        vec![
            ("major", major),
            ("minor", minor),
            ("patch", patch),
            ("pre", pre),
            ("metadata", metadata),
            ("original", original),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Version>().is_some_and(|other| {
            (self.numbers, &self.pre, &self.metadata, &self.original)
                == (other.numbers, &other.pre, &other.metadata, &other.original)
        })
    }
}

const VERSION: Type = Type::Named(&POINTER);

fn version<'a>(args: Args<'a>, index: usize) -> Result<&'a Version, FuncError> {
    args.object(index)
}

fn number(args: Args<'_>, place: usize) -> Outcome {
    let number = version(args, 0)?.numbers.get(place).copied();
    Ok(Value::Uint64(number.unwrap_or_default()))
}

fn ordered(args: Args<'_>, wanted: impl Fn(Ordering) -> bool) -> Outcome {
    Ok(wanted(version(args, 0)?.compare(version(args, 1)?)).into())
}

static METHODS: &[Func] = &[
    Func::new("Major", &[A], |_, args| number(args, 0)),
    Func::new("Minor", &[A], |_, args| number(args, 1)),
    Func::new("Patch", &[A], |_, args| number(args, 2)),
    Func::new("Prerelease", &[A], |_, args| text(version(args, 0)?.pre.clone())),
    Func::new("Metadata", &[A], |_, args| text(version(args, 0)?.metadata.clone())),
    Func::new("Original", &[A], |_, args| text(version(args, 0)?.original.clone())),
    Func::new("String", &[A], |_, args| text(version(args, 0)?.to_text())),
    Func::new("IncMajor", &[A], |_, args| Ok(Value::object(version(args, 0)?.next(0)))),
    Func::new("IncMinor", &[A], |_, args| Ok(Value::object(version(args, 0)?.next(1)))),
    Func::new("IncPatch", &[A], |_, args| Ok(Value::object(version(args, 0)?.next(2)))),
    Func::new("Compare", &[A, VERSION], |_, args| {
        Ok(Value::Int(version(args, 0)?.compare(version(args, 1)?) as i64))
    }),
    Func::new("LessThan", &[A, VERSION], |_, args| ordered(args, Ordering::is_lt)),
    Func::new("LessThanEqual", &[A, VERSION], |_, args| ordered(args, Ordering::is_le)),
    Func::new("GreaterThan", &[A, VERSION], |_, args| ordered(args, Ordering::is_gt)),
    Func::new("GreaterThanEqual", &[A, VERSION], |_, args| {
        ordered(args, Ordering::is_ge)
    }),
    Func::new("Equal", &[A, VERSION], |_, args| ordered(args, Ordering::is_eq)),
];
