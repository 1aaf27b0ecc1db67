//! Why a SealedSecret does not unseal: what is known of it in, causes out, each with what to type next.
//!
//! Pure: whoever holds keys or reaches the controller answers the questions of [`ask`], and brings the rest as
//! [`Evidence`]. A value is never part of an answer, nor of what is told.

pub(crate) mod ask;
pub(crate) mod tell;

use std::collections::BTreeSet;

use sealing::binding::{Binding, Scope};
use sealing::hint::KeyHint;
use sealing::key::Fingerprint;

use crate::keys::{Inventory, KeyFacts, LocalCert, State};
use crate::lint;
use ask::{Answer, Case, Trial};

/// The causes that are told apart, and what is worth knowing beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cause {
    /// Sealed for another namespace.
    WrongNamespace,
    /// Renamed after it was sealed, by hand or by kustomize.
    Renamed,
    /// Sealed with the certificate of another cluster.
    OtherCluster,
    /// The scope annotations are not those that it was sealed with.
    Scope,
    /// The key that sealed it is gone.
    KeyGone,
    /// The text is damaged.
    Damaged,
    /// It does not open, and nothing here can tell why.
    Unknown,
    /// The certificate to seal with ends, or is not the cluster's any more.
    Certificate,
    /// The controller cannot be asked, or says something of the object.
    Controller,
    /// What else is wrong with the file.
    File,
}

impl Cause {
    /// The word in JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Cause::WrongNamespace => "wrong-namespace",
            Cause::Renamed => "renamed",
            Cause::OtherCluster => "other-cluster",
            Cause::Scope => "scope",
            Cause::KeyGone => "key-gone",
            Cause::Damaged => "damaged",
            Cause::Unknown => "unknown",
            Cause::Certificate => "certificate",
            Cause::Controller => "controller",
            Cause::File => "file",
        }
    }

    /// Whether it keeps the object from being opened (else it is worth knowing).
    pub(crate) fn is_fault(self) -> bool {
        !matches!(self, Cause::Certificate | Cause::Controller | Cause::File)
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// What it is.
    pub(crate) cause: Cause,
    /// Whether it was seen, and not only concluded.
    pub(crate) certain: bool,
    /// In words.
    pub(crate) message: String,
    /// What to type next.
    pub(crate) next: String,
}

/// What is known of one object, beside the answers of whoever can open it.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// What [`crate::lint`] found in its file.
    pub(crate) findings: Vec<lint::Finding>,
    /// The keys of the cluster, when they may be listed.
    pub(crate) keys: Option<Inventory>,
    /// The certificate that the controller serves, when it answers.
    pub(crate) served: Option<KeyFacts>,
    /// Certificates on this side.
    pub(crate) local: Vec<LocalCert>,
    /// Keys at hand (`--recovery-private-key`) that open the object as it stands.
    pub(crate) opened_here_by: BTreeSet<Fingerprint>,
    /// Keys that opened the object in the cluster before, by its status.
    pub(crate) opened_before_by: BTreeSet<Fingerprint>,
    /// How the object is called in the cluster, where the same ciphertexts are there under another name.
    pub(crate) elsewhere: Option<(String, String)>,
    /// What the object's status says when it is not well.
    pub(crate) status: Option<String>,
    /// Why the cluster could not be asked.
    pub(crate) unreachable: Option<String>,
}

/// What comes out for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Examined {
    /// `namespace/name`.
    pub(crate) object: String,
    /// The line where it begins.
    pub(crate) line: usize,
    /// Whether it opens as it stands; none when nobody could try.
    pub(crate) opens: Option<bool>,
    /// What was found.
    pub(crate) diagnoses: Vec<Diagnosis>,
}

/// Concludes from everything that is known; `file` is its name for commands.
pub(crate) fn examine(case: &Case, evidence: &Evidence, file: &str, trial: &mut dyn Trial) -> Examined {
    let mut diagnoses = of_the_file(case, evidence);
    let own = trial.attempt(case, &case.own);
    let opens = match own {
        Answer::Opens => Some(true),
        Answer::Damaged | Answer::Closed => Some(false),
        Answer::Unasked => None,
    };
    match own {
        Answer::Damaged => add(&mut diagnoses, damaged(case, file)),
        Answer::Closed if !explains(&diagnoses) => {
            match case
                .others
                .iter()
                .find(|other| trial.attempt(case, other) != Answer::Closed)
            {
                Some(other) => add(&mut diagnoses, of_another_binding(case, other, file)),
                None => add(&mut diagnoses, of_the_key(case, evidence, file)),
            }
        }
        // What would open elsewhere says which of the findings of the file is the cause.
        Answer::Closed | Answer::Opens => {}
        Answer::Unasked if !explains(&diagnoses) => {
            if let Some(diagnosis) = told_by_keys(case, evidence, file) {
                add(&mut diagnoses, diagnosis);
            }
        }
        Answer::Unasked => {}
    }
    if let Some((namespace, name)) = &evidence.elsewhere {
        add(&mut diagnoses, elsewhere(case, namespace, name, file));
    }
    diagnoses.extend(beside(evidence, file));
    diagnoses.sort_by_key(|diagnosis| (diagnosis.cause, !diagnosis.certain));
    diagnoses.dedup();
    Examined {
        object: case.shown(),
        line: case.line,
        opens,
        diagnoses,
    }
}

/// Whether a cause that keeps it from opening is known already.
fn explains(diagnoses: &[Diagnosis]) -> bool {
    diagnoses.iter().any(|one| one.cause.is_fault() && one.certain)
}

/// One diagnosis a cause, the certain one before the others.
fn add(diagnoses: &mut Vec<Diagnosis>, new: Diagnosis) {
    match diagnoses.iter_mut().find(|one| one.cause == new.cause) {
        Some(there) if new.certain && !there.certain => *there = new,
        Some(_) => {}
        None => diagnoses.push(new),
    }
}

/// What the file says by itself: lint has found it already.
fn of_the_file(case: &Case, evidence: &Evidence) -> Vec<Diagnosis> {
    use lint::Rule;
    let mut diagnoses = Vec::new();
    for finding in &evidence.findings {
        let (cause, certain) = match finding.rule {
            Rule::Base64 | Rule::Ciphertext => (Cause::Damaged, true),
            Rule::Renamed if case.differs_by_namespace_alone() => (Cause::WrongNamespace, false),
            Rule::Renamed => (Cause::Renamed, false),
            Rule::KustomizeName => (Cause::Renamed, true),
            Rule::KustomizeNamespace | Rule::NoNamespace => (Cause::WrongNamespace, finding.rule != Rule::NoNamespace),
            Rule::ScopeMismatch | Rule::ScopeOneSided => (Cause::Scope, false),
            Rule::KustomizeScope => (Cause::Scope, true),
            Rule::KeySize | Rule::OldKey | Rule::KustomizeLabels => continue,
            _ => (Cause::File, true),
        };
        let next = finding
            .fix
            .clone()
            .unwrap_or_else(|| format!("kubeseal lint {}", finding.file));
        let diagnosis = Diagnosis {
            cause,
            certain,
            message: finding.message.clone(),
            next,
        };
        diagnoses.push(diagnosis);
    }
    diagnoses
}

fn damaged(case: &Case, file: &str) -> Diagnosis {
    Diagnosis {
        cause: Cause::Damaged,
        certain: true,
        message: format!(
            "a key fits, but the text of {} was changed after it was sealed",
            case.failing.join(", ")
        ),
        next: format!("take it from an intact copy (git log -p {file}), or seal the value again"),
    }
}

/// It opens under another binding: that is the cause, beyond doubt.
fn of_another_binding(case: &Case, other: &Binding, file: &str) -> Diagnosis {
    let (own, sealed) = (case.own.scope(), other.scope());
    let (cause, message, next) = if own != sealed {
        let next = match sealed.annotation() {
            Some(annotation) => format!(
                "kubectl annotate --local -f {file} {annotation}=true -o yaml (metadata.annotations of the object itself)"
            ),
            None => "remove the scope annotations from metadata.annotations".to_owned(),
        };
        let message = format!("it was sealed {sealed}, but its own annotations say {own}");
        (Cause::Scope, message, next)
    } else {
        match (&case.own, other) {
            (
                Binding::Strict { namespace, .. },
                Binding::Strict {
                    namespace: sealed,
                    name,
                },
            ) if namespace == sealed => (
                Cause::Renamed,
                format!(
                    "it opens only under the name {name:?}: it was renamed after it was sealed, by hand or by kustomize"
                ),
                format!("give it its name back (metadata.name: {name}), or seal it again under the new one"),
            ),
            (_, Binding::Strict { namespace, .. } | Binding::NamespaceWide { namespace }) => (
                Cause::WrongNamespace,
                format!("it opens only in namespace {namespace:?}"),
                format!("apply it there (metadata.namespace: {namespace}), or seal it again for this namespace"),
            ),
            (_, Binding::ClusterWide) => (Cause::Unknown, "it opens anywhere".to_owned(), String::new()),
        }
    };
    Diagnosis {
        cause,
        certain: true,
        message,
        next,
    }
}

/// No binding that was tried opens it: it is the key, or its own first bytes.
fn of_the_key(case: &Case, evidence: &Evidence, file: &str) -> Diagnosis {
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
fn told_by_keys(case: &Case, evidence: &Evidence, file: &str) -> Option<Diagnosis> {
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

fn elsewhere(case: &Case, namespace: &str, name: &str, file: &str) -> Diagnosis {
    let moved = case.namespace != namespace;
    Diagnosis {
        cause: if moved { Cause::WrongNamespace } else { Cause::Renamed },
        certain: case.own.scope() == Scope::Strict || moved && case.own.scope() != Scope::ClusterWide,
        message: format!(
            "the same object is in the cluster as {namespace}/{name}: something between {file} and the cluster renames it"
        ),
        next: format!(
            "kubectl get sealedsecret -n {namespace} {name} -o yaml; namePrefix, nameSuffix or namespace of a kustomization?"
        ),
    }
}

/// What is worth knowing beside the causes.
fn beside(evidence: &Evidence, file: &str) -> Vec<Diagnosis> {
    let mut diagnoses = Vec::new();
    let mut note = |cause, message: String, next: String| {
        diagnoses.push(Diagnosis {
            cause,
            certain: true,
            message,
            next,
        });
    };
    if let Some(keys) = &evidence.keys {
        for remark in &keys.remarks {
            note(Cause::Certificate, remark.clone(), "kubeseal keys list".to_owned());
        }
    } else if let Some(served) = &evidence.served {
        for local in evidence
            .local
            .iter()
            .filter(|local| local.for_this_cluster && local.facts.fingerprint != served.fingerprint)
        {
            let message = format!("{} is not the certificate that the cluster serves now", local.name);
            note(
                Cause::Certificate,
                message,
                format!("kubeseal --fetch-cert > {}", local.name),
            );
        }
    }
    if let Some(status) = &evidence.status {
        note(
            Cause::Controller,
            format!("the cluster says: {status}"),
            format!("kubectl describe -f {file}"),
        );
    }
    if let Some(reason) = &evidence.unreachable {
        let next = "name the cluster (--context, --kubeconfig), or --offline to leave it out".to_owned();
        note(
            Cause::Controller,
            format!("the cluster could not be asked: {reason}"),
            next,
        );
    }
    diagnoses
}

#[cfg(test)]
mod tests;
