//! Diagnoses that several kinds of evidence lead to, and what helps.

use super::{Cause, Diagnosis};

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

pub(super) fn other_cluster(message: String, file: &str) -> Diagnosis {
    Diagnosis {
        cause: Cause::OtherCluster,
        certain: true,
        message,
        next: format!(
            "kubeseal --fetch-cert > cert.pem, then seal {file} again; or is it meant for another --context?"
        ),
    }
}
