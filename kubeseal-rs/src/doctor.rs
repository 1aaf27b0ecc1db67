//! Why a SealedSecret does not unseal: evidence in, causes out, each with the next command.
//!
//! Pure: the caller implements [`probe::Trial`] with keys or with the controller, and collects the rest as [`Evidence`].
//! No answer and no message holds a value.

mod binding_causes;
mod diagnoses;
mod hybrid_key;
mod key_causes;
pub(crate) mod output;
pub(crate) mod probe;
pub(crate) mod status;

use std::collections::BTreeSet;
use std::path::Path;

use sealing::key::Fingerprint;
use sealing::v2::KeyId;

use crate::keys::{Inventory, KeyFacts, LocalCert};
use crate::lint;
use crate::quoting::path_word;
use diagnoses::Tried;
use key_causes::{by_certificate, by_keys, of_a_lost_key, of_the_key};
use probe::{Answer, Case, Place, Trial};
use status::NotSynced;

/// Causes, and what else is worth knowing.
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
    /// It does not open, and the evidence does not show why.
    Unknown,
    /// The controller says why there is no Secret as the object asks for.
    NotSynced,
    /// The certificate to seal with expires, or is no longer the cluster's.
    Certificate,
    /// The controller cannot be asked, or its status describes another version of the object.
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

    /// Whether it prevents unsealing, or the creation of the Secret.
    pub(crate) fn is_fault(self) -> bool {
        !matches!(self, Cause::Certificate | Cause::Controller | Cause::File)
    }
}

/// One cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// What it is.
    pub(crate) cause: Cause,
    /// Whether it is proved, not only likely.
    pub(crate) certain: bool,
    /// In words.
    pub(crate) message: String,
    /// What to type next.
    pub(crate) next: String,
}

/// What is known of one object, beside the answers of [`probe::Trial`].
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// What [`crate::lint`] found in its file.
    pub(crate) findings: Vec<lint::Finding>,
    /// The keys of the cluster, when they may be listed.
    pub(crate) keys: Option<Inventory>,
    /// The certificate that the controller serves, when it answers.
    pub(crate) served: Option<KeyFacts>,
    /// The flags that reach the cluster, with a space before each.
    pub(crate) flags: String,
    /// Certificates on this side.
    pub(crate) local: Vec<LocalCert>,
    /// Whether those certificates were named to be compared with the object (`--cert`).
    pub(crate) certs_named: bool,
    /// Keys at hand (`--recovery-private-key`).
    pub(crate) at_hand: BTreeSet<Fingerprint>,
    /// Ids of their hybrid keys.
    pub(crate) ids_at_hand: BTreeSet<KeyId>,
    /// Those of them that open the object as it stands.
    pub(crate) opened_here_by: BTreeSet<Fingerprint>,
    /// Keys that opened the object in the cluster before, by its status.
    pub(crate) opened_before_by: BTreeSet<Fingerprint>,
    /// The namespace and name of an object in the cluster with the same ciphertexts, where this one is not there.
    pub(crate) elsewhere: Option<(String, String)>,
    /// What the object's status says where it is not synced.
    pub(crate) status: Option<NotSynced>,
    /// Why the cluster, or the controller alone, could not be asked.
    pub(crate) unreachable: Option<Unreachable>,
    /// Refusals of the API server to list objects.
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

impl Unreachable {
    fn diagnosis(&self) -> Diagnosis {
        Diagnosis {
            cause: Cause::Controller,
            certain: true,
            message: format!("the {} could not be asked: {}", self.who, self.reason),
            next: self.next.clone(),
        }
    }
}

/// What comes out for one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Examined {
    /// `namespace/name`.
    pub(crate) object: String,
    /// The line where it begins.
    pub(crate) line: usize,
    /// Whether it opens as it stands; none where it could not be tried.
    pub(crate) opens: Option<bool>,
    /// The cluster or the controller, where it should have tried the object and could not be asked.
    pub(crate) unchecked: Option<&'static str>,
    /// Why the cluster or the controller could not be asked, whatever the object: others of the same run say the same.
    pub(crate) unreachable: Option<Unreachable>,
    /// Whether there is nothing in it to open.
    pub(crate) empty: bool,
    /// Where some of its items open and others do not: those that do.
    pub(crate) opening: Vec<String>,
    /// Where it does not open: the items that do not, as far as that is known of each.
    pub(crate) failing: Vec<String>,
    /// What was found.
    pub(crate) diagnoses: Vec<Diagnosis>,
}

/// Concludes from all evidence. `file` is its name for commands; `places` collects where else the object may have been sealed
/// for, and is called only where the object does not open as it stands.
pub(crate) fn examine(
    case: &Case,
    evidence: &Evidence,
    file: &str,
    trial: &mut dyn Trial,
    places: &mut dyn FnMut() -> Vec<Place>,
) -> Examined {
    let mut diagnoses = of_the_file(case, evidence);
    let own = trial.attempt(case, &case.own);
    let opens = opens(own, evidence);
    let causes = match own {
        Answer::Damaged => vec![damaged(case, file)],
        Answer::Closed if !explains(&diagnoses) => of_closed(case, evidence, file, trial, places),
        Answer::Unasked if !explains(&diagnoses) => of_unasked(case, evidence, file),
        Answer::Opens | Answer::Closed | Answer::Unasked => Vec::new(),
    };
    // What was tried refutes what was only suspected.
    if explains(&causes) && own != Answer::Unasked {
        diagnoses.retain(|one| one.certain || !one.cause.is_fault());
    }
    causes.into_iter().for_each(|cause| add(&mut diagnoses, cause));
    // One that does not open was tried under that other name already.
    if let Some((namespace, name)) = &evidence.elsewhere
        && own != Answer::Closed
    {
        add(
            &mut diagnoses,
            binding_causes::elsewhere(case, own, namespace, name, file),
        );
    }
    if let Some(status) = &evidence.status {
        diagnoses.push(status.diagnosis(case, file));
    }
    let unreachable = evidence.unreachable.clone().or_else(|| trial.failure());
    diagnoses.extend(beside(evidence, unreachable.as_ref()));
    // What opens needs no further evidence.
    if opens != Some(true) {
        diagnoses.extend(evidence.unread.iter().map(|refusal| unread(refusal)));
    }
    diagnoses.sort_by_key(|diagnosis| (diagnosis.cause, !diagnosis.certain));
    diagnoses.dedup();
    let of_items = |items: &[String]| match opens {
        Some(false) if case.knows_items() => items.to_vec(),
        _ => Vec::new(),
    };
    Examined {
        object: case.escaped(),
        line: case.line,
        opens,
        unchecked: unreachable.filter(|_| opens.is_none()).map(|one| one.who),
        unreachable: evidence.unreachable.clone(),
        empty: case.is_empty(),
        opening: of_items(&case.opening),
        failing: of_items(&case.failing),
        diagnoses,
    }
}

fn opens(own: Answer, evidence: &Evidence) -> Option<bool> {
    match own {
        Answer::Opens => Some(true),
        Answer::Damaged | Answer::Closed => Some(false),
        // The controller has tried it before.
        Answer::Unasked => evidence
            .status
            .as_ref()
            .is_some_and(NotSynced::says_closed)
            .then_some(false),
    }
}

/// Why an object does not open that was tried as it stands: another binding, the name of an item, or the key.
fn of_closed(
    case: &Case,
    evidence: &Evidence,
    file: &str,
    trial: &mut dyn Trial,
    places: &mut dyn FnMut() -> Vec<Place>,
) -> Vec<Diagnosis> {
    if !evidence.opened_here_by.is_empty() {
        return vec![of_a_lost_key(case, evidence, file)];
    }
    let mut count = Tried::default();
    for candidate in &case.candidates(&places()) {
        let binding = || binding_causes::of_another_binding(case, candidate, file);
        match trial.attempt(case, &candidate.binding) {
            Answer::Opens => return vec![binding()],
            Answer::Damaged => return vec![binding(), damaged(case, file)],
            Answer::Closed => count.tried += 1,
            Answer::Unasked => count.untried += 1,
        }
    }
    let renamed = hybrid_key::renamed_item(case, file, trial);
    vec![renamed.unwrap_or_else(|| of_the_key(case, evidence, count, file))]
}

/// What the evidence says of an object that could not be tried.
fn of_unasked(case: &Case, evidence: &Evidence, file: &str) -> Vec<Diagnosis> {
    let cause = hybrid_key::by_key_ids(case, evidence, file)
        .or_else(|| by_keys(case, evidence, file))
        .or_else(|| by_certificate(case, evidence, file));
    cause.into_iter().collect()
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

fn unread(refusal: &str) -> Diagnosis {
    Diagnosis {
        cause: Cause::Controller,
        certain: true,
        message: format!("some evidence could not be read: {refusal}"),
        next: "correct that, or ask as a user who may read it (--context, --as)".to_owned(),
    }
}

/// Remarks that are no cause.
fn beside(evidence: &Evidence, unreachable: Option<&Unreachable>) -> Vec<Diagnosis> {
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
            note(
                Cause::Certificate,
                remark.clone(),
                format!("kubeseal keys list{}", evidence.flags),
            );
        }
    } else if let Some(served) = &evidence.served {
        for local in evidence
            .local
            .iter()
            .filter(|local| local.for_this_cluster && local.facts.fingerprint != served.fingerprint)
        {
            let message = format!("{} is not the certificate that the cluster serves now", local.name);
            note(Cause::Certificate, message, local.fetch());
        }
    }
    diagnoses.extend(unreachable.map(Unreachable::diagnosis));
    diagnoses
}

#[cfg(test)]
mod tests;
