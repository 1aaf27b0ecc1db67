//! Go's layouts of dates: the parts of `Mon Jan 2 15:04:05 MST 2006`, each standing for itself.

/// A part of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    UpperPm,
    LowerPm,
    Zone,
    Offset(Offset),
    /// `.000`: so many digits, after this separator.
    Fraction(u8, usize),
    /// `.999`: at most so many, without zeros at the end.
    TrimmedFraction(u8, usize),
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// `Z` for UTC itself.
    pub(super) z: bool,
    pub(super) colons: bool,
    pub(super) minutes: bool,
    pub(super) seconds: bool,
}

const OFFSETS: &[(&[u8], bool, bool, bool)] = &[
    (b"070000", false, true, true),
    (b"07:00:00", true, true, true),
    (b"0700", false, true, false),
    (b"07:00", true, true, false),
    (b"07", false, false, false),
];

/// Texts and what they stand for; a longer one comes before those that it begins with.
const WORDS: &[(&[u8], Part)] = &[
    (b"January", Part::LongMonth),
    (b"Monday", Part::LongWeekday),
    (b"MST", Part::Zone),
    (b"01", Part::ZeroMonth),
    (b"002", Part::ZeroYearDay),
    (b"02", Part::ZeroDay),
    (b"03", Part::ZeroHour12),
    (b"04", Part::ZeroMinute),
    (b"05", Part::ZeroSecond),
    (b"06", Part::Year),
    (b"15", Part::Hour),
    (b"1", Part::NumMonth),
    (b"2006", Part::LongYear),
    (b"2", Part::Day),
    (b"__2", Part::UnderYearDay),
    (b"_2", Part::UnderDay),
    (b"3", Part::Hour12),
    (b"4", Part::Minute),
    (b"5", Part::Second),
    (b"PM", Part::UpperPm),
    (b"pm", Part::LowerPm),
];

/// The text before the first part, the part, and the layout after it.
pub(super) fn next(layout: &[u8]) -> (&[u8], Option<Part>, &[u8]) {
    for place in 0..layout.len() {
        let (before, rest) = layout.split_at_checked(place).unwrap_or_default();
        if let Some((part, skipped, length)) = at_start(rest) {
            let before = layout.get(..before.len() + skipped).unwrap_or_default();
            return (before, Some(part), rest.get(skipped + length..).unwrap_or_default());
        }
    }
    (layout, None, b"")
}

/// The part at the start, how many bytes before it are text, and how many it takes.
fn at_start(rest: &[u8]) -> Option<(Part, usize, usize)> {
    if rest.starts_with(b"_2006") {
        return Some((Part::LongYear, 1, 4));
    }
    let word = WORDS.iter().find(|(word, _)| rest.starts_with(word));
    if let Some((word, part)) = word {
        return Some((*part, 0, word.len()));
    }
    match rest {
        [b'J', b'a', b'n', after @ ..] if !starts_small(after) => Some((Part::Month, 0, 3)),
        [b'M', b'o', b'n', after @ ..] if !starts_small(after) => Some((Part::Weekday, 0, 3)),
        [sign @ (b'-' | b'Z'), after @ ..] => {
            let (text, colons, minutes, seconds) = OFFSETS.iter().find(|(text, ..)| after.starts_with(text))?;
            let offset = Offset {
                z: *sign == b'Z',
                colons: *colons,
                minutes: *minutes,
                seconds: *seconds,
            };
            Some((Part::Offset(offset), 0, text.len() + 1))
        }
        [separator @ (b'.' | b','), digit @ (b'0' | b'9'), ..] => {
            let digits = rest.iter().skip(1).take_while(|byte| *byte == digit).count();
            if rest.get(digits + 1).is_some_and(u8::is_ascii_digit) {
                return None;
            }
            let part = if *digit == b'0' {
                Part::Fraction(*separator, digits)
            } else {
                Part::TrimmedFraction(*separator, digits)
            };
            Some((part, 0, digits + 1))
        }
        _ => None,
    }
}

fn starts_small(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_lowercase)
}

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
