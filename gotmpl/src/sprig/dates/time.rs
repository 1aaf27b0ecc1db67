//! `time.Time`, and the types that its methods give.

use std::any::Any;

use super::civil::{self, Civil};
use super::layout::{MONTHS, WEEKDAYS};
use super::methods::{DURATION_METHODS, METHODS, NAME_METHODS};
use super::zone::Zone;
use super::{duration, format};
use crate::function::Func;
use crate::types::{Kind, Named};
use crate::value::Object;

/// A moment, and the zone that it is shown in.
#[derive(Clone, Debug)]
pub(in crate::sprig) struct Time {
    /// Since 1970 in UTC.
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
    pub(super) zone: Zone,
}

pub(super) static TIME: Named = Named {
    name: "time.Time",
    kind: Kind::Struct,
};
pub(super) static DURATION: Named = Named {
    name: "time.Duration",
    kind: Kind::Int64,
};
static MONTH: Named = Named {
    name: "time.Month",
    kind: Kind::Int,
};
static WEEKDAY: Named = Named {
    name: "time.Weekday",
    kind: Kind::Int,
};

/// Go's zero time: the first of January of the year 1, in UTC.
const ZERO: i64 = -62_135_596_800;

impl Time {
    pub(super) fn zero() -> Time {
        Time {
            seconds: ZERO,
            nanoseconds: 0,
            zone: Zone::Utc,
        }
    }

    /// Before 1970, a fraction counts from the second before.
    pub(super) fn with_nonnegative_fraction(self, nanoseconds: i128) -> Time {
        let second = i128::from(duration::SECOND);
        Time {
            seconds: i64::try_from(nanoseconds.div_euclid(second)).unwrap_or(self.seconds),
            nanoseconds: u32::try_from(nanoseconds.rem_euclid(second)).unwrap_or(self.nanoseconds),
            zone: self.zone,
        }
    }

    pub(super) fn is_zero(&self) -> bool {
        (self.seconds, self.nanoseconds) == (ZERO, 0)
    }

    fn is_same_moment(&self, other: &Time) -> bool {
        (self.seconds, self.nanoseconds) == (other.seconds, other.nanoseconds)
    }

    /// The calendar day and time in its zone.
    pub(super) fn civil(&self) -> Civil {
        civil::from_seconds(self.seconds.wrapping_add(self.zone.at(self.seconds).0))
    }

    /// Moved by nanoseconds.
    pub(super) fn plus(&self, nanoseconds: i64) -> Time {
        let total = i64::from(self.nanoseconds) + nanoseconds.rem_euclid(duration::SECOND);
        let carried = nanoseconds.div_euclid(duration::SECOND) + total / duration::SECOND;
        Time {
            seconds: self.seconds.wrapping_add(carried),
            nanoseconds: u32::try_from(total % duration::SECOND).unwrap_or(0),
            zone: self.zone.clone(),
        }
    }

    /// Nanoseconds from another moment to this one, held to what fits.
    pub(super) fn since(&self, other: &Time) -> i64 {
        let seconds = i128::from(self.seconds) - i128::from(other.seconds);
        let fraction = i128::from(self.nanoseconds) - i128::from(other.nanoseconds);
        let total = seconds * i128::from(duration::SECOND) + fraction;
        i64::try_from(total).unwrap_or(if total < 0 { i64::MIN } else { i64::MAX })
    }

    /// RFC 3339 with all digits; `None` outside the years 0 to 9999, and for offsets of a day and more.
    pub(in crate::sprig) fn to_json(&self) -> Option<String> {
        let valid = (0..=9999).contains(&self.civil().year) && self.zone.at(self.seconds).0.abs() < 24 * 3600;
        valid.then(|| String::from_utf8(format::format(self, b"2006-01-02T15:04:05.999999999Z07:00")).ok())?
    }
}

impl Object for Time {
    fn go_type(&self) -> &'static Named {
        &TIME
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        METHODS.iter().find(|method| method.name() == name)
    }

    fn text(&self) -> Option<Vec<u8>> {
        Some(format::format(self, b"2006-01-02 15:04:05.999999999 -0700 MST"))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Time>();
        other.is_some_and(|other| self.is_same_moment(other) && self.zone.is_same(&other.zone))
    }

    fn deeply_equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<Time>();
        other.is_some_and(|other| self.is_same_moment(other) && self.zone.is_like(&other.zone))
    }
}

/// `time.Duration`, in nanoseconds.
pub(super) struct Duration(pub(super) i64);

impl Object for Duration {
    fn go_type(&self) -> &'static Named {
        &DURATION
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        DURATION_METHODS.iter().find(|method| method.name() == name)
    }

    fn text(&self) -> Option<Vec<u8>> {
        Some(duration::show(self.0).into_bytes())
    }

    fn integer(&self) -> Option<i64> {
        Some(self.0)
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<Duration>()
            .is_some_and(|other| self.0 == other.0)
    }
}

/// `time.Month` (from 1) or `time.Weekday` (from 0, which is Sunday).
pub(super) struct NameOfTime {
    pub(super) number: u8,
    pub(super) is_month: bool,
}

impl Object for NameOfTime {
    fn go_type(&self) -> &'static Named {
        if self.is_month { &MONTH } else { &WEEKDAY }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<&'static Func> {
        NAME_METHODS.iter().find(|method| method.name() == name)
    }

    fn text(&self) -> Option<Vec<u8>> {
        let place = usize::from(self.number);
        let name = if self.is_month {
            MONTHS.get(place - 1)
        } else {
            WEEKDAYS.get(place)
        };
        name.map(|name| name.as_bytes().to_vec())
    }

    fn integer(&self) -> Option<i64> {
        Some(self.number.into())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<NameOfTime>();
        other.is_some_and(|other| (self.number, self.is_month) == (other.number, other.is_month))
    }
}
