//! The entry for libFuzzer: the variable FUZZ_TARGET says which target runs. `cargo xtask fuzz` builds and runs it.

#![no_main]

mod documents;
mod edits;
mod envelopes;
mod held;
mod keys;
#[allow(dead_code, reason = "the tests of the format use the rest")]
#[path = "../../sealing/tests/format/v2/oracle.rs"]
mod oracle;
mod templates;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

type Target = fn(&[u8]);

/// The targets by name; each has a folder of this name in `corpus`.
const TARGETS: [(&str, Target); 10] = [
    ("documents", documents::documents),
    ("body", documents::body),
    ("edits", edits::edits),
    ("templates", templates::templates),
    ("envelope", envelopes::envelope),
    ("v2-values", envelopes::v2_values),
    ("keys", keys::keys),
    ("key-secrets", keys::key_secrets),
    ("statuses", keys::statuses),
    ("requests", keys::requests),
];

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found
        .unwrap_or_else(|| panic!("FUZZ_TARGET={name:?} is not a target"))
        .1
});

fuzz_target!(|data: &[u8]| TARGET(data));
