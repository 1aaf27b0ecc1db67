//! The table of `docs/parity.md` that this test holds.

use std::collections::BTreeSet;
use std::fmt;

use anyhow::{Context, Result, ensure};

/// A row: what the two controllers make of one object differs in this.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Difference {
    pub(crate) object: String,
    pub(crate) what: String,
    pub(crate) reference: String,
    pub(crate) ours: String,
}

const BEGIN: &str = "<!-- held by tests/tests/equivalence: begin -->";
const END: &str = "<!-- held by tests/tests/equivalence: end -->";

/// The rows `| object | what | reference | ours | why |` between the two marks. Every row needs its reason.
pub(crate) fn documented() -> Result<BTreeSet<Difference>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/parity.md");
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let table = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let (table, _) = table.with_context(|| format!("docs/parity.md has no table between {BEGIN} and {END}"))?;
    let rows = table.lines().map(str::trim).filter(|line| line.starts_with('|'));
    // The head and the line under it.
    rows.skip(2).map(parse).collect()
}

fn parse(row: &str) -> Result<Difference> {
    let cells: Vec<String> = row
        .trim_matches('|')
        // A bar in a message is written `\|`, as Markdown has it.
        .replace("\\|", "\u{0}")
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').replace('\u{0}', "|"))
        .collect();
    let [object, what, reference, ours, why] = cells.as_slice() else {
        anyhow::bail!("a row has five cells, not {row:?}");
    };
    ensure!(!why.is_empty(), "no reason given: {row:?}");
    let cell = |text: &String| text.clone();
    Ok(Difference {
        object: cell(object),
        what: cell(what),
        reference: cell(reference),
        ours: cell(ours),
    })
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = |text: &str| match text {
            "—" => text.to_owned(),
            text => format!("`{}`", text.replace('|', "\\|")),
        };
        write!(
            f,
            "| {} | {} | {} | {} | |",
            self.object,
            self.what,
            code(&self.reference),
            code(&self.ours)
        )
    }
}
