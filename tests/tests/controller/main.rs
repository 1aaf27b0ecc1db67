//! Our controller on a real API server, with the rights of `deploy/`, reached as its users reach it: by objects, HTTP,
//! signals and its command line. A file a subject.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod command_line;
mod http;
mod keys;
mod lab;
mod outage;
mod reconcile;
mod restart;
mod status;
