//! Text → times: Go's `time.ParseInLocation`.

use super::civil::{days_before, days_in, is_leap, to_seconds};
use super::layout::{self, MONTHS, Offset, Part, WEEKDAYS};
use super::time::Time;
use super::zone::Zone;

/// What has been read so far.
#[derive(Default)]
struct Found {
    year: i64,
    month: Option<u8>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    pm: Option<bool>,
    utc: bool,
    offset: Option<i64>,
    zone: Option<String>,
}

/// The time that `value` tells in this layout; where it tells no zone, in the local one.
pub(super) fn parse(layout: &[u8], value: &[u8], local: &Zone) -> Option<Time> {
    let mut found = Found::default();
    let (mut layout, mut value) = (layout, value);
    loop {
        let (text, part, after) = layout::next(layout);
        value = skip(value, text)?;
        let Some(part) = part else {
            return if value.is_empty() { found.time(local) } else { None };
        };
        layout = after;
        value = found.read(part, value, layout)?;
    }
}

/// The value after this text, in which every run of spaces stands for any number of them.
fn skip<'v>(mut value: &'v [u8], mut text: &[u8]) -> Option<&'v [u8]> {
    let without_spaces = |bytes: &[u8]| bytes.iter().take_while(|byte| **byte == b' ').count();
    while let Some((first, rest)) = text.split_first() {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return None;
            }
            text = text.get(without_spaces(text)..)?;
            value = value.get(without_spaces(value)..)?;
            continue;
        }
        value = value.strip_prefix(&[*first])?;
        text = rest;
    }
    Some(value)
}

/// One or two digits; two when `fixed`.
fn number(value: &[u8], fixed: bool) -> Option<(i64, &[u8])> {
    let digit = |byte: &u8| i64::from(byte - b'0');
    match value {
        [a @ b'0'..=b'9', b @ b'0'..=b'9', rest @ ..] => Some((digit(a) * 10 + digit(b), rest)),
        [a @ b'0'..=b'9', rest @ ..] if !fixed => Some((digit(a), rest)),
        _ => None,
    }
}

fn in_range(read: (i64, &[u8]), range: std::ops::Range<i64>) -> Option<(i64, &[u8])> {
    range.contains(&read.0).then_some(read)
}

/// The place of a name in a list, whatever its capitals, and what follows it. `length` cuts the names.
fn name<'v>(value: &'v [u8], names: &[&str], length: usize) -> Option<(usize, &'v [u8])> {
    names.iter().enumerate().find_map(|(place, name)| {
        let name = name.get(..length.min(name.len()))?.as_bytes();
        let (start, rest) = value.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some((place, rest))
    })
}

/// A separator and `count` digits as nanoseconds; more than nine do not count.
fn nanoseconds(value: &[u8], count: usize) -> Option<(u32, &[u8])> {
    let (read, rest) = value.split_at_checked(count + 1)?;
    let (separator, digits) = read.split_first()?;
    let digits = digits.get(..digits.len().min(9))?;
    if !matches!(separator, b'.' | b',') || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = digits
        .iter()
        .fold(0u32, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    Some((number * 10u32.pow(9 - u32::try_from(digits.len()).ok()?), rest))
}

fn fraction_digits(value: &[u8]) -> usize {
    match value {
        [b'.' | b',', rest @ ..] => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    }
}

impl Found {
    /// Reads one part and gives what follows it. `layout` is what follows the part there.
    fn read<'v>(&mut self, part: Part, value: &'v [u8], layout: &[u8]) -> Option<&'v [u8]> {
        let rest = match part {
            Part::LongYear | Part::Year => return self.read_year(part, value),
            Part::Month | Part::LongMonth => {
                let (place, rest) = name(value, &MONTHS, if part == Part::Month { 3 } else { usize::MAX })?;
                self.month = u8::try_from(place + 1).ok();
                rest
            }
            Part::NumMonth | Part::ZeroMonth => {
                let (month, rest) = in_range(number(value, part == Part::ZeroMonth)?, 1..13)?;
                self.month = u8::try_from(month).ok();
                rest
            }
            Part::Weekday => name(value, &WEEKDAYS, 3)?.1,
            Part::LongWeekday => name(value, &WEEKDAYS, usize::MAX)?.1,
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                let value = value
                    .strip_prefix(b" ")
                    .filter(|_| part == Part::UnderDay)
                    .unwrap_or(value);
                let (day, rest) = number(value, part == Part::ZeroDay)?;
                self.day = Some(day);
                rest
            }
            Part::UnderYearDay | Part::ZeroYearDay => return self.read_day_of_year(part, value),
            Part::Hour | Part::Hour12 | Part::ZeroHour12 => {
                let below = if part == Part::Hour { 24 } else { 13 };
                let rest;
                (self.hour, rest) = in_range(number(value, part == Part::ZeroHour12)?, 0..below)?;
                rest
            }
            Part::Minute | Part::ZeroMinute => {
                let rest;
                (self.minute, rest) = in_range(number(value, part == Part::ZeroMinute)?, 0..60)?;
                rest
            }
            Part::Second | Part::ZeroSecond => return self.read_second(part, value, layout),
            Part::UpperPm | Part::LowerPm => return self.read_half_of_day(part, value),
            Part::Zone => return self.read_zone(value),
            Part::Offset(form) => return self.read_offset(form, value),
            Part::Fraction(_, digits) => {
                let rest;
                (self.nanoseconds, rest) = nanoseconds(value, digits)?;
                rest
            }
            Part::TrimmedFraction(..) => match fraction_digits(value) {
                0 => value,
                digits => {
                    let rest;
                    (self.nanoseconds, rest) = nanoseconds(value, digits)?;
                    rest
                }
            },
        };
        Some(rest)
    }

    fn read_year<'v>(&mut self, part: Part, value: &'v [u8]) -> Option<&'v [u8]> {
        let (read, rest) = value.split_at_checked(if part == Part::Year { 2 } else { 4 })?;
        // Two places may hold a sign, as Go's reading of numbers has it.
        let signed = part == Part::Year && matches!(read.first(), Some(b'+' | b'-'));
        let digits = if signed { read.get(1..)? } else { read };
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let year = digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let year = if read.first() == Some(&b'-') { -year } else { year };
        self.year = match part {
            Part::Year if year >= 69 => year + 1900,
            Part::Year => year + 2000,
            _ => year,
        };
        Some(rest)
    }

    fn read_half_of_day<'v>(&mut self, part: Part, value: &'v [u8]) -> Option<&'v [u8]> {
        let (read, rest) = value.split_at_checked(2)?;
        self.pm = Some(match (part, read) {
            (Part::UpperPm, b"PM") | (Part::LowerPm, b"pm") => true,
            (Part::UpperPm, b"AM") | (Part::LowerPm, b"am") => false,
            _ => return None,
        });
        Some(rest)
    }

    fn read_day_of_year<'v>(&mut self, part: Part, mut value: &'v [u8]) -> Option<&'v [u8]> {
        let under = part == Part::UnderYearDay;
        for _ in 0..2 {
            value = value.strip_prefix(b" ").filter(|_| under).unwrap_or(value);
        }
        let count = value.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || (!under && count != 3) {
            return None;
        }
        let (digits, rest) = value.split_at_checked(count)?;
        self.day_of_year = Some(digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')));
        Some(rest)
    }

    /// A fraction may follow that the layout does not tell of.
    fn read_second<'v>(&mut self, part: Part, value: &'v [u8], layout: &[u8]) -> Option<&'v [u8]> {
        let (second, rest) = in_range(number(value, part == Part::ZeroSecond)?, 0..60)?;
        self.second = second;
        let digits = fraction_digits(rest);
        if digits == 0
            || matches!(
                layout::next(layout).1,
                Some(Part::Fraction(..) | Part::TrimmedFraction(..))
            )
        {
            return Some(rest);
        }
        let (read, rest) = nanoseconds(rest, digits)?;
        self.nanoseconds = read;
        Some(rest)
    }

    fn read_offset<'v>(&mut self, form: Offset, value: &'v [u8]) -> Option<&'v [u8]> {
        if form.z
            && let Some(rest) = value.strip_prefix(b"Z")
        {
            self.utc = true;
            return Some(rest);
        }
        let (sign, mut rest) = value.split_first()?;
        let mut parts = [0; 3];
        for (place, part) in parts.iter_mut().enumerate() {
            let written = [true, form.minutes, form.seconds].get(place).copied().unwrap_or(false);
            if !written {
                continue;
            }
            if place > 0 && form.colons {
                rest = rest.strip_prefix(b":")?;
            }
            // 24 hours and 60 minutes or seconds are taken, as some people write them.
            (*part, rest) = in_range(number(rest, true)?, 0..if place == 0 { 25 } else { 61 })?;
        }
        let [hours, minutes, seconds] = parts;
        let offset = (hours * 60 + minutes) * 60 + seconds;
        self.offset = Some(match sign {
            b'+' => offset,
            b'-' => -offset,
            _ => return None,
        });
        Some(rest)
    }

    fn read_zone<'v>(&mut self, value: &'v [u8]) -> Option<&'v [u8]> {
        if let Some(rest) = value.strip_prefix(b"UTC") {
            self.utc = true;
            return Some(rest);
        }
        let (read, rest) = value.split_at_checked(abbreviation(value)?)?;
        self.zone = Some(String::from_utf8(read.to_vec()).ok()?);
        Some(rest)
    }

    /// Month and day, of which a day of the year must not say anything else.
    fn date(&self) -> Option<(u8, i64)> {
        let Some(day_of_year) = self.day_of_year else {
            return Some((self.month.unwrap_or(1), self.day.unwrap_or(1)));
        };
        let leap = is_leap(self.year);
        let last = if leap { 366 } else { 365 };
        let place = u16::try_from(day_of_year).ok().filter(|day| (1..=last).contains(day))?;
        let before = |month: u8| days_before(month) + u16::from(leap && month > 2);
        let month = (1..=12).rev().find(|month| before(*month) < place)?;
        let day = i64::from(place - before(month));
        let agrees = self.month.is_none_or(|told| told == month) && self.day.is_none_or(|told| told == day);
        agrees.then_some((month, day))
    }

    fn time(self, local: &Zone) -> Option<Time> {
        let (month, day) = self.date()?;
        if day < 1 || day > i64::from(days_in(month, self.year)) {
            return None;
        }
        let hour = match self.pm {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let shown = to_seconds(self.year, month.into(), day, hour, self.minute, self.second);
        let at = |seconds, zone| Time {
            seconds,
            nanoseconds: self.nanoseconds,
            zone,
        };
        if self.utc {
            return Some(at(shown, Zone::Utc));
        }
        // An offset of one second west is what Go takes for "none was read".
        if let Some(offset) = self.offset.filter(|offset| *offset != -1) {
            let seconds = shown - offset;
            let (here, name) = local.at(seconds);
            let is_local = here == offset && self.zone.as_ref().is_none_or(|zone| *zone == name);
            let zone = if is_local {
                local.clone()
            } else {
                Zone::fixed(self.zone.unwrap_or_default(), offset)
            };
            return Some(at(seconds, zone));
        }
        if let Some(zone) = self.zone {
            if let Some(offset) = local.offset_of(&zone, shown) {
                return Some(at(shown - offset, local.clone()));
            }
            // "GMT+3" contains its offset; any other name that is not known here counts as UTC.
            let hours: i64 = zone
                .strip_prefix("GMT")
                .and_then(|hours| hours.parse().ok())
                .unwrap_or(0);
            return Some(at(shown - hours * 3600, Zone::fixed(zone, hours * 3600)));
        }
        Some(at(local.moment_of(shown), local.clone()))
    }
}

/// How long the abbreviation of a zone is that a value starts with.
fn abbreviation(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(rest));
    }
    if matches!(value.first(), Some(b'+' | b'-')) {
        return Some(signed_hours(value)).filter(|length| *length > 0);
    }
    let capitals = value
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_uppercase())
        .count();
    let ends_in_t = value.get(capitals.checked_sub(1)?) == Some(&b'T');
    match capitals {
        3 => Some(3),
        4 if ends_in_t || value.starts_with(b"WITA") => Some(4),
        5 if ends_in_t => Some(5),
        _ => None,
    }
}

/// The length of a sign and up to 23 hours; 0 when there are none.
fn signed_hours(value: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = value.split_first() else {
        return 0;
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = digits.iter().take(count).fold(0u64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    if count == 0 || hours > 23 { 0 } else { count + 1 }
}
