//! The command `kubeseal`: reads the world, asks [`sealing`], writes the answer once.

#![cfg_attr(
    not(feature = "open"),
    allow(dead_code, reason = "what asks a cluster is compiled without its client")
)]

mod args;
mod cert_source;
mod cluster;
mod colour;
mod commands;
#[cfg(unix)]
mod core_dump;
mod doctor;
mod editor;
mod embedded;
mod environment;
mod error;
mod field_order;
mod files;
mod flags;
mod git;
mod interrupt;
mod keys;
mod lint;
mod manifest_file;
mod names;
mod note;
mod objects;
mod parallel;
mod patterns;
mod place;
mod placeholder;
mod progress;
mod project;
mod prompt;
mod proxy;
mod quoting;
mod report;
mod repository;
mod run;
mod tree;
mod typed;
mod walk;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    core_dump::forbid();
    let environment = environment::Environment::of_this_process();
    let argv: Vec<_> = std::env::args_os().collect();
    match run::run(argv.iter().cloned(), &environment, jiff::Timestamp::now()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(|| args::typed(&argv)),
    }
}
