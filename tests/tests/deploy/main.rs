//! The manifests of `deploy/`, tested with the programs that users install them with: kubectl, helm, the API server.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod chart;
mod image;
mod kustomize;
mod metrics;
mod openshift;
mod policies;
mod rights;
mod workflows;
