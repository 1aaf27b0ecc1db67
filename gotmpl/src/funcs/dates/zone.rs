//! Time zones.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where a time is shown.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    Utc,
    /// The zone of the machine, which the caller tells.
    Local(TimeZone),
    Named(TimeZone),
    /// An offset in seconds, with the name that stood beside it, or none.
    Fixed(String, i64),
}

impl Zone {
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
            Zone::Fixed(name, offset) => (*offset, name.clone()),
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

    /// The name that Go's `Location` has.
    pub(super) fn name(&self) -> String {
        match self {
            Zone::Utc => "UTC".to_owned(),
            Zone::Local(_) => "Local".to_owned(),
            Zone::Named(zone) => zone.iana_name().unwrap_or_default().to_owned(),
            Zone::Fixed(name, _) => name.clone(),
        }
    }
}
