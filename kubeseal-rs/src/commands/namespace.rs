//! A namespace, said or to be looked up.

use crate::cluster::ClusterError;
use crate::error::Hinted;
use crate::flags::{ClusterFlags, set};
use crate::objects::InputError;
use crate::typed::Typed;
use sealing::binding::Scope;

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

/// Neither the Secret nor the command line nor the kubeconfig says a namespace. The text is the reference's.
#[derive(Debug, thiserror::Error)]
#[error("{}: secret must declare a namespace", input.location())]
pub(super) struct NoNamespace {
    /// The document.
    pub(super) input: InputError,
    /// Why none could be looked up.
    #[source]
    pub(super) lookup: ClusterError,
}

impl Hinted for NoNamespace {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(typed.with("--namespace NAMESPACE"))
    }
}

/// The same of a bare value.
#[derive(Debug, thiserror::Error)]
#[error("must provide the --namespace flag with --raw and --scope {scope}")]
pub(super) struct RawNeedsNamespace {
    /// The scope.
    pub(super) scope: Scope,
    /// Why none could be looked up.
    #[source]
    pub(super) lookup: ClusterError,
}

impl Hinted for RawNeedsNamespace {
    fn hint(&self, typed: &Typed) -> Option<String> {
        Some(typed.with("--namespace NAMESPACE"))
    }
}
