//! A namespace, said or to be looked up.

use crate::flags::{ClusterFlags, set};

/// A namespace, said or to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Namespace {
    /// `--namespace`.
    Said(String),
    /// That of the kubeconfig context.
    OfContext(Box<ClusterFlags>),
}

impl Namespace {
    pub(super) fn of(typed: Option<&String>, cluster: &ClusterFlags) -> Self {
        match set(typed.cloned()) {
            Some(said) => Namespace::Said(said),
            None => Namespace::OfContext(Box::new(cluster.clone())),
        }
    }
}
