//! Diagnoses as text for people and as JSON for scripts.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{Cause, Diagnosis, Examined, Unreachable};
use crate::colour::{Colour, Tone};
use crate::quoting::{on_one_line, visible};

/// What came of one of several files: its objects, or why it could not be examined.
#[derive(Debug)]
pub(crate) struct FileReport {
    pub(crate) file: String,
    pub(crate) objects: Result<Vec<Examined>, String>,
}

/// For people: the object, whether it opens, each cause with what to type next.
pub(crate) fn text(file: &str, all: &[Examined], colour: Colour) -> String {
    all.iter()
        .map(|one| object_text(file, one, verdict(one), colour))
        .collect()
}

/// The same of one of several files: why the cluster could not be asked is left to [`unasked`].
pub(crate) fn text_of_several(file: &str, all: &[Examined], colour: Colour) -> String {
    let brief = |one: &Examined| {
        let Some(unreachable) = &one.unreachable else {
            return object_text(file, one, verdict(one), colour);
        };
        let mut one = one.clone();
        let said = unreachable.diagnosis();
        one.diagnoses.retain(|diagnosis| *diagnosis != said);
        let verdict = match verdict(&one) {
            (tone, _) if is_untried(&one) => (tone, "not checked".into()),
            other => other,
        };
        object_text(file, &one, verdict, colour)
    };
    all.iter().map(brief).collect()
}

/// Why the cluster or the controller could not be asked about the objects of several files, once.
pub(crate) fn unasked(reports: &[FileReport], colour: Colour) -> String {
    let objects = || reports.iter().flat_map(|report| report.objects.iter().flatten());
    let mut reasons: Vec<&Unreachable> = Vec::new();
    for reason in objects().filter_map(|one| one.unreachable.as_ref()) {
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    let (label, lacking) = match objects().any(is_untried) {
        true => ("not checked", ", and no private key is at hand"),
        false => ("controller", ""),
    };
    let text = |Unreachable { who, reason, next }: &Unreachable| {
        format!(
            "{}: {}\n  {} {}\n",
            colour.paint(Tone::Bad, label),
            visible(&format!("the {who} could not be asked{lacking}: {reason}")),
            colour.paint(Tone::Good, "next:"),
            visible(next)
        )
    };
    reasons.into_iter().map(text).collect()
}

/// Whether nothing is known of the object because the cluster or the controller could not be asked.
fn is_untried(one: &Examined) -> bool {
    one.unchecked.is_some() && faults(one) == 0
}

fn object_text(file: &str, one: &Examined, (tone, verdict): (Tone, Cow<'_, str>), colour: Colour) -> String {
    let place = colour.paint(
        Tone::Strong,
        &on_one_line(&format!("{file}:{}: {}", one.line, one.object)),
    );
    let mut text = format!("{place}: {}{}\n", colour.paint(tone, &verdict), visible(&items(one)));
    for diagnosis in &one.diagnoses {
        text += &diagnosis_text(diagnosis, colour);
    }
    text
}

/// Whether the object opens, in words.
fn verdict(one: &Examined) -> (Tone, Cow<'static, str>) {
    let (tone, verdict) = match (one.opens, faults(one)) {
        (Some(true) | None, 0) if one.empty && one.unchecked.is_none() => (Tone::Doubtful, "it has no items"),
        (Some(true), 0) => (Tone::Good, "it opens"),
        (Some(true), _) if only_not_synced(one) => (Tone::Bad, "it opens, and the cluster makes no Secret of it"),
        (Some(true), _) => (Tone::Doubtful, "it opens as it stands in the file"),
        (Some(false), _) => (Tone::Bad, "it does not open"),
        (None, 0) => match one.unchecked {
            Some(who) => {
                let verdict = format!("not checked: the {who} could not be asked, and no private key is at hand");
                return (Tone::Bad, verdict.into());
            }
            None => (
                Tone::Doubtful,
                "nothing is wrong as far as can be seen without the controller and without keys",
            ),
        },
        (None, _) if only_not_synced(one) => (Tone::Bad, "the cluster makes no Secret of it"),
        (None, _) if one.diagnoses.iter().all(|one| !one.cause.is_fault() || !one.certain) => {
            (Tone::Doubtful, "it may not open")
        }
        (None, _) => (Tone::Bad, "it will not open"),
    };
    (tone, verdict.into())
}

/// Which items open and which do not, where that differs.
fn items(one: &Examined) -> String {
    if one.opening.is_empty() {
        return String::new();
    }
    format!(
        " (closed: {}; open: {})",
        one.failing.join(", "),
        one.opening.join(", ")
    )
}

fn diagnosis_text(diagnosis: &Diagnosis, colour: Colour) -> String {
    let label = match (diagnosis.cause.is_fault(), diagnosis.certain) {
        (true, true) => colour.paint(Tone::Bad, diagnosis.cause.as_str()),
        (true, false) => colour.paint(Tone::Doubtful, &format!("{}?", diagnosis.cause.as_str())),
        (false, _) => colour.paint(Tone::Quiet, diagnosis.cause.as_str()),
    };
    format!(
        "  {label}: {}\n    {} {}\n",
        visible(&diagnosis.message),
        colour.paint(Tone::Good, "next:"),
        visible(&diagnosis.next)
    )
}

fn faults(one: &Examined) -> usize {
    one.diagnoses
        .iter()
        .filter(|diagnosis| diagnosis.cause.is_fault())
        .count()
}

/// Whether the object's status names the one thing that is wrong.
fn only_not_synced(one: &Examined) -> bool {
    let mut faults = one.diagnoses.iter().filter(|diagnosis| diagnosis.cause.is_fault());
    faults.all(|diagnosis| diagnosis.cause == Cause::NotSynced)
}

/// Whether something was found that keeps an object from being opened, or its Secret from being made.
pub(crate) fn fails(all: &[Examined]) -> bool {
    all.iter().any(|one| one.opens == Some(false) || faults(one) > 0)
}

/// Whether an object could not be tried because the cluster or the controller could not be asked.
pub(crate) fn is_unchecked(all: &[Examined]) -> bool {
    all.iter().any(|one| one.unchecked.is_some())
}

/// For scripts. `opens` is null where the object could not be tried; items are named where it does not open, and keys
/// at hand, or a single item, show which do not.
pub(crate) fn json(file: &str, all: &[Examined]) -> Value {
    let diagnosis = |one: &Diagnosis| {
        json!({
            "cause": one.cause.as_str(),
            "fault": one.cause.is_fault(),
            "certain": one.certain,
            "message": one.message,
            "next": one.next,
        })
    };
    let objects: Vec<_> = all
        .iter()
        .map(|one| {
            let diagnoses: Vec<_> = one.diagnoses.iter().map(diagnosis).collect();
            json!({
                "object": one.object,
                "line": one.line,
                "opens": one.opens,
                "itemsThatOpen": one.opening,
                "itemsThatDoNotOpen": one.failing,
                "diagnoses": diagnoses,
            })
        })
        .collect();
    json!({"file": file, "objects": objects})
}

/// The same of several files. `error` stands in place of `objects` where a file could not be examined.
pub(crate) fn json_list(reports: &[FileReport]) -> Value {
    let one = |report: &FileReport| match &report.objects {
        Ok(objects) => json(&report.file, objects),
        Err(error) => json!({"file": report.file, "error": error}),
    };
    reports.iter().map(one).collect()
}

/// How many objects of several files are in which state, on a line.
pub(crate) fn summary(reports: &[FileReport]) -> String {
    let objects = || reports.iter().flat_map(|report| report.objects.iter().flatten());
    let faulty = |one: &&Examined| one.opens == Some(false) || faults(one) > 0;
    let with_faults = objects().filter(faulty).count();
    let unchecked = objects().filter(|one| one.opens.is_none() && !faulty(one)).count();
    let all = objects().count();
    let failed = reports.iter().filter(|report| report.objects.is_err()).count();
    let parts = [
        (all - with_faults - unchecked, "ok"),
        (with_faults, "with faults"),
        (unchecked, "not checked"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let mut line = format!(
        "{} in {}",
        counted(all, "SealedSecret"),
        counted(reports.len() - failed, "file")
    );
    if !parts.is_empty() {
        line += &format!(": {}", parts.join(", "));
    }
    if failed > 0 {
        line += &format!("; {} could not be examined", counted(failed, "file"));
    }
    line + "\n"
}

fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// The result for a file in which no object can be read.
pub(crate) fn unreadable(message: String, next: String, line: usize) -> Examined {
    Examined {
        object: "?".to_owned(),
        line,
        opens: Some(false),
        unchecked: None,
        unreachable: None,
        empty: false,
        opening: Vec::new(),
        failing: Vec::new(),
        diagnoses: vec![Diagnosis {
            cause: Cause::Damaged,
            certain: true,
            message,
            next,
        }],
    }
}
