//! What is known of the values in sealed files: by private keys, or by what the cluster has made of the same ciphertexts.

use std::collections::BTreeMap;

use crds::{SealedSecret, condition_status, names};
use sealing::SecretBytes;
use sealing::binding::BindingError;
use sealing::inspect::{Inspected, inspect};
use sealing::key_hint::KeyHint;
use sealing::keyring::KeyRing;
use sealing::merge::{Held, compare_items};
use sealing::v2::KeyId;

use super::{KnownValues, SealFiles};
use crate::cluster::{Cluster, OpenSecret};
use crate::commands::private_keys::held_keys;
use crate::environment::Environment;
use crate::error::Error;

/// What is known of the values in sealed files.
pub(super) enum Values {
    /// Nothing.
    Unknown,
    /// What these keys open.
    Keys(KeyRing),
    /// The objects in the cluster, by namespace and name.
    Live(BTreeMap<(String, String), Live>),
}

/// A SealedSecret in the cluster that is unsealed as it stands, and its Secret.
pub(super) struct Live {
    sealed: SealedSecret,
    secret: OpenSecret,
}

impl Values {
    /// What the command says to compare with; the cluster is asked for the Secrets of these namespaces and `names`.
    ///
    /// # Errors
    /// The keys cannot be read, or the cluster does not answer.
    pub(super) fn of(
        command: &SealFiles,
        names: impl Iterator<Item = (String, String)>,
        environment: &Environment,
    ) -> Result<Self, Error> {
        match &command.values {
            KnownValues::None => Ok(Values::Unknown),
            KnownValues::Keys(keys) => Ok(Values::Keys(held_keys(keys)?.ring)),
            KnownValues::Cluster(flags) => {
                let cluster = Cluster::connect(flags, environment)?;
                let mut all = BTreeMap::new();
                for (namespace, name) in names {
                    if let Some(live) = Live::get(&cluster, &namespace, &name)? {
                        all.insert((namespace, name), live);
                    }
                }
                Ok(Values::Live(all))
            }
        }
    }

    /// What the items that `sealed` has in common with `items` hold, so far as it is known; none where nothing is to be compared.
    ///
    /// # Errors
    /// As [`compare_items`].
    pub(super) fn held(
        &self,
        sealed: &SealedSecret,
        items: &BTreeMap<String, SecretBytes>,
    ) -> Result<Option<BTreeMap<String, Held>>, BindingError> {
        match self {
            Values::Unknown => Ok(None),
            Values::Keys(keys) => compare_items(sealed, items, keys).map(Some),
            Values::Live(all) => {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let (namespace, name) = (text(&sealed.metadata.namespace), text(&sealed.metadata.name));
                let live = all.get(&(namespace, name));
                Ok(Some(live.map(|live| live.held(sealed, items)).unwrap_or_default()))
            }
        }
    }
}

/// The hybrid key that a value says it was sealed with.
fn hybrid_key(text: &str) -> Option<KeyId> {
    match inspect(text) {
        Ok(Inspected::V2 { keys, .. }) => keys.first().copied(),
        _ => None,
    }
}

impl Live {
    fn get(cluster: &Cluster, namespace: &str, name: &str) -> Result<Option<Self>, Error> {
        let Some(sealed) = cluster.sealed_secret(namespace, name)? else {
            return Ok(None);
        };
        let is_synced = sealed.status.as_ref().is_some_and(|status| {
            let synced = status
                .conditions
                .iter()
                .find(|one| one.type_ == names::CONDITION_SYNCED);
            status.observed_generation == sealed.metadata.generation
                && synced.is_some_and(|one| one.status == condition_status::TRUE)
        });
        if !is_synced {
            return Ok(None);
        }
        let secret = cluster.secret(namespace, name)?;
        Ok(secret.map(|secret| Live { sealed, secret }))
    }

    /// A value is known where the cluster has unsealed the very ciphertext, and its key where the hint names one.
    fn held(&self, sealed: &SealedSecret, items: &BTreeMap<String, SecretBytes>) -> BTreeMap<String, Held> {
        let hint = KeyHint::from_metadata(&sealed.metadata);
        let mut keys = hint.iter().flat_map(KeyHint::keys);
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return BTreeMap::new();
        };
        let in_clear = self.secret.0.data.as_ref();
        let known = items.iter().filter_map(|(item, clear)| {
            let ciphertext = sealed.spec.encrypted_data.get(item)?;
            (self.sealed.spec.encrypted_data.get(item)? == ciphertext).then_some(())?;
            let held = match in_clear?.get(item)?.0 == clear.expose() {
                true => Held::Same(key.clone(), hybrid_key(ciphertext)),
                false => Held::Other,
            };
            Some((item.clone(), held))
        });
        known.collect()
    }
}
