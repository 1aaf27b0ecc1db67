//! Why a SealedSecret does not unseal: what is known of it in, causes out, each with what to type next.
//!
//! Pure: whoever holds keys or reaches the controller answers the questions of [`probe`], and brings the rest as
//! [`Evidence`]. A value is never part of an answer, nor of what is told.

mod diagnoses;
mod hybrid_key;
mod key_causes;
pub(crate) mod output;
pub(crate) mod probe;
pub(crate) mod status;

use std::collections::BTreeSet;
use std::path::Path;

use sealing::binding::{Binding, Scope};
use sealing::key::Fingerprint;
use sealing::v2::KeyId;

use crate::keys::{Inventory, KeyFacts, LocalCert};
use crate::lint;
use crate::quoting::path_word;
use key_causes::{of_the_key, told_by_certificate, told_by_keys};
use probe::{Answer, Case, Trial};
use status::NotSynced;

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
    /// Sealed in a format that this version does not know.
    NewerFormat,
    /// It does not open, and nothing here can tell why.
    Unknown,
    /// The controller says why there is no Secret as the object asks for.
    NotSynced,
    /// The certificate to seal with ends, or is not the cluster's any more.
    Certificate,
    /// The controller cannot be asked, or says something of another version of the object.
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
            Cause::NewerFormat => "newer-format",
            Cause::Unknown => "unknown",
            Cause::NotSynced => "not-synced",
            Cause::Certificate => "certificate",
            Cause::Controller => "controller",
            Cause::File => "file",
        }
    }

    /// Whether it keeps the object from being opened, or its Secret from being made (else it is worth knowing).
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
    /// Whether those certificates were named, to be held against the object (`--cert`).
    pub(crate) certs_named: bool,
    /// Keys at hand (`--recovery-private-key`).
    pub(crate) at_hand: BTreeSet<Fingerprint>,
    /// Ids of their hybrid keys.
    pub(crate) ids_at_hand: BTreeSet<KeyId>,
    /// Those of them that open the object as it stands.
    pub(crate) opened_here_by: BTreeSet<Fingerprint>,
    /// Keys that opened the object in the cluster before, by its status.
    pub(crate) opened_before_by: BTreeSet<Fingerprint>,
    /// How the object is called in the cluster, where the same ciphertexts are there under another name.
    pub(crate) elsewhere: Option<(String, String)>,
    /// What the object's status says where it is not synced.
    pub(crate) status: Option<NotSynced>,
    /// Why the cluster, or the controller alone, could not be asked.
    pub(crate) unreachable: Option<Unreachable>,
    /// What the cluster did not let be read, and why.
    pub(crate) unread: Vec<String>,
}

/// Who could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreachable {
    /// The cluster or the controller.
    pub(crate) who: &'static str,
    /// Why.
    pub(crate) reason: String,
    /// What to type next.
    pub(crate) next: String,
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
    /// Where some of its items open and others do not: those that do.
    pub(crate) opening: Vec<String>,
    /// And those that do not.
    pub(crate) failing: Vec<String>,
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
        // The controller has tried it before.
        Answer::Unasked => evidence
            .status
            .as_ref()
            .is_some_and(NotSynced::says_closed)
            .then_some(false),
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
                None => {
                    let renamed = hybrid_key::renamed_item(case, file, trial);
                    add(
                        &mut diagnoses,
                        renamed.unwrap_or_else(|| of_the_key(case, evidence, file)),
                    );
                }
            }
        }
        // What would open elsewhere says which of the findings of the file is the cause.
        Answer::Closed | Answer::Opens => {}
        Answer::Unasked if !explains(&diagnoses) => {
            let told = hybrid_key::told_by_ids(case, evidence, file)
                .or_else(|| told_by_keys(case, evidence, file))
                .or_else(|| told_by_certificate(case, evidence, file));
            told.into_iter().for_each(|diagnosis| add(&mut diagnoses, diagnosis));
        }
        Answer::Unasked => {}
    }
    if let Some((namespace, name)) = &evidence.elsewhere {
        add(&mut diagnoses, elsewhere(case, namespace, name, file));
    }
    if let Some(status) = &evidence.status {
        diagnoses.push(status.diagnosis(case, file));
    }
    diagnoses.extend(beside(evidence));
    // What opens needs no more to be known of it.
    if opens != Some(true) {
        diagnoses.extend(evidence.unread.iter().map(|refusal| unread(refusal)));
    }
    diagnoses.sort_by_key(|diagnosis| (diagnosis.cause, !diagnosis.certain));
    diagnoses.dedup();
    let differ = opens == Some(false) && !case.opening.is_empty();
    Examined {
        object: case.shown(),
        line: case.line,
        opens,
        opening: if differ { case.opening.clone() } else { Vec::new() },
        failing: if differ { case.failing.clone() } else { Vec::new() },
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
            Rule::NewerFormat => (Cause::NewerFormat, true),
            Rule::Renamed if case.differs_by_namespace_alone() => (Cause::WrongNamespace, false),
            Rule::Renamed => (Cause::Renamed, false),
            Rule::KustomizeName => (Cause::Renamed, true),
            Rule::KustomizeNamespace | Rule::NoNamespace => (Cause::WrongNamespace, finding.rule != Rule::NoNamespace),
            Rule::ScopeMismatch | Rule::ScopeOneSided => (Cause::Scope, false),
            Rule::KustomizeScope => (Cause::Scope, true),
            Rule::OtherCluster => (Cause::OtherCluster, false),
            Rule::ForeignHybridKey => (Cause::OtherCluster, true),
            Rule::BrokenCertificate | Rule::SharedKey | Rule::ExpiredCertificate => (Cause::Certificate, true),
            Rule::KeySize
            | Rule::OldKey
            | Rule::KustomizeLabels
            | Rule::EmbeddedValue
            | Rule::OtherKind
            | Rule::MixedFormats
            | Rule::EarlierFormat => continue,
            _ => (Cause::File, true),
        };
        let next = finding
            .fix
            .clone()
            .unwrap_or_else(|| format!("kubeseal lint {}", path_word(Path::new(&finding.file))));
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

/// What might have told more.
fn unread(refusal: &str) -> Diagnosis {
    Diagnosis {
        cause: Cause::Controller,
        certain: true,
        message: format!("less is known than could be: {refusal}"),
        next: "mend that, or ask as somebody who may read it (--context, --as)".to_owned(),
    }
}

/// What is worth knowing beside the causes.
fn beside(evidence: &Evidence) -> Vec<Diagnosis> {
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
    if let Some(Unreachable { who, reason, next }) = &evidence.unreachable {
        note(
            Cause::Controller,
            format!("the {who} could not be asked: {reason}"),
            next.clone(),
        );
    }
    diagnoses
}

#[cfg(test)]
mod tests;
