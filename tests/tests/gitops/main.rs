//! Git as the only truth: the example repository, served over HTTP, applied by the real Flux, unsealed by our controller,
//! read by a real Kafka Connect.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod connect;
mod environments;
mod flux;
mod kafka;
mod kubelet;
mod operators;
mod repository;
mod story;
