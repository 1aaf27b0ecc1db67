//! Text ↔ documents: what is read, what is refused and in which words, and the bytes that are written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test that meets the unexpected has to stop, and one that bounds a time has to measure it"
)]

mod edit_property;
mod editing;
mod go_yaml;
mod mixed;
mod properties;
mod reading;
mod refusing;
mod strings;
mod typed;
mod writing;
