//! A module of kubeseal may use modules of lower layers alone, so there are no cycles.

use std::collections::BTreeSet;

use super::{product_lines, root, sources};

/// The modules at the root of the crate; each may import those of the layers before its own.
const LAYERS: &[&[&str]] = &[
    &["patterns"],
    &[
        "core_dump",
        "embedded",
        "environment",
        "field_order",
        "flags",
        "git",
        "interrupt",
        "names",
        "parallel",
        "prompt",
        "quoting",
    ],
    &["colour", "place", "placeholder", "progress", "proxy", "typed"],
    &["error", "note"],
    &["files"],
    &["cluster", "editor", "report", "walk"],
    &["objects", "tree"],
    &["keys", "project", "repository"],
    &["cert_source", "manifest_file"],
    &["lint"],
    &["doctor"],
    &["commands"],
    &["args"],
    &["run"],
    &["main"],
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules that a line names, as `crate::module`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let after = line.split("crate::").skip(1);
    after.filter_map(|after| {
        after
            .split(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .next()
    })
}

#[test]
fn modules_of_kubeseal_know_only_lower_ones() {
    let member = root().join("kubeseal-rs");
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for file in sources(&member) {
        let path = file.strip_prefix(member.join("src")).unwrap().with_extension("");
        let module = path.iter().next().unwrap().to_str().unwrap().to_owned();
        let own = layer(&module).unwrap_or_else(|| panic!("{module} stands in no layer"));
        for (number, line) in product_lines(&file) {
            let higher = |other: &&str| *other != module && layer(other).is_some_and(|other| other >= own);
            let all = named(&line).filter(higher);
            wrong.extend(all.map(|other| format!("{}:{number}: {module} knows {other}", path.display())));
        }
        seen.insert(module);
    }
    assert_eq!(wrong, Vec::<String>::new());
    let listed: BTreeSet<_> = LAYERS
        .iter()
        .copied()
        .flatten()
        .map(|module| (*module).to_owned())
        .collect();
    assert_eq!(seen, listed);
}

#[test]
fn names_of_modules_are_found_in_a_line() {
    let line = "use crate::files::{self, Input}; let a = crate::git::normal(b); pub(in crate::commands)";
    assert_eq!(named(line).collect::<Vec<_>>(), ["files", "git", "commands"]);
}
