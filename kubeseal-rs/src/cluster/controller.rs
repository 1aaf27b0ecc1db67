//! A controller in a cluster.

use crate::flags::{ClusterFlags, ControllerFlags, set};

/// A controller in a cluster.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Controller {
    /// Namespace of its Service.
    pub namespace: String,
    /// Name of its Service.
    pub name: String,
    /// How to reach the cluster.
    pub cluster: ClusterFlags,
}

impl Controller {
    /// The controller that the flags name; the defaults are the reference's.
    pub(crate) fn of(typed: &ControllerFlags, cluster: &ClusterFlags) -> Self {
        let or = |typed: &Option<String>, default: &str| set(typed.clone()).unwrap_or_else(|| default.to_owned());
        Self {
            namespace: or(&typed.controller_namespace, crds::names::DEFAULT_CONTROLLER_NAMESPACE),
            name: or(&typed.controller_name, crds::names::DEFAULT_CONTROLLER_NAME),
            cluster: cluster.clone(),
        }
    }
}
