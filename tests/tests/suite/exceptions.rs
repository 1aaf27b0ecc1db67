//! The list of specs that are excused.

use anyhow::{Context, Result, ensure};

/// One line of the list.
pub(crate) struct Exception {
    /// A part of the spec's name.
    pub(crate) pattern: String,
}

impl Exception {
    pub(crate) fn matches(&self, spec: &str) -> bool {
        spec.contains(&self.pattern)
    }
}

/// Reads `tests/suite-exceptions.txt`: a line is `part of the spec's name | reason | the issue that removes it`.
pub(crate) fn read() -> Result<Vec<Exception>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/suite-exceptions.txt");
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(parse)
        .collect()
}

fn parse(line: &str) -> Result<Exception> {
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let complete = fields.len() == 3 && fields.iter().all(|field| !field.is_empty());
    ensure!(complete, "an exception is `name | reason | issue`, not {line:?}");
    Ok(Exception {
        pattern: fields[0].to_owned(),
    })
}
