//! Times → text.

use super::civil::Civil;
use super::layout::{self, MONTHS, Offset, Part, WEEKDAYS};
use super::time::Time;

/// Go's `Time.Format`.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let (offset, name) = time.zone.at(time.seconds);
    let civil = time.civil();
    let mut out = Vec::with_capacity(layout.len() + 16);
    let mut rest = layout;
    while !rest.is_empty() {
        let (text, part, after) = layout::next(rest);
        out.extend_from_slice(text);
        rest = after;
        match part {
            None => break,
            Some(Part::Zone) => out.extend(zone(offset, &name).into_bytes()),
            Some(Part::Offset(form)) => out.extend(show_offset(offset, form).into_bytes()),
            Some(Part::Fraction(separator, digits)) => fraction(&mut out, time.nanoseconds, separator, digits, false),
            Some(Part::TrimmedFraction(separator, digits)) => {
                fraction(&mut out, time.nanoseconds, separator, digits, true);
            }
            Some(part) => out.extend(field(&civil, part).into_bytes()),
        }
    }
    out
}

fn field(civil: &Civil, part: Part) -> String {
    let month = MONTHS.get(usize::from(civil.month) - 1).copied().unwrap_or_default();
    let weekday = WEEKDAYS.get(usize::from(civil.weekday)).copied().unwrap_or_default();
    let short = |name: &str| name.get(..3).unwrap_or_default().to_owned();
    let hour12 = match civil.hour % 12 {
        0 => 12,
        hour => hour,
    };
    match part {
        Part::LongMonth => month.to_owned(),
        Part::Month => short(month),
        Part::NumMonth => civil.month.to_string(),
        Part::ZeroMonth => format!("{:02}", civil.month),
        Part::LongWeekday => weekday.to_owned(),
        Part::Weekday => short(weekday),
        Part::Day => civil.day.to_string(),
        Part::UnderDay => format!("{:2}", civil.day),
        Part::ZeroDay => format!("{:02}", civil.day),
        Part::UnderYearDay => format!("{:3}", civil.day_of_year),
        Part::ZeroYearDay => format!("{:03}", civil.day_of_year),
        Part::Hour => format!("{:02}", civil.hour),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => civil.minute.to_string(),
        Part::ZeroMinute => format!("{:02}", civil.minute),
        Part::Second => civil.second.to_string(),
        Part::ZeroSecond => format!("{:02}", civil.second),
        Part::LongYear if civil.year < 0 => format!("-{:04}", -civil.year),
        Part::LongYear => format!("{:04}", civil.year),
        Part::Year => format!("{:02}", civil.year.max(0) % 100),
        Part::UpperPm => if civil.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Part::LowerPm => if civil.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Part::Zone | Part::Offset(_) | Part::Fraction(..) | Part::TrimmedFraction(..) => String::new(),
    }
}

/// The abbreviation; where there is none, the offset.
fn zone(offset: i64, name: &str) -> String {
    if !name.is_empty() {
        return name.to_owned();
    }
    let minutes = (offset / 60).abs();
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

fn show_offset(offset: i64, form: Offset) -> String {
    if form.z && offset == 0 {
        return "Z".to_owned();
    }
    let minutes = (offset / 60).abs();
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let colon = if form.colons { ":" } else { "" };
    let mut shown = format!("{sign}{:02}", minutes / 60);
    if form.minutes {
        shown = format!("{shown}{colon}{:02}", minutes % 60);
    }
    if form.seconds {
        shown = format!("{shown}{colon}{:02}", (offset % 60).abs());
    }
    shown
}

fn fraction(out: &mut Vec<u8>, nanoseconds: u32, separator: u8, digits: usize, trim: bool) {
    let mut shown = format!("{nanoseconds:09}");
    shown.extend(std::iter::repeat_n('0', digits.saturating_sub(9)));
    shown.truncate(digits.min(9));
    if trim {
        shown.truncate(shown.trim_end_matches('0').len());
        if shown.is_empty() {
            return;
        }
    }
    out.push(separator);
    out.extend(shown.into_bytes());
}
