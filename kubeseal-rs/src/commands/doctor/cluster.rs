//! Evidence from the cluster: an object's status, the keys, the served certificate, and whether the controller can open the object.

use std::collections::BTreeSet;

use crds::SealedSecret;
use jiff::Timestamp;
use sealing::binding::Binding;
use sealing::cert::SealingCert;

use crate::cluster::{Cluster, ClusterError, Controller, ProxiedService, Verdict};
use crate::doctor::probe::{Answer, Case, Origin, Place, Trial};
use crate::doctor::status::NotSynced;
use crate::doctor::{Evidence, Unreachable};
use crate::environment::Environment;
use crate::error::chain;
use crate::keys::{Inventory, KeyFacts, LocalCert};

/// Candidates tried with the controller for one object: it answers two requests a second.
const MOST_QUESTIONS: usize = 24;

/// A cluster, and what could be read from it.
pub(super) struct Reached {
    cluster: Option<Cluster>,
    service: Option<ProxiedService>,
    served: Option<KeyFacts>,
    keys: Option<Inventory>,
    objects: Vec<SealedSecret>,
    /// What could not be asked, and why.
    unreachable: Option<Unreachable>,
    /// Refusals to list objects.
    unread: Vec<String>,
    questions: usize,
    /// Why the controller did not answer an attempt with this object.
    failure: Option<Unreachable>,
}

impl Reached {
    /// Reads what does not depend on the object. Refusals are kept for the report.
    pub(super) fn by(controller: &Controller, local: &[LocalCert], environment: &Environment, now: Timestamp) -> Self {
        let mut reached = Self {
            cluster: None,
            service: None,
            served: None,
            keys: None,
            objects: Vec::new(),
            unreachable: None,
            unread: Vec::new(),
            questions: 0,
            failure: None,
        };
        let cluster = match Cluster::connect(&controller.cluster, environment) {
            Ok(cluster) => cluster,
            Err(error) => return reached.without(&error),
        };
        match cluster.service(controller) {
            Ok(service) => reached.service = Some(service),
            Err(error @ ClusterError::NoAnswer(_)) => return reached.without(&error),
            Err(error) => reached = reached.without(&error),
        }
        if reached.service.is_some() {
            match cluster.certificate(controller) {
                Ok(pem) => reached.served = SealingCert::from_pem(&pem).ok().map(|cert| KeyFacts::of(&cert)),
                Err(error) => {
                    reached.service = None;
                    reached = reached.without(&error);
                }
            }
        }
        reached.objects = cluster.sealed_secrets().unwrap_or_else(|error| {
            reached.unread.push(chain(&error));
            Vec::new()
        });
        match cluster.key_secrets(&controller.namespace) {
            Ok(secrets) if secrets.is_empty() => {}
            Ok(secrets) => {
                let secrets: Vec<_> = secrets.iter().map(|secret| &secret.0).collect();
                let served = reached.served.as_ref().map(|served| &served.fingerprint);
                reached.keys = Some(Inventory::of(&secrets, served, None, local, now));
            }
            Err(error) => reached.unread.push(chain(&error)),
        }
        reached.cluster = Some(cluster);
        reached
    }

    fn without(mut self, error: &ClusterError) -> Self {
        self.unreachable.get_or_insert_with(|| unreachable(error));
        self
    }

    /// Adds what the cluster says of this object to the evidence.
    pub(super) fn add_to(&mut self, evidence: &mut Evidence, case: &Case) {
        self.questions = 0;
        self.failure = None;
        evidence.keys.clone_from(&self.keys);
        evidence.served.clone_from(&self.served);
        evidence.unreachable.clone_from(&self.unreachable);
        evidence.unread.clone_from(&self.unread);
        let is_it = |live: &&SealedSecret| {
            let metadata = &live.metadata;
            metadata.name == case.object.metadata.name && metadata.namespace.as_deref() == Some(&case.namespace)
        };
        if let Some(live) = self.objects.iter().find(is_it) {
            evidence.status = NotSynced::of(live, case);
            if same_items(live, case) {
                evidence.opened_before_by = live
                    .status
                    .iter()
                    .flat_map(|status| &status.opened_by)
                    .filter_map(|key| key.parse().ok())
                    .collect();
            }
        } else if let Some(live) = self.objects.iter().find(|live| same_items(live, case)) {
            evidence.elsewhere = Some(place(live));
        }
    }

    /// Where the object may have been sealed for: the places of objects with the same ciphertexts, and the namespaces of the
    /// others.
    pub(super) fn places(&self, case: &Case) -> (Vec<Place>, Vec<Place>) {
        let same = self.objects.iter().filter(|live| same_items(live, case)).map(place);
        let same = same.map(|(namespace, name)| Place {
            namespace,
            name,
            origin: Origin::SameInCluster,
        });
        let namespaces: BTreeSet<_> = self.objects.iter().map(|live| place(live).0).collect();
        let others = namespaces.into_iter().map(|namespace| Place {
            namespace,
            name: String::new(),
            origin: Origin::Cluster,
        });
        (same.collect(), others.collect())
    }

    /// Whether the controller answers.
    pub(super) fn has_controller(&self) -> bool {
        self.cluster.is_some() && self.service.is_some()
    }
}

/// Whether an object of the cluster has a ciphertext of this one, under the same item.
fn same_items(live: &SealedSecret, case: &Case) -> bool {
    let items = &live.spec.encrypted_data;
    let mut own = case.object.spec.encrypted_data.iter();
    own.any(|(item, text)| items.get(item) == Some(text))
}

/// The namespace and the name of an object of the cluster.
fn place(live: &SealedSecret) -> (String, String) {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    (or_empty(&live.metadata.namespace), or_empty(&live.metadata.name))
}

/// The controller could not be asked where the API server answered; else the cluster.
fn unreachable(error: &ClusterError) -> Unreachable {
    let answered = matches!(
        error,
        ClusterError::Service(_)
            | ClusterError::Certificate(..)
            | ClusterError::Validate(..)
            | ClusterError::NotFound { .. }
            | ClusterError::Untrusted { .. }
            | ClusterError::SeveralServices(_)
            | ClusterError::NoPort(_)
    );
    let name = || "name the cluster (--context, --kubeconfig), or --offline to leave it out".to_owned();
    let hint = error.hint().filter(|_| answered);
    Unreachable {
        who: if answered { "controller" } else { "cluster" },
        reason: chain(error),
        next: hint.unwrap_or_else(name),
    }
}

impl Trial for Reached {
    fn attempt(&mut self, case: &Case, binding: &Binding) -> Answer {
        let (Some(cluster), Some(service)) = (&self.cluster, &self.service) else {
            return Answer::Unasked;
        };
        // The next answer would be the same, and may take as long.
        if self.failure.is_some() {
            return Answer::Unasked;
        }
        // The limit is for candidates: another item name is tried under the object's own binding.
        if *binding != case.own {
            if self.questions >= MOST_QUESTIONS {
                return Answer::Unasked;
            }
            self.questions += 1;
        }
        let Ok(json) = manifest::to_json_compact(&case.bound_to(binding)) else {
            return Answer::Unasked;
        };
        match cluster.verify(service, json.into_bytes()) {
            Ok(Verdict::Opens) => Answer::Opens,
            Ok(Verdict::DoesNotOpen) => Answer::Closed,
            Err(error) => {
                let failure = unreachable(&error);
                // A refusal may be due to the object; no answer is due to the connection.
                if !matches!(error, ClusterError::Validate(..)) {
                    self.unreachable = Some(failure.clone());
                    self.service = None;
                }
                self.failure = Some(failure);
                Answer::Unasked
            }
        }
    }

    fn failure(&self) -> Option<Unreachable> {
        self.failure.clone()
    }
}
