//! The files and tests that the documentation names exist.

use std::path::{Path, PathBuf};

/// Every page that is not generated.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    let files = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = files(root.clone())
        .chain(files(root.join("docs")))
        .chain(files(root.join("docs/recipes")))
        .filter(is_page)
        .collect();
    assert!(pages.len() > 5, "{pages:?}");
    pages
}

fn root_of(page: &Path) -> &Path {
    page.ancestors()
        .find(|folder| folder.join("Cargo.lock").exists())
        .unwrap()
}

/// The texts between backticks, outside of code blocks.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

fn rust_sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            rust_sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            let there = target.contains("://") || page.parent().unwrap().join(target).exists();
            assert!(there, "{}: {link}", page.display());
        }
    }
}

#[test]
fn files_that_are_named_are_there() {
    let rooms = [
        "crds/",
        "sealing/",
        "controller/src/",
        "kubeseal-rs/",
        "tests/",
        "xtask/",
        "deploy/",
        "docs/",
    ];
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for name in quoted(&text) {
            let is_file = rooms.iter().any(|room| name.starts_with(room)) && !name.contains(['*', ' ', '<']);
            assert!(
                !is_file || root_of(&page).join(name).exists(),
                "{}: {name}",
                page.display()
            );
        }
    }
}

#[test]
fn tests_that_are_said_to_hold_a_rule_are_there() {
    let mut sources = String::new();
    rust_sources(root_of(&pages()[0]), &mut sources);
    let is_test =
        |name: &&str| name.matches('_').count() > 1 && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
    for name in ["docs/threat-model.md", "docs/parity-tests.md"] {
        let page = pages().into_iter().find(|page| page.ends_with(name)).unwrap();
        let text = std::fs::read_to_string(&page).unwrap();
        let named: Vec<_> = quoted(&text).into_iter().filter(is_test).collect();
        assert!(named.len() > 3, "{named:?}");
        for name in named {
            assert!(
                sources.contains(&format!("fn {name}(")),
                "{} is held by no test {name}",
                page.display()
            );
        }
    }
}

/// The first cell of each row of a table: the reference's side, or ours where the reference has nothing. Then the items of
/// "Without a difference".
fn beginnings(section: &str) -> Vec<&str> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")).skip(1);
    let rows = rows.map(|row| row.trim_start_matches("— | "));
    let same = section
        .lines()
        .filter_map(|line| line.strip_prefix("Without a difference: "));
    let same = same.flat_map(|line| line.trim_end_matches('.').split("; "));
    rows.chain(same).collect()
}

#[test]
fn every_row_about_kubeseals_flags_is_shown_by_a_test() {
    let page = pages()
        .into_iter()
        .find(|page| page.ends_with("docs/parity.md"))
        .unwrap();
    let text = std::fs::read_to_string(&page).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with("1. ")).unwrap();
    let mut sources = String::new();
    rust_sources(root_of(&page), &mut sources);
    let lines = std::fs::read_to_string(root_of(&page).join("tests/tests/command_lines/lines.txt")).unwrap();
    let is_there = |name: &str| {
        sources.contains(&format!("fn {name}(")) || lines.lines().any(|line| line.starts_with(&format!("{name}: ")))
    };
    let known = include_str!("doc_checks/parity-tests.txt").lines();
    let mut known: Vec<_> = known.filter_map(|line| line.split_once(" => ")).collect();
    let rows = beginnings(section);
    assert!(rows.len() > 50, "{rows:?}");
    for row in rows {
        let at = known.iter().position(|(beginning, _)| row.starts_with(beginning));
        let at = at.unwrap_or_else(|| panic!("xtask/src/doc_checks/parity-tests.txt names no test for the row: {row}"));
        let (_, tests) = known.remove(at);
        for test in tests.split(", ") {
            assert!(is_there(test), "there is no test {test} for the row: {row}");
        }
    }
    assert_eq!(known, [], "there are no such rows in docs/parity.md");
}
