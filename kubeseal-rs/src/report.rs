//! What a verb has done with each file of a tree: lines and a sum on stdout, or JSON; faults on stderr.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Hinted};
use crate::files::{self, Output};
use crate::quoting::{on_one_line, visible};
use crate::typed::Typed;

/// How the report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    /// A line for each file in which something happened, and a sum.
    Text,
    /// One JSON object with all files.
    Json,
}

/// What came of one file.
#[derive(Debug, Serialize)]
pub(crate) struct FileReport {
    /// The file, as it was typed or found.
    file: String,
    /// What was done: one word.
    result: &'static str,
    /// The file that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// How many objects of it were worked on.
    objects: usize,
    /// What a person should know, a line each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<String>,
    /// What went wrong, without the hint.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    fault: Option<Error>,
    #[serde(skip)]
    quiet: bool,
}

impl FileReport {
    /// `result` came of `objects` objects in `file`.
    pub(crate) fn done(file: &Path, result: &'static str, objects: usize) -> Self {
        Self {
            file: file.display().to_string(),
            result,
            to: None,
            objects,
            details: Vec::new(),
            error: None,
            fault: None,
            quiet: false,
        }
    }

    /// Nothing of the file was changed, because of `fault`.
    pub(crate) fn failed(file: &Path, fault: Error) -> Self {
        let error = fault.chain();
        Self {
            error: Some(error),
            fault: Some(fault),
            ..Self::done(file, "failed", 0)
        }
    }

    /// The result is in `file`.
    pub(crate) fn to(mut self, file: &Path) -> Self {
        self.to = Some(file.display().to_string());
        self
    }

    /// With what a person should know.
    pub(crate) fn with(mut self, details: Vec<String>) -> Self {
        self.details.extend(details);
        self
    }

    /// In text it is counted, and not shown.
    pub(crate) fn only_counted(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// What was done and what a person should know, on one line.
    pub(crate) fn line(&self) -> String {
        format!("{} {}: {}", self.result, self.file, self.details.join("; "))
    }

    /// The word for what was done.
    pub(crate) fn result(&self) -> &'static str {
        self.result
    }
}

#[derive(Serialize)]
struct Json<'a> {
    files: &'a [FileReport],
    summary: BTreeMap<&'static str, usize>,
}

/// Prints what came of all files.
///
/// # Errors
/// [`Error::of_files`] with the faults of all files that failed.
pub(crate) fn print(reports: Vec<FileReport>, format: ReportFormat) -> Result<(), Error> {
    let mut summary = BTreeMap::new();
    for report in &reports {
        *summary.entry(report.result).or_insert(0) += 1;
    }
    let text = match format {
        ReportFormat::Json => {
            let json = Json {
                files: &reports,
                summary,
            };
            let mut text = serde_json::to_string_pretty(&json).map_err(|_| NoReport)?;
            text.push('\n');
            text
        }
        ReportFormat::Text => visible(&text(&reports, &summary)),
    };
    files::write(&Output::Stdout, text.as_bytes())?;
    faults(reports)
}

/// The faults alone, where the result itself is on stdout.
///
/// # Errors
/// [`Error::of_files`] with the faults of all files that failed.
pub(crate) fn faults(reports: Vec<FileReport>) -> Result<(), Error> {
    let faults: Vec<_> = reports.into_iter().filter_map(|report| report.fault).collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Error::of_files(faults))
    }
}

fn text(reports: &[FileReport], summary: &BTreeMap<&'static str, usize>) -> String {
    let mut text = String::new();
    for report in reports.iter().filter(|report| !report.quiet && report.fault.is_none()) {
        let to = report
            .to
            .as_ref()
            .map(|to| format!(" → {}", on_one_line(to)))
            .unwrap_or_default();
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{} {}{to}", report.result, on_one_line(&report.file));
        for detail in &report.details {
            let _ = writeln!(text, "  {detail}");
        }
    }
    let counts: Vec<_> = summary
        .iter()
        .map(|(result, files)| format!("{files} {result}"))
        .collect();
    let files = reports.len();
    let _ = writeln!(
        text,
        "{files} {}: {}",
        if files == 1 { "file" } else { "files" },
        if counts.is_empty() {
            "there is nothing to compare".to_owned()
        } else {
            counts.join(", ")
        }
    );
    text
}

/// The report cannot be written as JSON; cannot happen.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written")]
struct NoReport;

impl Hinted for NoReport {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        None
    }
}
