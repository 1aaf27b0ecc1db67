//! Letters: upper and lower case, titles, and the names that programs give to things (`snake_case`, `PascalCase`).

use super::runes::{self, Rune, is_lower, is_number, is_punct, is_title, is_upper, map_runes, runes};
use super::runes::{to_lower, to_title, to_upper};
use super::strings::is_space;
use super::{Outcome, S, by_runes, text};
use crate::context::Context;
use crate::function::{Args, Func};
use crate::unicode::{is_digit, is_letter};

pub(super) static FUNCS: &[Func] = &[
    Func::new("upper", &[S], |context, args| {
        text(map_runes(by_runes(context, args, 0, MAPPED)?, to_upper))
    }),
    Func::new("lower", &[S], |context, args| {
        text(map_runes(by_runes(context, args, 0, MAPPED)?, to_lower))
    }),
    Func::new("title", &[S], title),
    Func::new("untitle", &[S], untitle),
    Func::new("swapcase", &[S], swapcase),
    Func::new("snakecase", &[S], |context, args| {
        text(words(by_runes(context, args, 0, PARTED)?, '_'))
    }),
    Func::new("kebabcase", &[S], |context, args| {
        text(words(by_runes(context, args, 0, PARTED)?, '-'))
    }),
    Func::new("camelcase", &[S], |context, args| {
        text(pascal(by_runes(context, args, 0, PARTED)?))
    }),
];

/// Bytes a step where each rune is replaced.
const MAPPED: u64 = 8;

/// Bytes a step where each rune is looked up in several classes of Unicode.
const PARTED: u64 = 3;

/// Go's `strings.Title`: a letter after something that is neither letter, digit nor underscore.
fn title(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let separates = |char: char| {
        if char.is_ascii() {
            !char.is_ascii_alphanumeric() && char != '_'
        } else {
            !is_letter(char) && !is_digit(char) && is_space(char)
        }
    };
    let mut before = ' ';
    text(map_runes(by_runes(context, args, 0, MAPPED)?, |char| {
        let starts = separates(std::mem::replace(&mut before, char));
        if starts { to_title(char) } else { char }
    }))
}

fn untitle(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let mut next = true;
    text(map_runes(by_runes(context, args, 0, MAPPED)?, |char| {
        if is_space(char) {
            next = true;
            char
        } else if std::mem::take(&mut next) {
            to_lower(char)
        } else {
            char
        }
    }))
}

fn swapcase(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let mut after_space = true;
    text(map_runes(by_runes(context, args, 0, PARTED)?, |char| {
        if is_upper(char) || is_title(char) {
            after_space = false;
            to_lower(char)
        } else if is_lower(char) {
            if std::mem::take(&mut after_space) {
                to_title(char)
            } else {
                to_upper(char)
            }
        } else {
            after_space = is_space(char);
            char
        }
    }))
}

fn joins(char: char) -> bool {
    char == '-' || char == '_' || is_space(char)
}

/// `http_server` → `HttpServer`. Connectors at the start stay, several in a row lose one, and of a word that starts with
/// capitals only the first stays large.
fn pascal(whole: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(whole.len());
    let mut rest = runes(whole).map(|rune| rune.char);
    let mut last = None;
    for char in rest.by_ref() {
        last = Some((char, joins(char)));
        if !joins(char) {
            break;
        }
        runes::push(&mut out, char);
    }
    let Some((first, only_connectors)) = last else {
        return out;
    };
    if only_connectors {
        // The original writes the last connector a second time.
        runes::push(&mut out, first);
        return out;
    }
    let mut lowering = is_upper(first);
    let mut previous = to_upper(first);
    for char in rest {
        let mut current = char;
        if joins(current) && joins(previous) {
            runes::push(&mut out, previous);
            previous = current;
            continue;
        }
        if joins(previous) {
            lowering = is_upper(current);
            current = to_upper(current);
        } else {
            if lowering {
                if is_upper(current) {
                    current = to_lower(current);
                } else {
                    lowering = false;
                }
            }
            runes::push(&mut out, previous);
        }
        previous = current;
    }
    runes::push(&mut out, previous);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing left, or a rune that is none.
    Invalid,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

impl Word {
    /// Whether a connector goes between a number and this.
    fn parts_from_number(self) -> bool {
        !matches!(self, Word::Invalid | Word::Punctuation | Word::Connector)
    }

    fn parts_from_word(self) -> bool {
        !matches!(self, Word::Punctuation | Word::Connector)
    }

    fn continues_number(self) -> bool {
        matches!(self, Word::Alphabet | Word::Number)
    }
}

/// `HTTPServer2x` → `http_server_2x`: words, numbers and punctuation apart, in small letters.
fn words(whole: &[u8], connector: char) -> Vec<u8> {
    let mut out = Vec::with_capacity(whole.len() + whole.len() / 4);
    if whole.is_empty() {
        return out;
    }
    let (mut kind, mut word, mut rest) = next_word(whole);
    while !rest.is_empty() {
        if kind != Word::Connector {
            lowered(&mut out, kind, word, connector);
        }
        let (previous, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match previous {
            Word::Number => {
                while kind.continues_number() {
                    lowered(&mut out, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if kind.parts_from_number() {
                    runes::push(&mut out, connector);
                }
            }
            Word::Connector => lowered(&mut out, previous, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if kind.parts_from_word() {
                    runes::push(&mut out, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                // A number belongs to the word before, unless small letters follow it.
                if kind != Word::Alphabet {
                    lowered(&mut out, Word::Number, number, connector);
                    if kind.parts_from_word() {
                        runes::push(&mut out, connector);
                    }
                } else {
                    runes::push(&mut out, connector);
                    lowered(&mut out, Word::Number, number, connector);
                    while kind.continues_number() {
                        lowered(&mut out, kind, word, connector);
                        (kind, word, rest) = next_word(rest);
                    }
                    if kind.parts_from_number() {
                        runes::push(&mut out, connector);
                    }
                }
            }
        }
    }
    lowered(&mut out, kind, word, connector);
    out
}

fn lowered(out: &mut Vec<u8>, kind: Word, word: &[u8], connector: char) {
    if kind != Word::Upper && kind != Word::Connector {
        out.extend_from_slice(word);
        return;
    }
    for Rune { char, .. } in runes(word) {
        runes::push(out, if joins(char) { connector } else { to_lower(char) });
    }
}

/// Letters, but for the signs of Chinese.
fn alphabetic(char: char) -> bool {
    let chinese = matches!(char, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2b81d}');
    is_letter(char) && !chinese
}

/// The next rune that is one (those before it are skipped, and counted); `before` when none follows.
fn next_valid(bytes: &[u8], before: char) -> (char, usize) {
    let mut size = 0;
    for rune in runes(bytes) {
        size += rune.width;
        if rune.char != char::REPLACEMENT_CHARACTER {
            return (rune.char, size);
        }
    }
    (before, size)
}

/// How far runes go on that `belongs` takes, from `from` on; and the rune that ended it, or the last one.
fn run(whole: &[u8], from: usize, first: char, belongs: impl Fn(char) -> bool) -> (usize, usize, char) {
    let (mut at, mut last_size, mut char) = (from, 0, first);
    while at < whole.len() {
        let (next, size) = next_valid(whole.get(at..).unwrap_or_default(), char);
        char = next;
        if !belongs(next) {
            return (at, last_size, char);
        }
        at += size;
        last_size = size;
    }
    (at, last_size, char)
}

/// The first word of a text that is not empty: its kind, itself, and what follows.
fn next_word(whole: &[u8]) -> (Word, &[u8], &[u8]) {
    if whole.is_empty() {
        return (Word::Invalid, whole, whole);
    }
    let (first, size) = next_valid(whole, char::REPLACEMENT_CHARACTER);
    let small = |char: char| alphabetic(char) && !is_upper(char);
    let (kind, end) = if first == char::REPLACEMENT_CHARACTER {
        (Word::Invalid, size)
    } else if joins(first) {
        (Word::Connector, run(whole, size, first, joins).0)
    } else if is_punct(first) {
        (Word::Punctuation, run(whole, size, first, is_punct).0)
    } else if is_upper(first) {
        (Word::Upper, end_of_capitals(whole, size, first))
    } else if alphabetic(first) {
        (Word::Alphabet, run(whole, size, first, small).0)
    } else if is_number(first) {
        (Word::Number, run(whole, size, first, is_number).0)
    } else {
        let other = |char: char| !joins(char) && !alphabetic(char) && !is_number(char) && !is_punct(char);
        (Word::Other, run(whole, size, first, other).0)
    };
    let (word, rest) = whole.split_at_checked(end).unwrap_or((whole, &[]));
    (kind, word, rest)
}

/// Of "HTTPStatus" the word is "HTTP"; of "Status", all.
fn end_of_capitals(whole: &[u8], size: usize, first: char) -> usize {
    if size >= whole.len() {
        return size;
    }
    let (second, width) = next_valid(whole.get(size..).unwrap_or_default(), first);
    if is_upper(second) {
        let (end, last_width, stopped) = run(whole, size, first, is_upper);
        let small_follows = end < whole.len() && alphabetic(stopped);
        return if small_follows { end - last_width } else { end };
    }
    if alphabetic(second) {
        return run(whole, size + width, second, |char| alphabetic(char) && !is_upper(char)).0;
    }
    size
}
