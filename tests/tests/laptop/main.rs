//! kubeseal on a laptop, on a real control plane with our controller in it: the verbs that speak with a cluster, and a
//! program of others that calls kubeseal.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod discovery;
mod doctor;
mod fixture;
mod keys;
mod kubeseal_auto;
mod reseal;
mod seal;
mod sizes;
