//! Causes for an object that opens under no binding, by its key hint, the certificates and the lengths of keys.

use std::collections::BTreeSet;

use sealing::key::Fingerprint;

use super::diagnoses::{Tried, again, key_gone, other_cluster, retired};
use super::probe::Case;
use super::{Cause, Diagnosis, Evidence, hybrid_key};
use crate::keys::{Key, LocalCert, State};

/// No candidate opens it: the cause is the key, a binding that is not among the candidates, or damage.
pub(super) fn of_the_key(case: &Case, evidence: &Evidence, count: Tried, file: &str) -> Diagnosis {
    let foreign = || by_certificate(case, evidence, file).filter(|one| one.cause.is_fault());
    hybrid_key::by_key_ids(case, evidence, file)
        .or_else(|| hybrid_key::not_bound(case, evidence, count, file))
        .or_else(|| bound_elsewhere(case, evidence, count, file))
        .or_else(|| by_keys(case, evidence, file).map(or_another_binding))
        .or_else(|| by_hint_at_hand(case, evidence, file))
        .or_else(|| foreign().map(or_another_binding))
        .unwrap_or_else(|| unknown(case, evidence, count, file))
}

/// A key at hand opens it as it stands, so its binding and its text are sound: the cluster lacks that key.
pub(super) fn of_a_lost_key(case: &Case, evidence: &Evidence, file: &str) -> Diagnosis {
    let lost = || {
        let keys: Vec<_> = evidence.opened_here_by.iter().map(ToString::to_string).collect();
        let keys = keys.join(", ");
        key_gone(
            format!("{keys} at hand opens it as it stands, and no key of the controller does"),
            format!(
                "kubeseal keys restore BACKUP, with a backup that holds {keys}; or is it meant for another --context?"
            ),
        )
    };
    hybrid_key::by_key_ids(case, evidence, file)
        .or_else(|| by_keys(case, evidence, file))
        .filter(|one| one.certain)
        .unwrap_or_else(lost)
}

/// The key that sealed it is held where it was tried, so that the binding or the text is the cause.
fn bound_elsewhere(case: &Case, evidence: &Evidence, count: Tried, file: &str) -> Option<Diagnosis> {
    let hinted = case.hinted();
    let is_served = |key: &Fingerprint| {
        evidence
            .served
            .as_ref()
            .is_some_and(|served| served.fingerprint == *key)
    };
    let is_active = |key: &Fingerprint| {
        let secret = key_secret(evidence, key);
        secret.is_some_and(|secret| !matches!(secret.state, State::Retired(_)))
    };
    let was_asked = evidence.unreachable.is_none();
    let is_held = |key: &Fingerprint| evidence.at_hand.contains(key) || was_asked && (is_served(key) || is_active(key));
    let knows = !hinted.is_empty() && case.opening.is_empty() && hinted.iter().all(is_held);
    knows.then(|| Diagnosis {
        cause: Cause::Unknown,
        certain: false,
        message: format!(
            "the key that its key hint names is held, and opens it under {}. One of: it was sealed for another name or namespace; \
             its text is damaged",
            count.none_of()
        ),
        next: again(file),
    })
}

/// A suspicion about the key leaves the binding as another possible cause.
fn or_another_binding(diagnosis: Diagnosis) -> Diagnosis {
    if diagnosis.certain {
        return diagnosis;
    }
    let message = format!(
        "one of: {}; it was sealed for a name or namespace that was not tried",
        diagnosis.message
    );
    Diagnosis { message, ..diagnosis }
}

fn unknown(case: &Case, evidence: &Evidence, count: Tried, file: &str) -> Diagnosis {
    let none = count.none_of();
    let (message, next) = if case.opening.is_empty() {
        (
            format!(
                "it opens under {none}. One of: it was sealed for another name or namespace; it was sealed with another \
                 cluster's certificate; its key is gone; its text is damaged"
            ),
            untried(evidence, file).unwrap_or_else(|| again(file)),
        )
    } else {
        (
            format!(
                "{} opens as it stands, {} under {none}. One of: it was sealed for another name or namespace; it was sealed with \
                 another certificate; its text is damaged",
                case.opening.join(", "),
                case.failing.join(", ")
            ),
            again(file),
        )
    };
    Diagnosis {
        cause: Cause::Unknown,
        certain: false,
        message,
        next,
    }
}

/// The checks that this command did not make.
fn untried(evidence: &Evidence, file: &str) -> Option<String> {
    let keys = format!("kubeseal doctor {file} --recovery-private-key BACKUP tries saved keys");
    let certificate = format!("kubeseal doctor {file} --cert FILE compares the certificate that it was sealed with");
    let asked = [
        (evidence.at_hand.is_empty(), keys),
        (!evidence.certs_named, certificate),
    ];
    let open: Vec<_> = asked
        .into_iter()
        .filter(|(open, _)| *open)
        .map(|(_, next)| next)
        .collect();
    (!open.is_empty()).then(|| open.join("; "))
}

/// Compares the key hint with the keys at hand, none of which opens the items in question.
fn by_hint_at_hand(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    let hinted = case.hinted();
    let (opening, failing) = (case.opening.join(", "), case.failing.join(", "));
    if evidence.at_hand.is_empty() || hinted.is_empty() {
        return None;
    }
    let told = |cause, message, next| Diagnosis {
        cause,
        certain: false,
        message,
        next,
    };
    if let Some(key) = hinted.difference(&evidence.at_hand).next() {
        let what = if opening.is_empty() { "it" } else { &failing };
        let same = |cert: &&LocalCert| cert.facts.fingerprint == *key;
        let cert = evidence.local.iter().find(same);
        let cert = cert.map(|cert| format!(" (that of {})", cert.name)).unwrap_or_default();
        return Some(told(
            Cause::KeyGone,
            format!("by the key hint, {what} was sealed with {key}{cert}, which is none of the keys at hand"),
            format!(
                "kubeseal doctor {file} --recovery-private-key BACKUP, with a backup that holds it; if it is another \
                 cluster's, seal again for this one (kubeseal set {file} ITEM)"
            ),
        ));
    }
    (!opening.is_empty()).then(|| {
        told(
            Cause::Damaged,
            format!("{opening} opens, {failing} does not, and by the key hint the same keys have sealed all of it"),
            again(file),
        )
    })
}

/// Compares the certificates that were named with the key hint, or by the length of the key alone.
pub(super) fn by_certificate(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    if !evidence.certs_named {
        return None;
    }
    if case.is_v2() {
        return hybrid_key::by_certificate(case, evidence, file);
    }
    let certs = &evidence.local;
    let is_known = |key: &Fingerprint| certs.iter().any(|cert| cert.facts.fingerprint == *key);
    let has_length = |bits: &usize| certs.iter().any(|cert| cert.facts.bits == *bits);
    let hinted = case.hinted();
    let sealed_with = if let Some(key) = hinted.iter().find(|key| !is_known(key)) {
        let what = if hinted.len() == 1 { "it" } else { "some of it" };
        format!("by its key hint {what} was sealed with {key}")
    } else if !case.bits.iter().all(has_length) {
        format!("it was sealed with a key of {} bits", joined(&case.bits))
    } else if hinted.is_empty() {
        return Some(Diagnosis {
            cause: Cause::Certificate,
            certain: true,
            message: "it has no key hint, so whether it was sealed with this certificate cannot be seen".to_owned(),
            next: untried(evidence, file).unwrap_or_else(|| again(file)),
        });
    } else {
        return None;
    };
    let one = |cert: &LocalCert| {
        format!(
            "{} is of {} ({} bits)",
            cert.name, cert.facts.fingerprint, cert.facts.bits
        )
    };
    let certs = certs.iter().map(one).collect::<Vec<_>>().join(", ");
    Some(Diagnosis {
        certain: false,
        next: format!(
            "a key of before or after a renewal opens all the same, another cluster's does not: then seal {file} again \
             with kubeseal --cert FILE"
        ),
        ..other_cluster(format!("{sealed_with}, and {certs}"), evidence, file)
    })
}

/// Compares the key hint with the keys of the cluster, then lengths and certificates.
pub(super) fn by_keys(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    let hinted = case.hinted();
    let known = [&evidence.opened_here_by, &hinted, &evidence.opened_before_by];
    let sealed_with = known.into_iter().find(|keys| !keys.is_empty()).unwrap_or(&hinted);
    if let Some(key) = sealed_with.iter().find_map(|key| key_secret(evidence, key)) {
        if let Some(retired) = retired(key, evidence) {
            return Some(retired);
        }
    } else if let Some(key) = sealed_with.iter().next().filter(|_| evidence.keys.is_some()) {
        return Some(not_held(key, evidence, file));
    }
    another_length(case, evidence, file).or_else(|| foreign_certificate(evidence, file))
}

/// The Secret of the cluster that holds this key, if they may be listed.
fn key_secret<'e>(evidence: &'e Evidence, key: &Fingerprint) -> Option<&'e Key> {
    let holds = |one: &&Key| one.cert.as_ref().is_some_and(|cert| cert.fingerprint == *key);
    evidence.keys.as_ref()?.keys.iter().find(holds)
}

/// No Secret of the cluster holds this key, which sealed it.
fn not_held(key: &Fingerprint, evidence: &Evidence, file: &str) -> Diagnosis {
    let was_ours = evidence.opened_before_by.contains(key) || evidence.opened_here_by.contains(key);
    let restore = format!("kubeseal keys restore BACKUP, with a backup that holds {key}");
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
            evidence,
            file,
        ),
        None => key_gone(
            format!("no key Secret of the cluster holds {key}, which it was sealed with by its key hint"),
            format!(
                "if it is another cluster's: kubeseal --fetch-cert{} -w cert.pem, and seal again; else {restore}",
                evidence.flags
            ),
        ),
    }
}

/// No key of the cluster has the length of the key that sealed it.
fn another_length(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    let sizes: BTreeSet<usize> = match &evidence.keys {
        Some(keys) => keys
            .keys
            .iter()
            .filter_map(|key| key.cert.as_ref())
            .map(|cert| cert.bits)
            .collect(),
        None => evidence.served.iter().map(|served| served.bits).collect(),
    };
    let differs = !sizes.is_empty() && case.bits.iter().any(|bits| !sizes.contains(bits));
    // The certificate that is served says nothing of older keys.
    let knows_all = evidence.keys.is_some();
    let whose = if knows_all {
        "the cluster's have"
    } else {
        "the one whose certificate the controller serves has"
    };
    differs.then(|| {
        let (sealed, there) = (joined(&case.bits), joined(&sizes));
        Diagnosis {
            certain: knows_all,
            ..other_cluster(
                format!("it was sealed with a key of {sealed} bits, and {whose} {there}"),
                evidence,
                file,
            )
        }
    })
}

/// The certificate at hand is not this cluster's: what it seals does not open here.
fn foreign_certificate(evidence: &Evidence, file: &str) -> Option<Diagnosis> {
    let served = evidence.served.as_ref()?;
    let holds = |key: &Fingerprint| *key == served.fingerprint || key_secret(evidence, key).is_some();
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
        ..other_cluster(message, evidence, file)
    })
}

fn joined(numbers: &BTreeSet<usize>) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
