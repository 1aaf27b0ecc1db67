//! SARIF 2.1.0 (OASIS, 2020), as far as code scanners read it: the rules, and where each of them found something.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::super::rule::Rule;
use super::super::{Finding, Report};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What a path may hold in a URI as it is (RFC 3986 §3.3).
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The report as one run.
pub(crate) fn log(report: &Report) -> Value {
    let rules: Vec<_> = Rule::ALL
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id(),
                "shortDescription": {"text": rule.summary()},
                "defaultConfiguration": {"level": rule.level().as_str()},
            })
        })
        .collect();
    let results: Vec<_> = report.findings.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "kubeseal lint",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
    let text = match &finding.fix {
        Some(fix) => format!("{}. {fix}", finding.message),
        None => finding.message.clone(),
    };
    let file = json!({"uri": uri(&finding.file)});
    let location = match finding.place {
        Some(place) => json!({
            "artifactLocation": file,
            "region": {"startLine": place.line, "startColumn": place.column},
        }),
        None => json!({"artifactLocation": file}),
    };
    json!({
        "ruleId": finding.rule.id(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == finding.rule),
        "level": finding.rule.level().as_str(),
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    })
}

/// A relative path stays relative (to where the program was started), as scanners want it.
fn uri(file: &str) -> String {
    let path = utf8_percent_encode(&file.replace('\\', "/"), PATH).to_string();
    if Path::new(file).is_absolute() {
        format!("file://{path}")
    } else {
        path
    }
}
