//! What is wrong with the SealedSecrets of a repository, told without a key and without a cluster.
//!
//! Pure: the sources are arguments, findings come out. Their texts are not kept: a repository may hold many. It stands here and not in `sealing` because its subject is a
//! repository — files, kustomizations, comments, what Git takes — which only the command line ever meets; what is
//! judged of a single ciphertext or document is asked of `sealing`.

mod allowed;
mod clear;
mod copies;
mod duplicates;
mod embedded_values;
mod kustomization;
mod kustomized;
mod linter;
pub(crate) mod report;
mod rule;
mod sealed;

use std::path::Path;
use std::sync::Arc;

use manifest::{Document, DocumentError, Place};
use sealing::key::Fingerprint;
use sealing::sealer::Format;
use sealing::v2::KeyId;
use zeroize::Zeroizing;

use crate::embedded;
use crate::quoting::path_word;
use crate::repository::Found;
pub(crate) use kustomization::{Kustomization, Namespaces, Purpose, absolute, is_one as is_kustomization, patches};
pub(crate) use linter::Linter;
pub(crate) use rule::{Level, Rule};

/// A file to be judged, or one that says what becomes of those.
#[derive(Debug)]
pub(crate) struct Source {
    /// Which file it is. A Secret in clear that Git ignores is where it belongs.
    pub(crate) file: Arc<Found>,
    /// What it holds.
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    /// Why there are no bytes, where it could not be read.
    pub(crate) unread: Option<String>,
    /// Whether it is not a manifest (a Helm template, or a text of another kind), so that only sealed values in it are looked for.
    pub(crate) values_only: bool,
    /// Whether it is judged itself.
    pub(crate) asked: Asked,
    /// The certificate that is meant for it, if one is known.
    pub(crate) certificate: Option<Certificate>,
    /// The keys of the clusters that it is not meant for, as far as they are known.
    pub(crate) others: Vec<ClusterKey>,
    /// The version of the format that the project file names for it.
    pub(crate) format: Option<Format>,
}

/// How the user named a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It is what came on stdin, so it must hold an object: else whatever should have written it has failed.
    Piped,
    /// By its name, so it must hold something.
    Named,
    /// By the name of a folder, or by a pattern.
    Below,
    /// Not at all: it only says what becomes of the others.
    No,
}

/// What is known of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// As messages show it.
    pub(crate) name: String,
    /// Length of its key in bits.
    pub(crate) bits: usize,
    /// Its key.
    pub(crate) fingerprint: Fingerprint,
    /// Its hybrid key, if it has one.
    pub(crate) hybrid: Option<KeyId>,
    /// The command that fetches it into its file; none when it is in no file.
    pub(crate) fetch: Option<String>,
}

impl Certificate {
    /// What to type where something was sealed with another key than its.
    fn fix_of_old_key(&self, file: &str) -> String {
        let mut fix = format!("kubeseal reseal {file}");
        if let Some(fetch) = &self.fetch {
            fix += &format!("; if it was resealed since, the certificate is the old one: {fetch}");
        }
        fix
    }
}

/// The key of a cluster of the project file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterKey {
    /// The cluster's name.
    pub(crate) cluster: String,
    /// Its key, by its certificate or by the fingerprint that the project file pins.
    pub(crate) key: Fingerprint,
    /// Its hybrid key, by its certificate.
    pub(crate) hybrid: Option<KeyId>,
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule that found it.
    pub(crate) rule: Rule,
    /// The file, as it was named.
    pub(crate) file: String,
    /// Where in it; none for the whole file.
    pub(crate) place: Option<Place>,
    /// What is wrong; never a value.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) fix: Option<String>,
}

/// What came out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// By file and place.
    pub(crate) findings: Vec<Finding>,
    /// How many SealedSecrets were judged.
    pub(crate) sealed_secrets: usize,
    /// How many files were judged.
    pub(crate) files: usize,
}

impl Report {
    /// How many findings are of a level.
    pub(crate) fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|one| one.rule.level() == level).count()
    }
}

/// Kinds of the objects that are judged.
const KINDS: [&str; 2] = ["Secret", crds::names::KIND];

/// Whether a file is worth judging: most others are passed over without being read as YAML.
pub(crate) fn is_relevant(path: &Path, source: &[u8]) -> bool {
    let text = manifest::text_lossy(source);
    let has_kind = |document: &Document| {
        let kind = document.value.get("kind").and_then(serde_json::Value::as_str);
        kind.is_some_and(|kind| KINDS.contains(&kind))
    };
    let holds_one = || manifest::read_mixed(source).is_ok_and(|documents| documents.iter().any(has_kind));
    is_kustomization(path)
        || says_kind(&text, &KINDS)
        || may_hide_kind(&text)
        || manifest::may_hold_kind(&text, &KINDS) && holds_one()
}

/// Whether a source holds nothing though it must.
pub(crate) fn is_wanting(asked: Asked, bytes: &[u8]) -> bool {
    let has_kind = |document: &Document| document.value.get("kind").is_some_and(serde_json::Value::is_string);
    match asked {
        Asked::Piped => match manifest::read_mixed(bytes) {
            Ok(documents) => !documents.iter().any(has_kind),
            Err(DocumentError::Empty) => true,
            // What is wrong with the text of other objects is not told here.
            Err(_) => !manifest::text_lossy(bytes).contains("kind"),
        },
        Asked::Named => bytes.trim_ascii().is_empty(),
        Asked::Below | Asked::No => false,
    }
}

fn nothing_to_judge(source: &Source) -> Option<Finding> {
    if let Some(reason) = &source.unread {
        return Some(source.finding(Rule::Unreadable, None, format!("it cannot be read: {reason}")));
    }
    if !is_wanting(source.asked, &source.bytes) {
        return None;
    }
    let (message, fix) = match source.asked {
        Asked::Piped => (
            "there is no Kubernetes object in it",
            "has the command before the pipe failed? (set -o pipefail)",
        ),
        _ => (
            "it is empty",
            "was it not written to its end? One that is meant to be empty needs no lint, or a comment in it",
        ),
    };
    Some(source.finding(Rule::NoObject, None, message).fix(fix))
}

fn unreadable(source: &Source, error: &DocumentError) -> Finding {
    let rule = match error {
        DocumentError::DuplicateKey { .. } => Rule::DuplicateKey,
        _ => Rule::Unreadable,
    };
    let breaks_yaml = matches!(error, DocumentError::Syntax { .. } | DocumentError::Key { .. });
    if breaks_yaml && embedded::is_template(&source.bytes) {
        let message = "it is a Helm template, which is YAML only when Helm has filled it in";
        let finding = source.finding(rule, error.place(), message);
        return finding.fix("have Helm fill it in first: helm template CHART | kubeseal lint -");
    }
    source.finding(rule, error.place(), without_place(error))
}

/// The error's text without the place, which stands before every finding already.
fn without_place(error: &DocumentError) -> String {
    let text = error.to_string();
    match error.place() {
        Some(place) => text.trim_start_matches(&format!("{place}: ")).to_owned(),
        None => text,
    }
}

impl Source {
    /// Its objects; none of an empty text, and of one that is not a manifest.
    fn documents(&self) -> Result<Vec<Document>, DocumentError> {
        if self.values_only {
            return Ok(Vec::new());
        }
        match manifest::read_mixed(&self.bytes) {
            Err(DocumentError::Empty) => Ok(Vec::new()),
            read => read,
        }
    }

    fn finding(&self, rule: Rule, place: Option<Place>, message: impl Into<String>) -> Finding {
        self.file.finding(rule, place, message)
    }
}

impl Found {
    /// A word for it in commands.
    fn word(&self) -> String {
        if self.path == Found::stdin().path {
            "FILE".to_owned()
        } else {
            path_word(Path::new(&self.name))
        }
    }

    fn finding(&self, rule: Rule, place: Option<Place>, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            file: self.name.clone(),
            place,
            message: message.into(),
            fix: None,
        }
    }
}

impl Finding {
    fn fix(self, fix: impl Into<String>) -> Self {
        Finding {
            fix: Some(fix.into()),
            ..self
        }
    }
}

/// Whether `text` may hold a kind that [`says_kind`] does not find: one with escapes (`kind: "Sec\x72et"`), a tag, an anchor or
/// an alias, or in a block of its own. So is a file judged that cannot be read.
fn may_hide_kind(text: &str) -> bool {
    text.split("kind").skip(1).any(|after| {
        let after = after.strip_prefix(['"', '\'']).unwrap_or(after).trim_start();
        let value = after.strip_prefix(':').map(str::trim_start);
        let quoted = value.and_then(|value| value.strip_prefix('"')?.split('"').next());
        let is_dressed = value.is_some_and(|value| value.starts_with(['!', '&', '*', '>', '|']));
        is_dressed || quoted.is_some_and(|quoted| quoted.contains('\\'))
    })
}

/// Whether `text` says `kind: WORD` somewhere, in YAML or JSON. A file that cannot be read is judged by this alone.
fn says_kind(text: &str, words: &[&str]) -> bool {
    text.match_indices("kind").any(|(at, _)| {
        let after = text.get(at + "kind".len()..).unwrap_or_default();
        let after = after
            .strip_prefix(['"', '\''])
            .unwrap_or(after)
            .trim_start_matches([' ', '\t']);
        let Some(value) = after.strip_prefix(':') else {
            return false;
        };
        let value = value.trim_start_matches([' ', '\t', '\r', '\n', '"', '\'']);
        let word = value.split(|c: char| !c.is_ascii_alphanumeric()).next();
        word.is_some_and(|word| words.contains(&word))
    })
}

#[cfg(test)]
mod tests;
