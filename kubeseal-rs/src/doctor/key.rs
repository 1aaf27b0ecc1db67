//! What the key hint, the certificates and the lengths of keys say of an object that opens under no binding.

use std::collections::BTreeSet;

use sealing::hint::KeyHint;
use sealing::key::Fingerprint;

use super::ask::Case;
use super::{Cause, Diagnosis, Evidence};
use crate::keys::State;

/// No binding that was tried opens it: it is the key, or its own first bytes.
pub(super) fn of_the_key(case: &Case, evidence: &Evidence, file: &str) -> Diagnosis {
    told_by_keys(case, evidence, file).unwrap_or_else(|| {
        let message = "it opens under none of the names, namespaces and scopes that were tried: it was sealed with another \
                       cluster's certificate, its key is gone, or the text is damaged"
            .to_owned();
        Diagnosis {
            cause: Cause::Unknown,
            certain: false,
            message,
            next: format!(
                "kubeseal doctor {file} --recovery-private-key BACKUP tries saved keys; kubeseal doctor {file} --cert FILE \
                 compares the certificate that it was sealed with"
            ),
        }
    })
}

/// What the key hint, the certificates and the lengths of keys say.
pub(super) fn told_by_keys(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    let hinted: BTreeSet<_> = case.hint.iter().flat_map(KeyHint::keys).cloned().collect();
    let known = [&evidence.opened_here_by, &hinted, &evidence.opened_before_by];
    let sealed_with = known.into_iter().find(|keys| !keys.is_empty()).unwrap_or(&hinted);
    let state_of = |key: &Fingerprint| {
        let keys = evidence.keys.as_ref()?.keys.iter();
        let same = |one: &&crate::keys::Key| one.cert.as_ref().is_some_and(|cert| cert.fingerprint == *key);
        keys.into_iter().find(same)
    };
    if let Some(key) = sealed_with.iter().find_map(state_of) {
        if let State::Retired(label) = &key.state {
            return Some(key_gone(
                format!(
                    "it was sealed with the key of {}, which is retired (its label is {label:?})",
                    key.name
                ),
                "kubeseal keys list; label it active to open with it once more, then kubeseal reseal".to_owned(),
            ));
        }
    } else if let Some(key) = sealed_with.iter().next().filter(|_| evidence.keys.is_some()) {
        let was_ours = evidence.opened_before_by.contains(key) || evidence.opened_here_by.contains(key);
        let restore = format!("kubeseal keys restore BACKUP, with a backup that holds {key}");
        return Some(
            match evidence.local.iter().find(|cert| cert.facts.fingerprint == *key) {
                _ if was_ours => key_gone(
                    format!("no key Secret of the cluster holds {key}, which it was sealed with"),
                    restore,
                ),
                Some(cert) => other_cluster(
                    format!(
                        "it was sealed with {} ({key}), and this cluster does not have its key",
                        cert.name
                    ),
                    file,
                ),
                None => key_gone(
                    format!("no key Secret of the cluster holds {key}, which it was sealed with by its key hint"),
                    format!(
                        "if it is another cluster's: kubeseal --fetch-cert > cert.pem, and seal again; else {restore}"
                    ),
                ),
            },
        );
    }
    let sizes: BTreeSet<usize> = match &evidence.keys {
        Some(keys) => keys
            .keys
            .iter()
            .filter_map(|key| key.cert.as_ref())
            .map(|cert| cert.bits)
            .collect(),
        None => evidence.served.iter().map(|served| served.bits).collect(),
    };
    if !sizes.is_empty() && case.bits.iter().any(|bits| !sizes.contains(bits)) {
        let (sealed, there) = (joined(&case.bits), joined(&sizes));
        return Some(other_cluster(
            format!("it was sealed with a key of {sealed} bits, and the cluster's have {there}"),
            file,
        ));
    }
    // The certificate at hand is not this cluster's, and whoever seals with it gets what does not open.
    let served = evidence.served.as_ref()?;
    let holds = |key: &Fingerprint| *key == served.fingerprint || state_of(key).is_some();
    let foreign = evidence
        .local
        .iter()
        .find(|cert| cert.for_this_cluster && !holds(&cert.facts.fingerprint))?;
    let message = format!(
        "{} is not a certificate of this cluster; what it seals does not open here",
        foreign.name
    );
    Some(Diagnosis {
        certain: false,
        ..other_cluster(message, file)
    })
}

fn joined(numbers: &BTreeSet<usize>) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn key_gone(message: String, next: String) -> Diagnosis {
    Diagnosis {
        cause: Cause::KeyGone,
        certain: true,
        message,
        next,
    }
}

fn other_cluster(message: String, file: &str) -> Diagnosis {
    Diagnosis {
        cause: Cause::OtherCluster,
        certain: true,
        message,
        next: format!(
            "kubeseal --fetch-cert > cert.pem, then seal {file} again; or is it meant for another --context?"
        ),
    }
}
