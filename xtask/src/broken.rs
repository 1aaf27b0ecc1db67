//! `cargo xtask broken`: breaks every rule once, and sees the test that holds it fail.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use harness::implementation::repository;
use harness::output::run;

const TABLE: &str = "tests/broken.txt";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what has this word in its rule, its file or its test.
    only: Option<String>,
}

/// A deliberate bug, and the test that has to catch it.
#[derive(Debug)]
struct Bug {
    rule: String,
    file: String,
    from: String,
    to: String,
    test: String,
}

impl Bug {
    fn read(block: &str) -> Result<Bug> {
        let lines = |start: &str| {
            let own = block.lines().filter_map(|line| line.strip_prefix(start));
            own.collect::<Vec<_>>().join("\n")
        };
        let rule = block.lines().next().unwrap_or_default().to_owned();
        let bug = Bug {
            file: lines("in "),
            from: lines("- "),
            to: lines("+ "),
            test: lines("test "),
            rule,
        };
        let all = [&bug.rule, &bug.file, &bug.from, &bug.to, &bug.test];
        ensure!(all.iter().all(|text| !text.is_empty()), "{TABLE}: {block}");
        Ok(bug)
    }

    fn path(&self) -> PathBuf {
        repository().join(&self.file)
    }

    /// The file as it is, and with the bug.
    fn texts(&self) -> Result<(String, String)> {
        let text = fs::read_to_string(self.path()).with_context(|| format!("cannot read {}", self.file))?;
        let places = text.matches(&self.from).count();
        ensure!(places == 1, "{}: {:?} is there {places} times", self.file, self.from);
        let broken = text.replace(&self.from, &self.to);
        Ok((text, broken))
    }

    fn test_name(&self) -> &str {
        self.test.rsplit(' ').next().unwrap_or_default()
    }

    /// Whether the test passes.
    fn is_missed(&self) -> Result<bool> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(repository()).args(["test", "--workspace"]);
        command.args(self.test.split(' '));
        let output = run(&mut command)?;
        let (failed, passed) = (format!("{} ... FAILED", self.test_name()), "1 passed; 0 failed");
        match (output.stdout.contains(&failed), output.stdout.contains(passed)) {
            (true, _) => Ok(false),
            (false, true) => Ok(true),
            _ => bail!("the test did not run: {output}"),
        }
    }
}

fn bugs() -> Result<Vec<Bug>> {
    let table = fs::read_to_string(repository().join(TABLE))?;
    let is_bug = |block: &&str| !block.trim().is_empty() && !block.starts_with('#');
    table.split("\n\n").filter(is_bug).map(Bug::read).collect()
}

/// Files as they were, written back in the end.
struct Restored(Vec<(PathBuf, String)>);

impl Drop for Restored {
    fn drop(&mut self) {
        for (path, text) in &self.0 {
            if let Err(error) = fs::write(path, text) {
                eprintln!("cannot restore {}: {error}", path.display());
            }
        }
    }
}

pub(crate) fn run_all(args: &Args) -> Result<()> {
    let mut missed = Vec::new();
    for bug in bugs()? {
        let only = args.only.as_deref().unwrap_or_default();
        if ![&bug.rule, &bug.file, &bug.test].iter().any(|text| text.contains(only)) {
            continue;
        }
        let (text, broken) = bug.texts()?;
        let lock = repository().join("Cargo.lock");
        let locked = fs::read_to_string(&lock)?;
        let restored = Restored(vec![(bug.path(), text), (lock, locked)]);
        fs::write(bug.path(), broken)?;
        let is_missed = bug.is_missed();
        drop(restored);
        let outcome = match is_missed {
            Ok(false) => "caught",
            Ok(true) => "MISSED",
            Err(error) => {
                println!("{error:#}");
                "UNCLEAR"
            }
        };
        println!("{outcome:7} {} ({})", bug.rule, bug.test_name());
        if outcome != "caught" {
            missed.push(bug.rule);
        }
    }
    ensure!(missed.is_empty(), "{} bugs were not caught", missed.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deliberate_bug_can_be_made_and_is_told() {
        let bugs = bugs().unwrap();
        let page = fs::read_to_string(repository().join("docs/assurance.md")).unwrap();
        for bug in &bugs {
            bug.texts().unwrap();
            let (_, what) = bug.rule.split_once(": ").unwrap();
            assert!(page.contains(what) && page.contains(bug.test_name()), "{what}");
        }
        // Rule 9 is a known limit, and rule 11 is broken by a test of its own, right by right.
        for rule in [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 13, 14, 15] {
            let start = format!("rule {rule}:");
            assert!(bugs.iter().any(|bug| bug.rule.starts_with(&start)), "rule {rule}");
        }
    }
}
