//! Our controller: each rule for Secrets, statuses, keys, HTTP and the command line, on a real API server and
//! with the rights of `deploy/`. A file a subject.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod admission;
mod api_usage;
mod argocd;
mod canary;
mod clock;
mod command_line;
mod connections;
mod crowd;
mod disconnects;
mod every_field;
mod fairness;
mod fixture;
mod flags;
mod format_v2;
mod half_open;
mod http;
mod incidents;
mod key_secrets;
mod keys;
mod kubectl;
mod lean;
mod memory;
mod namespaces;
mod others;
mod outage;
mod partition;
mod process_memory;
mod re_encrypt;
mod reconcile;
mod refused;
mod relay;
mod replicas;
mod restart;
mod restored;
mod resync;
mod rotate;
mod slow_writes;
mod status;
mod templates;
mod unreadable;
