//! The command line as it was typed, for hints: a command that a hint suggests keeps the flags that were given.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, ArgAction, Args as _, Command};

use crate::flags::{ClusterFlags, ControllerFlags};
use crate::quoting::{path_word, public_address, word};

/// Flags whose values are not repeated in a message, each with what stands there instead.
const CONFIDENTIAL: [(&str, &str); 5] = [
    ("token", "TOKEN"),
    ("password", "PASSWORD"),
    ("proxy-url", "URL"),
    ("from-literal", "KEY=VALUE"),
    ("data", "KEY=VALUE"),
];

/// Flags that say how to seal, whatever is sealed.
const SEALING: [&str; 6] = [
    "cert",
    "for-cluster",
    "scope",
    "namespace",
    "allow-empty-data",
    "format-version",
];

/// What was typed, word by word. Presets of the environment are not part of it: they hold for the next command too.
#[derive(Debug, Default)]
pub(crate) struct Typed {
    /// The program and the verb.
    path: Vec<String>,
    words: Vec<Word>,
}

#[derive(Debug)]
struct Word {
    /// The flag's long name; none: no flag.
    flag: Option<String>,
    /// As it is repeated: one word of a shell, or two.
    text: String,
}

impl Typed {
    /// What was typed of `command`, which the first words name.
    pub(crate) fn of(path: Vec<String>, command: &Command, argv: &[OsString]) -> Self {
        let is_verb = path.len() > 1;
        let mut rest = argv
            .iter()
            .skip(path.len())
            .map(|word| word.to_string_lossy().into_owned());
        let mut words = Vec::new();
        while let Some(typed) = rest.next() {
            if typed == "--" {
                words.extend(rest.by_ref().map(|typed| Word::plain(&typed)));
                break;
            }
            words.push(match flag(command, &typed) {
                Some((arg, value)) => Word::of(arg, &typed, value, &mut rest),
                None => Word::plain(&typed),
            });
        }
        // Words that no flag takes are ignored without a verb, and may be values.
        words.retain(|word| is_verb || word.flag.is_some());
        Self { path, words }
    }

    /// The same command with one flag more, in place of one that it has.
    pub(crate) fn with(&self, flag: &str) -> String {
        let long = flag.trim_start_matches("--").split(' ').next().unwrap_or_default();
        self.command(Some(flag), |word| word.flag.as_deref() != Some(long))
    }

    /// The same command with one flag in place of another.
    pub(crate) fn in_place_of(&self, other: &str, flag: &str) -> String {
        self.command(Some(flag), |word| word.flag.as_deref() != Some(other))
    }

    /// The same command with one flag more, for this file alone where several may be meant.
    pub(crate) fn for_file(&self, file: &Path, flag: &str) -> String {
        let of_trees = self.is_verb("seal") || self.is_verb("reseal");
        if !of_trees || !self.words.iter().any(|word| word.flag.is_none()) {
            return self.with(flag);
        }
        let mut words: Vec<_> = self.words.iter().filter(|word| word.flag.is_some()).collect();
        words.retain(|word| !word.is_one_of(&["for-cluster", "cert"]));
        let file = path_word(file);
        let rest = words.into_iter().map(|word| word.text.as_str());
        self.joined([file.as_str(), flag].into_iter().chain(rest))
    }

    /// The same command without these flags.
    pub(crate) fn without(&self, flags: &[&str]) -> String {
        self.command(None, |word| !word.is_one_of(flags))
    }

    /// The same command with this path in place of the other, if that was typed.
    pub(crate) fn with_path(&self, other: &Path, path: &Path) -> String {
        let (other, path) = (path_word(other), path_word(path));
        let words = self.words.iter().map(|word| match &word.flag {
            None if word.text == other => path.as_str(),
            _ => word.text.as_str(),
        });
        self.joined(words)
    }

    /// Whether the command is this verb.
    pub(crate) fn is_verb(&self, verb: &str) -> bool {
        self.path.get(1).is_some_and(|typed| typed == verb)
    }

    /// Whether the command works on files, each for itself.
    pub(crate) fn is_of_files(&self) -> bool {
        let is_file = |word: &Word| word.flag.is_none() && word.text != "-";
        ["seal", "reseal", "unseal"].iter().any(|verb| self.is_verb(verb)) && self.words.iter().any(is_file)
    }

    /// The file of a verb that takes one, which stands before its other words.
    pub(crate) fn file(&self) -> &str {
        let first = self.words.iter().find(|word| word.flag.is_none());
        first.map_or("FILE", |word| word.text.as_str())
    }

    /// The flags that say how to seal, for another command, with a space before each.
    pub(crate) fn sealing_flags(&self) -> String {
        self.sealing_flags_that(|_| true)
    }

    /// The same with what the values are bound to, which stands in capitals where it was not typed.
    pub(crate) fn naming_flags(&self) -> String {
        let takes = |flag: &str| flag != "allow-empty-data" && flag != "namespace";
        let mut flags = self.sealing_flags_that(takes);
        for (flag, shown) in [("name", "--name NAME"), ("namespace", "--namespace NAMESPACE")] {
            match self.flags(|typed| typed == flag) {
                typed if typed.is_empty() => flags.extend([" ", shown]),
                typed => flags.push_str(&typed),
            }
        }
        flags.trim_start().to_owned()
    }

    fn sealing_flags_that(&self, wanted: impl Fn(&str) -> bool) -> String {
        let reaches = reaching_flags();
        self.flags(|flag| wanted(flag) && (SEALING.contains(&flag) || has(&reaches, flag)))
    }

    /// The flags that say which controller to ask, and how to reach it, with a space before each.
    pub(crate) fn controller_flags(&self) -> String {
        let reaches = reaching_flags();
        self.flags(|flag| has(&reaches, flag))
    }

    /// These flags, as far as they were typed, with a space before each.
    pub(crate) fn flags(&self, takes: impl Fn(&str) -> bool) -> String {
        let taken = self
            .words
            .iter()
            .filter(|word| word.flag.as_deref().is_some_and(&takes));
        taken.map(|word| format!(" {}", word.text)).collect()
    }

    fn command(&self, flag: Option<&str>, stays: impl Fn(&Word) -> bool) -> String {
        let words = self
            .words
            .iter()
            .filter(|word| stays(word))
            .map(|word| word.text.as_str());
        self.joined(flag.into_iter().chain(words))
    }

    /// The program and the verb, and these words.
    fn joined<'w>(&'w self, words: impl Iterator<Item = &'w str>) -> String {
        let path = self.path.iter().map(String::as_str);
        path.chain(words).collect::<Vec<_>>().join(" ")
    }
}

impl Word {
    fn plain(typed: &str) -> Self {
        Self {
            flag: None,
            text: match typed {
                // Standard input, not a file of that name.
                "-" => typed.to_owned(),
                _ => path_word(Path::new(&public_address(typed))),
            },
        }
    }

    /// A flag, whose value stands behind it in the same word, or is the next of `rest`.
    fn of(arg: &Arg, typed: &str, value: Option<&str>, rest: &mut impl Iterator<Item = String>) -> Self {
        let flag = arg.get_long().unwrap_or_default();
        let shown = CONFIDENTIAL
            .iter()
            .find(|(name, _)| *name == flag)
            .map(|(_, shown)| *shown);
        let text = match value {
            Some(value) => {
                let before = typed.strip_suffix(value).unwrap_or_default();
                word(&(before.to_owned() + &shown.map_or_else(|| public_address(value), ToOwned::to_owned)))
            }
            None if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) => {
                let next = rest.next().unwrap_or_default();
                let shown = shown.map_or_else(|| word(&public_address(&next)), ToOwned::to_owned);
                format!("{typed} {shown}")
            }
            None => typed.to_owned(),
        };
        Self {
            flag: Some(flag.to_owned()),
            text,
        }
    }

    fn is_one_of(&self, flags: &[&str]) -> bool {
        self.flag.as_deref().is_some_and(|flag| flags.contains(&flag))
    }
}

/// The flag that a word is, and the value that stands in the same word.
fn flag<'c, 't>(command: &'c Command, typed: &'t str) -> Option<(&'c Arg, Option<&'t str>)> {
    let mut args = command.get_arguments();
    if let Some(long) = typed.strip_prefix("--") {
        let (name, value) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        return Some((args.find(|arg| arg.get_long() == Some(name))?, value));
    }
    let short = typed.strip_prefix('-')?;
    let letter = short.chars().next()?;
    let value = short.get(letter.len_utf8()..).filter(|value| !value.is_empty());
    Some((args.find(|arg| arg.get_short() == Some(letter))?, value))
}

fn reaching_flags() -> Command {
    ClusterFlags::augment_args(ControllerFlags::augment_args(Command::new("")))
}

fn has(command: &Command, flag: &str) -> bool {
    command.get_arguments().any(|arg| arg.get_long() == Some(flag))
}
