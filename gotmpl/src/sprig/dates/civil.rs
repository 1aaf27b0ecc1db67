//! Days of the calendar (that of Gregory, in both directions without end).

/// A day and a time of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: u8,
    /// 1 to 31.
    pub(super) day: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    /// 1 to 366.
    pub(super) day_of_year: u16,
    /// 0 is Sunday.
    pub(super) weekday: u8,
}

const DAY: i64 = 86_400;

/// Seconds from the first of January of the year -292277022399, where Go begins to count, to 1970: whole days.
const BEGINNING: u64 = 9_223_372_028_715_321_600;

/// How many days the months before this one have in a year that is not a leap year.
pub(super) fn days_before(month: u8) -> u16 {
    const DAYS: [u16; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    DAYS.get(usize::from(month).saturating_sub(1)).copied().unwrap_or(365)
}

pub(super) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

pub(super) fn days_in(month: u8, year: i64) -> u16 {
    if month == 2 && is_leap(year) {
        29
    } else {
        days_before(month + 1) - days_before(month)
    }
}

/// Days from 1970-01-01 to this day of the year (the first is 0).
fn days_to(year: i64, day_of_year: i64) -> i64 {
    let before = year - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    before * 365 + leap_days + day_of_year - 719_162
}

/// Seconds from 1970; months and days may lie outside their ranges and are carried over, as Go's `time.Date` does.
pub(super) fn to_seconds(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    let month = u8::try_from(month).unwrap_or(1);
    let leap = i64::from(month > 2 && is_leap(year));
    let days = days_to(year, i64::from(days_before(month)) + leap).wrapping_add(day - 1);
    days.wrapping_mul(DAY).wrapping_add(hour * 3600 + minute * 60 + second)
}

/// The day and time of these seconds from 1970.
pub(super) fn from_seconds(seconds: i64) -> Civil {
    // Go counts from its own beginning of time, without a sign, so what lies before it comes out at the other end.
    let since_beginning = seconds.cast_unsigned().wrapping_add(BEGINNING);
    let in_days = |seconds: u64| i64::try_from(seconds / DAY.unsigned_abs()).unwrap_or(0);
    let days = in_days(since_beginning) - in_days(BEGINNING);
    let second = i64::try_from(since_beginning % DAY.unsigned_abs()).unwrap_or(0);
    // Every 400 years have the same length.
    let since_zero = days + 719_162;
    let (cycle, in_cycle) = (since_zero.div_euclid(146_097), since_zero.rem_euclid(146_097));
    let mut year = cycle * 400 + in_cycle / 366 + 1;
    while days_to(year + 1, 0) <= days {
        year += 1;
    }
    let day_of_year = u16::try_from(days - days_to(year, 0)).unwrap_or(0);
    let leap_day = |month: u8| u16::from(month > 2 && is_leap(year));
    let month = (1..=12)
        .rev()
        .find(|month| days_before(*month) + leap_day(*month) <= day_of_year)
        .unwrap_or(1);
    let byte = |number: i64| u8::try_from(number).unwrap_or(0);
    Civil {
        year,
        month,
        day: u8::try_from(day_of_year - days_before(month) - leap_day(month) + 1).unwrap_or(1),
        hour: byte(second / 3600),
        minute: byte(second / 60 % 60),
        second: byte(second % 60),
        day_of_year: day_of_year + 1,
        weekday: byte((days + 4).rem_euclid(7)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_seconds_agree_in_both_directions() {
        for (seconds, year, month, day, weekday) in [
            (0, 1970, 1, 1, 4),
            (1_709_211_845, 2024, 2, 29, 4),
            (-62_135_596_800, 1, 1, 1, 1),
            (-62_135_596_801, 0, 12, 31, 0),
            (253_402_300_799, 9999, 12, 31, 5),
        ] {
            let civil = from_seconds(seconds);
            assert_eq!(
                (civil.year, civil.month, civil.day, civil.weekday),
                (year, month, day, weekday)
            );
            let (hour, minute, second) = (civil.hour.into(), civil.minute.into(), civil.second.into());
            assert_eq!(
                to_seconds(year, month.into(), day.into(), hour, minute, second),
                seconds
            );
        }
        assert_eq!(to_seconds(2023, 14, 30, 0, 0, 0), to_seconds(2024, 3, 1, 0, 0, 0));
    }
}
