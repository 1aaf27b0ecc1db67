//! A namespace, said or to be looked up.

use std::sync::OnceLock;

use crds::SealedSecret;
use sealing::binding::Scope;
use sealing::seal::{SealError, SealParameters, outline};
use sealing::secret::ClearSecret;

use super::metadata::SealedMetadata;
use crate::cluster::{ClusterError, kubeconfig};
use crate::environment::Environment;
use crate::error::{Error, Hinted};
use crate::flags::{ClusterFlags, set};
use crate::objects::InputError;
use crate::typed::Typed;

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

    /// The namespace; that of the context is looked up.
    ///
    /// # Errors
    /// No kubeconfig says one.
    pub(super) fn resolved(&self, environment: &Environment) -> Result<String, ClusterError> {
        match self {
            Namespace::Said(namespace) => Ok(namespace.clone()),
            Namespace::OfContext(cluster) => kubeconfig::namespace(cluster, environment),
        }
    }
}

/// The namespace of Secrets that name none. It is looked up when the first of them is met: sealing works where there is no
/// kubeconfig.
pub(super) struct DefaultNamespace<'a> {
    namespace: &'a Namespace,
    environment: &'a Environment,
    found: OnceLock<String>,
}

impl<'a> DefaultNamespace<'a> {
    pub(super) fn new(namespace: &'a Namespace, environment: &'a Environment) -> Self {
        Self {
            namespace,
            environment,
            found: OnceLock::new(),
        }
    }

    /// What every Secret is sealed with.
    pub(super) fn parameters(
        &self,
        scope: Scope,
        name: Option<String>,
        allow_empty: bool,
        metadata: &SealedMetadata,
    ) -> SealParameters {
        SealParameters {
            scope,
            name,
            namespace: match self.namespace {
                Namespace::Said(namespace) => Some(namespace.clone()),
                Namespace::OfContext(_) => None,
            },
            allow_empty,
            labels: metadata.labels.clone(),
            annotations: metadata.annotations.clone(),
            ..SealParameters::default()
        }
    }

    /// What sealing `secret` gives, without ciphertexts. The default namespace becomes part of `parameters` if the Secret needs it.
    /// `fault` places what is wrong with the Secret.
    ///
    /// # Errors
    /// [`NoNamespace`], and whatever else keeps the Secret from being sealed.
    pub(super) fn outline(
        &self,
        secret: &ClearSecret,
        parameters: &mut SealParameters,
        fault: impl Fn(SealError) -> InputError,
    ) -> Result<SealedSecret, Error> {
        match outline(secret, parameters) {
            Err(missing @ SealError::NamespaceMissing) if parameters.namespace.is_none() => {
                parameters.default_namespace = Some(self.get(fault(missing))?);
                Ok(outline(secret, parameters).map_err(fault)?)
            }
            outlined => Ok(outlined.map_err(fault)?),
        }
    }

    /// Looks it up for a Secret, of which `input` says that it needs one.
    ///
    /// # Errors
    /// [`NoNamespace`].
    pub(super) fn get(&self, input: InputError) -> Result<String, Error> {
        if let Some(found) = self.found.get() {
            return Ok(found.clone());
        }
        // Two threads may look it up at once, and find the same.
        match self.namespace.resolved(self.environment) {
            Ok(namespace) => Ok(self.found.get_or_init(|| namespace).clone()),
            Err(lookup) => Err(NoNamespace { input, lookup }.into()),
        }
    }
}

/// Neither the Secret nor the command line nor the kubeconfig says a namespace. The text is the reference's.
#[derive(Debug, thiserror::Error)]
#[error("{}: secret must declare a namespace", input.location())]
struct NoNamespace {
    /// The document.
    input: InputError,
    /// Why none could be looked up.
    #[source]
    lookup: ClusterError,
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
