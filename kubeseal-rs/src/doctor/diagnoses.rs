//! Parts of diagnoses that several kinds of evidence share.

use super::{Cause, Diagnosis, Evidence};
use crate::keys::{Key, State};

/// How many candidates were tried, none of which opens the object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tried {
    pub(super) tried: usize,
    /// The controller did not answer, or the limit of questions was reached.
    pub(super) untried: usize,
}

impl Tried {
    /// The candidates and the object's own binding, for messages.
    pub(super) fn none_of(self) -> String {
        let untried = match self.untried {
            0 => String::new(),
            untried => format!("; {untried} more could not be tried"),
        };
        format!(
            "none of the combinations of name, namespace and scope that were tried ({}{untried})",
            self.tried + 1
        )
    }

    /// How many candidates could not be tried, in brackets.
    pub(super) fn not_tried(self) -> String {
        match self.untried {
            0 => String::new(),
            untried => format!(" ({untried} more could not be tried)"),
        }
    }
}

pub(super) fn again(file: &str) -> String {
    format!("take it from an intact copy (git log -p {file}), or seal the value again (kubeseal set {file} ITEM)")
}

pub(super) fn key_gone(message: String, next: String) -> Diagnosis {
    Diagnosis {
        cause: Cause::KeyGone,
        certain: true,
        message,
        next,
    }
}

/// For an object that was sealed with this key, if the key is retired.
pub(super) fn retired(key: &Key, evidence: &Evidence) -> Option<Diagnosis> {
    let State::Retired(label) = &key.state else {
        return None;
    };
    Some(key_gone(
        format!(
            "it was sealed with the key of {}, which is retired (its label is {label:?})",
            key.name
        ),
        format!(
            "kubeseal keys list{}; label it active to open with it once more, then kubeseal reseal",
            evidence.flags
        ),
    ))
}

pub(super) fn other_cluster(message: String, evidence: &Evidence, file: &str) -> Diagnosis {
    Diagnosis {
        cause: Cause::OtherCluster,
        certain: true,
        message,
        next: format!(
            "kubeseal --fetch-cert{} -w cert.pem, then seal {file} again; or is it meant for another --context?",
            evidence.flags
        ),
    }
}
