//! The program from outside: its binary, in a folder of its own and without any environment.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails here has failed"
)]

mod bad_input;
mod discovery;
mod doctor;
mod items;
mod keys;
mod lint;
mod manual;
mod output;
mod program;
mod project;
mod render;
mod reseal_files;
mod round_trip;
mod seal_files;
mod unseal_files;
mod web;
