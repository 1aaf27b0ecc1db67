//! The table of `docs/parity.md` that this test holds.

use std::collections::{BTreeMap, BTreeSet};

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

/// The rows `| objects | what | reference | ours | why |` between the two marks; objects that differ alike share a row.
/// Every row needs its reason.
pub(crate) fn documented() -> Result<BTreeSet<Difference>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/parity.md");
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let table = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    let (table, _) = table.with_context(|| format!("docs/parity.md has no table between {BEGIN} and {END}"))?;
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
pub(crate) fn rows<'a>(differences: impl Iterator<Item = &'a Difference>) -> String {
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
