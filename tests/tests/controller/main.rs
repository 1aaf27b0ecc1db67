//! Our controller's keys, outages and manners, in a real control plane and with its own ServiceAccount's rights.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod keys;
mod laboratory;
mod manners;
mod outages;
mod rights;
