//! Judges files one after the other, then what they are together.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use manifest::Document;

use super::allowed::Allowed;
use super::kustomization::{Kustomization, is_one};
use super::rule::Rule;
use super::sealed::Sealed;
use super::{Asked, Finding, Report, Source};
use super::{clear, copies, duplicates, embedded_values, kustomized, nothing_to_judge, unreadable, without_place};
use crate::embedded;

/// What was found so far, and what the rules across files need of each file: names, digests and places.
pub(crate) struct Linter<'t> {
    kustomizations: Vec<Kustomization>,
    /// The files that they name as patches.
    patches: HashSet<PathBuf>,
    taken: &'t dyn Fn(&Path) -> bool,
    report: Report,
    sealed: Vec<Sealed>,
    /// Of files that have such comments, by their names.
    allowed: HashMap<String, Vec<Allowed>>,
    unknown: Vec<Finding>,
}

impl<'t> Linter<'t> {
    /// One that has judged nothing yet. `kustomizations` are all that may say what becomes of the files; `taken` says whether
    /// there is a file of that path which Git would take.
    pub(crate) fn new(kustomizations: Vec<Kustomization>, taken: &'t dyn Fn(&Path) -> bool) -> Self {
        Self {
            patches: kustomizations
                .iter()
                .flat_map(|one| one.patches.iter().cloned())
                .collect(),
            kustomizations,
            taken,
            report: Report::default(),
            sealed: Vec::new(),
            allowed: HashMap::new(),
            unknown: Vec::new(),
        }
    }

    /// Judges a source by itself.
    pub(crate) fn judge(&mut self, source: &Source) {
        self.comments(source);
        if source.asked == Asked::No {
            return;
        }
        let findings = &mut self.report.findings;
        self.report.files += 1;
        if let Some(finding) = nothing_to_judge(source) {
            findings.push(finding);
            return;
        }
        let path = &source.file.path;
        match source.documents() {
            // What it is a patch of is judged.
            Ok(_) if self.patches.contains(path) => findings.extend(embedded_values::judge(source, &[])),
            Ok(documents) => {
                findings.extend(embedded_values::judge(source, &documents));
                judge_documents(source, documents, &mut self.sealed, findings);
            }
            Err(error) => {
                if embedded::is_template(&source.bytes) {
                    findings.extend(embedded_values::judge(source, &[]));
                }
                findings.push(unreadable(source, &error));
            }
        }
        let mut kustomizations = self.kustomizations.iter().filter(|_| is_one(path));
        if let Some(kustomization) = kustomizations.find(|one| one.file.path == *path) {
            findings.extend(clear::generated(kustomization, self.taken));
        }
    }

    /// Adds what was found otherwise.
    pub(crate) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.report.findings.extend(findings);
    }

    /// Notes what comments of a source allow.
    fn comments(&mut self, source: &Source) {
        let allowed = Allowed::of(&manifest::text_lossy(&source.bytes));
        let name = &source.file.name;
        if source.asked != Asked::No {
            self.unknown.extend(allowed.unknown(name));
        }
        if !allowed.is_empty() {
            self.allowed.entry(name.clone()).or_default().push(allowed);
        }
    }

    /// Judges all sources together. Findings of rules in `allow` are left out, as are those that a comment allows.
    pub(crate) fn report(self, allow: &[Rule]) -> Report {
        let (mut report, sealed, kustomizations) = (self.report, &self.sealed, &self.kustomizations);
        report.sealed_secrets = sealed.len();
        report.findings.extend(kustomized::judge(sealed, kustomizations));
        report.findings.extend(duplicates::judge(sealed, kustomizations));
        report.findings.extend(copies::judge(sealed, kustomizations));
        report.findings.retain(|finding| {
            let line = finding.place.map(|place| place.line);
            let mut comments = self.allowed.get(&finding.file).into_iter().flatten();
            !comments.any(|allowed| allowed.allows(finding.rule, line))
        });
        report.findings.extend(self.unknown);
        report.findings.retain(|finding| !allow.contains(&finding.rule));
        report.findings.sort_by_cached_key(|finding| {
            let place = finding.place.map(|place| (place.line, place.column));
            (finding.file.clone(), place, finding.rule)
        });
        report
    }
}

fn judge_documents(source: &Source, documents: Vec<Document>, sealed: &mut Vec<Sealed>, findings: &mut Vec<Finding>) {
    for document in documents {
        let kind = document.value.get("kind").and_then(serde_json::Value::as_str);
        match kind {
            Some(crds::names::KIND) => sealed.extend(Sealed::judge(source, &document, findings)),
            Some("Secret") if source.file.tracked => findings.extend(clear::judge(source, &document)),
            _ => findings.extend(document.broken.as_ref().map(|error| {
                let message = format!(
                    "not judged, as it is of another kind and breaks a rule: {}",
                    without_place(error)
                );
                source.finding(Rule::OtherKind, error.place(), message)
            })),
        }
    }
}
