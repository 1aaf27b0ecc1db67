//! A report as text for people, as JSON for scripts, as SARIF for code scanners.

pub(crate) mod sarif;

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::rule::{Level, Rule};
use super::{Finding, Report};
use crate::colour::{Colour, Tone};
use crate::quoting::on_one_line;

/// For people: a line a finding in the form that editors understand, what to do under it, and the sum at the end.
pub(crate) fn text(report: &Report, colour: Colour) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let level = finding.rule.level();
        let tone = match level {
            Level::Error => Tone::Bad,
            Level::Warning => Tone::Doubtful,
            Level::Note => Tone::Quiet,
        };
        let label = colour.paint(tone, &format!("{}[{}]", level.as_str(), finding.rule));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}: {label}: {}",
            colour.paint(Tone::Strong, &location(finding)),
            on_one_line(&finding.message)
        );
        if let Some(fix) = &finding.fix {
            let _ = writeln!(text, "  {} {}", colour.paint(Tone::Good, "help:"), on_one_line(fix));
        }
    }
    text.push_str(&sum(report));
    text
}

fn location(finding: &Finding) -> String {
    let file = on_one_line(&finding.file);
    match finding.place {
        Some(place) => format!("{file}:{}:{}", place.line, place.column),
        None => file,
    }
}

fn sum(report: &Report) -> String {
    let several = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let judged = format!(
        "{} in {}",
        several(report.sealed_secrets, "SealedSecret"),
        several(report.files, "file")
    );
    let counted: Vec<_> = [Level::Error, Level::Warning, Level::Note]
        .into_iter()
        .map(|level| (report.count(level), level.as_str()))
        .filter(|(count, _)| *count > 0)
        .map(|(count, level)| several(count, level))
        .collect();
    match counted.as_slice() {
        [] => format!("{judged}: no problems found\n"),
        counted => format!("{judged}: {}\n", counted.join(", ")),
    }
}

/// For scripts: `{"findings": […], "summary": {…}}`.
pub(crate) fn json(report: &Report) -> Value {
    let findings: Vec<_> = report.findings.iter().map(finding_as_json).collect();
    json!({
        "findings": findings,
        "summary": {
            "files": report.files,
            "sealedSecrets": report.sealed_secrets,
            "errors": report.count(Level::Error),
            "warnings": report.count(Level::Warning),
            "notes": report.count(Level::Note),
        },
    })
}

fn finding_as_json(finding: &Finding) -> Value {
    let mut object = Map::new();
    let mut put = |field: &str, value: Value| object.insert(field.to_owned(), value);
    put("rule", finding.rule.id().into());
    put("level", finding.rule.level().as_str().into());
    put("file", finding.file.as_str().into());
    if let Some(place) = finding.place {
        put("document", place.document.into());
        put("line", place.line.into());
        put("column", place.column.into());
        if let Some(item) = place.item {
            put("item", item.into());
        }
    }
    put("message", finding.message.as_str().into());
    if let Some(fix) = &finding.fix {
        put("fix", fix.as_str().into());
    }
    object.into()
}

/// The table of rules, for `--rules`.
pub(crate) fn rules() -> String {
    let width = Rule::ALL.iter().map(|rule| rule.id().len()).max().unwrap_or_default();
    let line = |rule: &Rule| {
        format!(
            "{:width$}  {:7}  {}\n",
            rule.id(),
            rule.level().as_str(),
            rule.summary()
        )
    };
    Rule::ALL.iter().map(line).collect()
}
