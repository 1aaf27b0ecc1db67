//! Versions of the sealed value's format: what new keys are for, and what is opened.

use sealing::sealer::Format;

use super::{SettingsError, wrong};

/// What new keys are for, besides format v1 (`--hybrid`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HybridKeys {
    /// Nothing.
    Off,
    /// They have a hybrid key, and nobody is told.
    Prepare,
    /// Their certificates carry it, so that format v2 is sealed. Where no key is like that yet, one is made.
    Publish,
}

impl HybridKeys {
    /// The word of `--hybrid`.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub(super) fn of(word: &str) -> Result<Self, SettingsError> {
        match word {
            "off" | "" => Ok(Self::Off),
            "prepare" => Ok(Self::Prepare),
            "publish" => Ok(Self::Publish),
            other => Err(wrong("hybrid", other, "must be off, prepare or publish")),
        }
    }
}

/// What is opened where (`--accept-formats`): format v2 everywhere, format v1 but in the namespaces that one of the patterns fits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct AcceptedFormats {
    /// Names of namespaces, or beginnings of names with `*` behind.
    v2_alone: Vec<String>,
}

impl AcceptedFormats {
    /// All that is known, everywhere.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self { v2_alone: Vec::new() };

    /// A list of `v1`, `v2`, and `v2=PATTERN` for namespaces in which format v1 is not opened.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub(crate) fn of(text: &str) -> Result<Self, SettingsError> {
        let fault = |reason: &str| wrong("accept-formats", text, reason);
        let (mut v1, mut v2, mut v2_alone) = (false, false, Vec::new());
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                None if matches!(part, "v1" | "1") => v1 = true,
                None if matches!(part, "v2" | "2") => v2 = true,
                Some(("v2" | "2", pattern)) if is_pattern(pattern) => v2_alone.push(pattern.to_owned()),
                Some(("v2" | "2", _)) => {
                    return Err(fault("v2= is followed by a namespace, or the begin of one and *"));
                }
                _ => return Err(fault("must be v1,v2, or v2, or v2=NAMESPACE")),
            }
        }
        match (v1, v2) {
            (true, false) => return Err(fault("format v2 is always opened: v1,v2")),
            (false, true) if !v2_alone.is_empty() => return Err(fault("v2 alone is for all namespaces")),
            (false, true) => v2_alone.push("*".to_owned()),
            (true, true) | (false, false) => {}
        }
        Ok(Self { v2_alone })
    }

    /// The earliest version that is opened in this namespace. A request may name one with a slash: in format v1, the label of
    /// `prod/db` in the scope namespace-wide is that of the object `db` in `prod`.
    pub(crate) fn least(&self, namespace: &str) -> Format {
        let namespace = namespace.split('/').next().unwrap_or_default();
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(begin) => namespace.starts_with(begin),
            None => namespace == pattern,
        };
        if self.v2_alone.iter().any(fits) {
            Format::V2
        } else {
            Format::V1
        }
    }

    /// Where format v1 is not opened, for the log; none where it is opened everywhere.
    pub(crate) fn told(&self) -> Option<String> {
        (!self.v2_alone.is_empty()).then(|| self.v2_alone.join(", "))
    }

    /// The earliest version that is opened in every namespace.
    pub(crate) fn least_of_all(&self) -> Format {
        if self.v2_alone.is_empty() {
            Format::V1
        } else {
            Format::V2
        }
    }
}

fn is_pattern(text: &str) -> bool {
    let name = text.strip_suffix('*').unwrap_or(text);
    let of_names = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    !text.is_empty() && name.len() <= 63 && name.bytes().all(of_names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_is_opened_but_where_a_pattern_fits() {
        let cases = [
            ("v1,v2", [Format::V1; 3]),
            ("v2", [Format::V2; 3]),
            ("v2=prod", [Format::V2, Format::V1, Format::V1]),
            ("v1,v2,v2=prod*", [Format::V2, Format::V2, Format::V1]),
            ("v2=prod-a, v2=kube-system", [Format::V1, Format::V2, Format::V2]),
            ("v2=*", [Format::V2; 3]),
            ("1, 2, 2=prod", [Format::V2, Format::V1, Format::V1]),
        ];
        for (text, expected) in cases {
            let accepted = AcceptedFormats::of(text).unwrap();
            let least = ["prod", "prod-a", "kube-system"].map(|namespace| accepted.least(namespace));
            assert_eq!(least, expected, "{text}");
            assert_eq!(Some(accepted.least_of_all()), expected.into_iter().max(), "{text}");
        }
    }

    #[test]
    fn what_has_the_label_of_an_object_is_judged_as_that() {
        let accepted = AcceptedFormats::of("v1,v2,v2=prod").unwrap();
        assert_eq!(accepted.least("prod/db"), Format::V2);
        assert_eq!(accepted.least("test/prod"), Format::V1);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "", "v1", "v3", "v2=", "v2=a*b", "v2=A", "v1=a", "v2,v2=a", "v1,v2,", "v2=a b",
        ] {
            assert!(AcceptedFormats::of(text).is_err(), "{text}");
        }
        assert!(HybridKeys::of("on").is_err());
    }
}
