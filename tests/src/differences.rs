//! The tables of `docs/parity.md` that tests hold, both ways: a difference that is not listed fails, and so does a row of
//! which nothing is true any more.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

/// A difference between the two implementations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The thing: an object, or a command line by its name.
    pub object: String,
    /// The part that differs.
    pub what: String,
    /// What the reference makes of it.
    pub reference: String,
    /// What ours makes of it.
    pub ours: String,
}

/// The rows `| things | what | reference | ours | why |` between the marks of the test in that folder; things that differ
/// alike share a row. Every row needs its reason.
///
/// # Errors
/// There is no such table, or a row is not as it must be.
pub fn documented(folder: &str) -> Result<BTreeSet<Difference>> {
    let mark = |end: &str| format!("<!-- held by {folder}: {end} -->");
    let (begin, end) = (mark("begin"), mark("end"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/parity.md");
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let table = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
    let (table, _) = table.with_context(|| format!("docs/parity.md has no table between {begin} and {end}"))?;
    let rows = table.lines().map(str::trim).filter(|line| line.starts_with('|'));
    let mut all = BTreeSet::new();
    // The head and the line under it come first.
    for row in rows.skip(2) {
        all.extend(parse(row)?);
    }
    Ok(all)
}

fn parse(row: &str) -> Result<Vec<Difference>> {
    let cells: Vec<String> = row
        .trim_matches('|')
        // A bar in a message is written `\|`, as Markdown has it.
        .replace("\\|", "\u{0}")
        .split('|')
        .map(|cell| cell.trim().trim_matches('`').replace('\u{0}', "|"))
        .collect();
    let [objects, what, reference, ours, why] = cells.as_slice() else {
        anyhow::bail!("a row has five cells, not {row:?}");
    };
    ensure!(!why.is_empty(), "no reason given: {row:?}");
    let difference = |object: &str| Difference {
        object: object.to_owned(),
        what: what.clone(),
        reference: reference.clone(),
        ours: ours.clone(),
    };
    Ok(objects.split(", ").map(difference).collect())
}

/// Rows as the table has them, without their reasons.
pub fn rows<'a>(differences: impl Iterator<Item = &'a Difference>) -> String {
    let mut alike: BTreeMap<[&str; 3], Vec<&str>> = BTreeMap::new();
    for Difference {
        object,
        what,
        reference,
        ours,
    } in differences
    {
        alike.entry([what, reference, ours]).or_default().push(object);
    }
    let code = |text: &str| match text {
        "—" => text.to_owned(),
        text => format!("`{}`", text.replace('|', "\\|")),
    };
    let row = |([what, reference, ours], objects): ([&str; 3], Vec<&str>)| {
        format!(
            "| {} | {what} | {} | {} | |",
            objects.join(", "),
            code(reference),
            code(ours)
        )
    };
    alike.into_iter().map(row).collect::<Vec<_>>().join("\n")
}
