//! The program from outside: its binary, in a folder of its own and without any environment.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here has failed"
)]

mod at_once;
mod bad_input;
mod clear_files;
mod concurrent_edit;
mod discovery;
mod doctor;
#[cfg(unix)]
mod edit;
mod embedded;
mod first_use;
mod format_v2;
mod hints;
mod items;
mod key_files;
mod keys;
#[cfg(unix)]
mod killed;
mod lint;
mod manual;
#[cfg(target_os = "linux")]
mod many;
mod mixed_kinds;
mod names;
mod order;
mod output;
mod page;
mod patches;
mod program;
mod project;
mod removed_secrets;
mod render;
mod reseal_files;
mod round_trip;
mod seal_files;
mod seal_in_place;
mod sizes;
mod sources;
mod streams;
#[cfg(unix)]
mod terminal;
mod unseal_files;
mod warned;
mod web;
mod where_the_reference_fails;
mod windows_text;
mod without_namespace;
mod wrappers;
