//! Time zones.

use std::rc::Rc;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where a time is shown.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    Utc,
    /// The zone of the machine, which the caller tells.
    Local(TimeZone),
    Named(TimeZone),
    /// Made for one time that was read, and for those that come from it.
    Fixed(Rc<Fixed>),
}

/// An offset with the name that stood beside it.
#[derive(Debug, PartialEq)]
pub(super) struct Fixed {
    /// Empty where none stood there.
    name: String,
    /// In seconds.
    offset: i64,
}

impl Zone {
    /// A zone with one offset (in seconds) and a name, which may be empty.
    pub(super) fn fixed(name: String, offset: i64) -> Zone {
        Zone::Fixed(Rc::new(Fixed { name, offset }))
    }

    /// The zone of this name in the data that is compiled in.
    pub(super) fn named(name: &[u8], local: &Zone) -> Option<Zone> {
        match name {
            b"" | b"UTC" => Some(Zone::Utc),
            b"Local" => Some(local.clone()),
            _ => {
                let name = std::str::from_utf8(name).ok()?;
                let found = TimeZoneDatabase::bundled().get(name).ok()?;
                // The search does not tell capitals from small letters; Go's, which looks for a file, does.
                (found.iana_name() == Some(name)).then_some(Zone::Named(found))
            }
        }
    }

    /// The offset in seconds and the abbreviation at a moment.
    pub(super) fn at(&self, seconds: i64) -> (i64, String) {
        match self {
            Zone::Utc => (0, "UTC".to_owned()),
            Zone::Fixed(fixed) => (fixed.offset, fixed.name.clone()),
            Zone::Local(zone) | Zone::Named(zone) => {
                let (min, max) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let moment = Timestamp::from_second(seconds.clamp(min, max)).unwrap_or_default();
                let info = zone.to_offset_info(moment);
                (info.offset().seconds().into(), info.abbreviation().to_owned())
            }
        }
    }

    /// The moment at which clocks of this zone show these seconds from 1970. Of two, Go takes one by a rule of its own.
    pub(super) fn moment_of(&self, shown: i64) -> i64 {
        let (offset, _) = self.at(shown);
        if offset == 0 {
            return shown;
        }
        let guess = shown.wrapping_sub(offset);
        let (real, _) = self.at(guess);
        if real == offset {
            guess
        } else {
            shown.wrapping_sub(real)
        }
    }

    /// The offset that this zone has under an abbreviation, at about this moment.
    pub(super) fn offset_of(&self, abbreviation: &str, near: i64) -> Option<i64> {
        const SEASONS: [i64; 5] = [0, -91, 91, -182, 182];
        SEASONS.iter().find_map(|days| {
            let (offset, name) = self.at(near.saturating_add(days * 86_400));
            (name == abbreviation).then_some(offset)
        })
    }

    /// Whether both are one `Location` of Go's, which is a pointer: each zone that is read with an offset or a name is one
    /// of its own, but for whole hours without a name, of which Go keeps one each.
    pub(super) fn is_same(&self, other: &Zone) -> bool {
        match (self, other) {
            (Zone::Fixed(a), Zone::Fixed(b)) => Rc::ptr_eq(a, b) || (a == b && a.is_kept()),
            _ => self.is_like(other),
        }
    }

    /// Whether both say the same.
    pub(super) fn is_like(&self, other: &Zone) -> bool {
        match (self, other) {
            (Zone::Utc, Zone::Utc) | (Zone::Local(_), Zone::Local(_)) => true,
            (Zone::Named(a), Zone::Named(b)) => a == b,
            (Zone::Fixed(a), Zone::Fixed(b)) => a == b,
            _ => false,
        }
    }
}

impl Fixed {
    fn is_kept(&self) -> bool {
        const HOUR: i64 = 3600;
        self.name.is_empty() && self.offset % HOUR == 0 && (-12 * HOUR..=14 * HOUR).contains(&self.offset)
    }
}
