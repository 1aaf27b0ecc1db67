//! Both programs get the same command lines and the same files: exit code, stdout, stderr and the files that they leave
//! behind are the same, but for what `docs/parity.md` lists with its reason.
//!
//! What is sealed differs in every run, so ciphertexts are replaced by what the reference opens them to; every other byte
//! of the outputs is compared. Of stderr, the class of the message counts.

mod fixture;
mod inputs;
mod line;
mod outcome;
mod server;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use anyhow::{Result, anyhow, ensure};
use harness::differences::{self, Difference};
use libtest_mimic::{Arguments, Trial};

use fixture::Laboratory;
use line::Line;

/// Where the differences are documented.
const TABLE: &str = "tests/tests/command_lines";
/// Held so that lines do not get lost.
const FEWEST: usize = 150;

/// The differences between the programs for one line, or why they could not be compared.
type Compared = OnceLock<Result<BTreeSet<Difference>, String>>;

/// The lines, and what both programs made of each, once it was asked for.
struct Corpus {
    laboratory: OnceLock<Result<Laboratory, String>>,
    lines: Vec<(Line, Compared)>,
}

impl Corpus {
    /// The differences between the programs for one line.
    fn differences(&self, index: usize) -> Result<&BTreeSet<Difference>> {
        let (line, slot) = self.lines.get(index).ok_or_else(|| anyhow!("no such line"))?;
        let told = |error: anyhow::Error| format!("{error:#}");
        let laboratory = self.laboratory.get_or_init(|| Laboratory::new().map_err(told));
        let laboratory = laboratory.as_ref().map_err(|error| anyhow!("{error}"))?;
        slot.get_or_init(|| laboratory.compare(line).map_err(told))
            .as_ref()
            .map_err(|error| anyhow!("{error}"))
    }

    /// The line differs in nothing that is not listed.
    fn is_as_documented(&self, index: usize) -> Result<()> {
        let documented = differences::documented(TABLE)?;
        let new = differences::rows(self.differences(index)?.difference(&documented));
        ensure!(new.is_empty(), "docs/parity.md does not list:\n{new}");
        Ok(())
    }

    /// Every listed difference still exists.
    fn no_row_is_stale(&self) -> Result<()> {
        let mut found = BTreeSet::new();
        for index in 0..self.lines.len() {
            found.extend(self.differences(index)?.iter().cloned());
        }
        let stale = differences::documented(TABLE)?;
        let stale = differences::rows(stale.difference(&found));
        ensure!(stale.is_empty(), "docs/parity.md lists what is not so:\n{stale}");
        ensure!(
            self.lines.len() >= FEWEST,
            "only {} command lines are left",
            self.lines.len()
        );
        Ok(())
    }
}

fn main() -> Result<()> {
    let lines = line::all()?.into_iter().map(|line| (line, OnceLock::new())).collect();
    let corpus = Arc::new(Corpus {
        laboratory: OnceLock::new(),
        lines,
    });
    let failed = |error: anyhow::Error| libtest_mimic::Failed::from(format!("{error:#}"));
    let mut trials = Vec::new();
    for (index, (line, _)) in corpus.lines.iter().enumerate() {
        let corpus = Arc::clone(&corpus);
        trials.push(Trial::test(line.name.clone(), move || {
            corpus.is_as_documented(index).map_err(failed)
        }));
    }
    let whole = Arc::clone(&corpus);
    trials.push(Trial::test("no listed difference is stale", move || {
        whole.no_row_is_stale().map_err(failed)
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}
