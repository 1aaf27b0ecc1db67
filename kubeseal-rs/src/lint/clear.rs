//! Secrets in clear that Git would take.

use std::path::Path;

use manifest::{Document, escaped};
use sealing::secret::ClearSecret;
use serde_json::Value;

use super::kustomization::Kustomization;
use super::rule::Rule;
use super::{Finding, Source};
use crate::placeholder;

/// The finding for a `kind: Secret` that holds something. One that SOPS has encrypted is not in clear, nor are values that are
/// placeholders as a whole.
pub(super) fn judge(source: &Source, document: &Document) -> Option<Finding> {
    if document.value.get("sops").is_some_and(Value::is_object) {
        return None;
    }
    // Decoded, where they can be: a placeholder under `data` stands there as it is, or in base64.
    let clear = ClearSecret::from_document(document).unwrap_or_default();
    let is_placeholder = |item: &String, value: &Value| {
        let typed = value.as_str().and_then(|text| placeholder::filler(text.as_bytes()));
        let decoded = clear
            .items
            .get(item)
            .and_then(|value| placeholder::filler(value.expose()));
        typed.or(decoded).is_some()
    };
    let filled = |field: &&str| {
        let mut items = document
            .value
            .get(*field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        items.any(|(item, value)| holds_something(value) && !is_placeholder(item, value))
    };
    let field = ["stringData", "data"].into_iter().find(filled)?;
    let name = document.value.pointer("/metadata/name").and_then(Value::as_str);
    let message = format!(
        "the Secret {} is in clear, and Git does not ignore this file",
        escaped(name.unwrap_or("without a name"))
    );
    let fix = format!(
        "seal it (kubeseal seal {0}), then delete it, or name it in .gitignore; if it was committed, its values are \
         known: change them",
        source.file.word()
    );
    Some(
        source
            .finding(Rule::ClearSecret, Some(document.place_of(&[field])), message)
            .fix(fix),
    )
}

fn holds_something(value: &Value) -> bool {
    !(value.is_null() || value.as_str().is_some_and(str::is_empty))
}

/// What a kustomization generates Secrets from: literals in its own text, and files beside it that Git takes.
pub(super) fn generated(kustomization: &Kustomization, taken: &dyn Fn(&Path) -> bool) -> Vec<Finding> {
    if !kustomization.file.tracked {
        return Vec::new();
    }
    let fix = "seal the Secret, and name the SealedSecret under resources";
    let mut findings = Vec::new();
    for generator in &kustomization.secret_generators {
        let name = escaped(&generator.name);
        let message = if generator.literals {
            format!("secretGenerator {name} has its values here in clear")
        } else if let Some((file, _)) = generator.files.iter().find(|(_, path)| taken(path)) {
            format!(
                "secretGenerator {name} reads {} in clear, and Git does not ignore it",
                escaped(file)
            )
        } else {
            continue;
        };
        let finding = kustomization
            .file
            .finding(Rule::ClearSecret, Some(generator.place), message);
        findings.push(finding.fix(fix));
    }
    findings
}
