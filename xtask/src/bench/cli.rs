//! `cargo xtask bench cli`: kubeseal beside the reference's.

mod corpus;
mod tree;

use std::path::{Path, PathBuf};

use anyhow::Result;
use harness::implementation::Implementation;
use harness::peers;
use harness::sealing_keys::SealingKey;

use super::child::{Run, Usage};
use super::crypto_rates::Rates;
use super::page::Page;
use super::paired::{Paired, paired};
use super::release;
use super::stats::Stats;
use super::table::Table;
use crate::dist;

/// The reference's default.
const BITS: u32 = 4096;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Rounds of the small Secret; a tenth of it for the long runs.
    #[arg(long, default_value_t = 50)]
    rounds: usize,
    /// Documents in the stream.
    #[arg(long, default_value_t = 5000)]
    documents: usize,
    /// Files of the tree that is resealed.
    #[arg(long, default_value_t = 2000)]
    files: usize,
    /// Files of the tree that is only checked.
    #[arg(long, default_value_t = 20_000)]
    checked: usize,
}

/// The two programs and the files that they read.
struct Bench {
    ours: PathBuf,
    /// The same with the release profile and the C library of the machine: what `cargo install` gives.
    installed: PathBuf,
    reference: PathBuf,
    key: SealingKey,
    folder: tempfile::TempDir,
}

impl Bench {
    fn prepare() -> Result<Bench> {
        peers::ensure(&[peers::REF_KUBESEAL], &|line| println!("{line}"))?;
        let folder = tempfile::tempdir()?;
        Ok(Bench {
            ours: dist::build(dist::TARGET)?,
            installed: release::build("kubeseal-rs", "kubeseal")?,
            reference: Implementation::Reference.programs()?.kubeseal,
            key: SealingKey::generate(folder.path(), BITS)?,
            folder,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Seals what stdin gives, to a file.
    fn seal(&self, program: &Path, stdin: &Path) -> Run {
        Run {
            program: program.to_owned(),
            arguments: vec![
                "--cert".to_owned(),
                self.key.certificate.display().to_string(),
                "--format".to_owned(),
                "yaml".to_owned(),
            ],
            stdin: Some(stdin.to_owned()),
            stdout: self.path("out"),
        }
    }

    /// One of the sub-commands that the reference does not have.
    fn verb(&self, arguments: Vec<String>) -> Run {
        Run {
            program: self.ours.clone(),
            arguments,
            stdin: None,
            stdout: self.path("out"),
        }
    }

    fn seal_by_turns(&self, rounds: usize, stdin: &Path) -> Result<Paired<Usage>> {
        let (reference, ours) = (self.seal(&self.reference, stdin), self.seal(&self.ours, stdin));
        paired(rounds, || reference.measure(), || ours.measure())
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let bench = Bench::prepare()?;
    let mut page = Page::new(
        "cli",
        "kubeseal beside the reference's",
        "The static program of `cargo xtask dist` beside `kubeseal` v0.40.0 of the reference, both with the same certificate \
         (RSA, 4096 bits), the same input and an empty environment. Wall time is from before the start of the process \
         to after its exit; memory is its peak of resident pages, as the kernel counts them. \
         Every table holds `min / **median** / max` of its rounds, and the contenders took turns.",
    );
    let before = Rates::measure(BITS)?;
    small(&bench, args, &mut page)?;
    stream(&bench, args, &before, &mut page)?;
    tree::reseal(&bench, args.files, (args.rounds / 10).max(1), &before, &mut page)?;
    tree::check(&bench, args.checked, &mut page)?;
    bound(&before, &Rates::measure(BITS)?, &mut page);
    page.write()
}

/// One Secret with one item: what a person waits for.
fn small(bench: &Bench, args: &Args, page: &mut Page) -> Result<()> {
    let input = bench.path("small.yaml");
    std::fs::write(&input, corpus::secrets(1))?;
    let measured = bench.seal_by_turns(args.rounds, &input)?;
    let installed = bench.seal(&bench.installed, &input);
    let installed = (0..args.rounds)
        .map(|_| installed.measure())
        .collect::<Result<Vec<_>>>()?;
    let nothing = Run {
        program: PathBuf::from("/bin/true"),
        arguments: Vec::new(),
        stdin: None,
        stdout: bench.path("out"),
    };
    let nothing = (0..args.rounds)
        .map(|_| nothing.measure())
        .collect::<Result<Vec<_>>>()?;

    let mut table = Table::new(["", "wall, ms", "processor, ms", "memory, MiB"]);
    let mut row = |who: &str, runs: &[Usage]| {
        table.row([
            who.to_owned(),
            Stats::of(runs.iter().map(Usage::milliseconds)).text(2),
            Stats::of(runs.iter().map(|run| run.cpu.as_secs_f64() * 1e3)).text(2),
            Stats::of(runs.iter().map(Usage::mebibytes)).text(1),
        ]);
    };
    row("reference", &measured.reference);
    row("this", &measured.ours);
    row("this, as `cargo install` builds it", &installed);
    row("a program that does nothing (`/bin/true`)", &nothing);
    let times = |of: fn(&Usage) -> f64| {
        let median = |runs: &[Usage]| Stats::of(runs.iter().map(of)).median;
        format!("**{:.1}×**", median(&measured.reference) / median(&measured.ours))
    };
    table.row([
        "reference ÷ this, medians".to_owned(),
        times(Usage::milliseconds),
        times(|run| run.cpu.as_secs_f64()),
        times(Usage::mebibytes),
    ]);
    page.section(
        "One small Secret",
        &format!(
            "`kubeseal --cert CERT --format yaml < SECRET > OUT`, {} rounds",
            args.rounds
        ),
        &table.text(),
    );
    Ok(())
}

/// Many documents in one stream: how much of the machine is used.
fn stream(bench: &Bench, args: &Args, rates: &Rates, page: &mut Page) -> Result<()> {
    let input = bench.path("stream.yaml");
    std::fs::write(&input, corpus::secrets(args.documents))?;
    let rounds = (args.rounds / 10).max(1);
    let measured = bench.seal_by_turns(rounds, &input)?;

    let mut table = Table::new(["", "wall, s", "items a second", "of the bound", "memory, MiB"]);
    let mut row = |who: &str, runs: &[Usage]| {
        let rate = Stats::of(runs.iter().map(|run| args.documents as f64 / run.wall.as_secs_f64()));
        table.row([
            who.to_owned(),
            Stats::of(runs.iter().map(|run| run.wall.as_secs_f64())).text(3),
            rate.text(0),
            format!("{:.0} %", 100.0 * rate.median / rates.public),
            Stats::of(runs.iter().map(Usage::mebibytes)).text(1),
        ]);
    };
    row("reference", &measured.reference);
    row("this", &measured.ours);
    page.section(
        &format!("A stream of {} documents with one item each", args.documents),
        &format!(
            "`kubeseal --cert CERT --format yaml < STREAM > OUT`, {rounds} rounds. The bound is the machine's rate of \
             public-key operations on all cores (below)."
        ),
        &table.text(),
    );
    Ok(())
}

/// The rates before and after the rounds: how much the speed of the machine itself varied.
fn bound(before: &Rates, after: &Rates, page: &mut Page) {
    let mut table = Table::new(["RSA-OAEP, 4096 bits, a second", "before", "after"]);
    let mut row = |what: &str, of: fn(&Rates) -> f64| {
        table.row([
            what.to_owned(),
            format!("{:.0}", of(before)),
            format!("{:.0}", of(after)),
        ]);
    };
    row("public key, all cores", |rates| rates.public);
    row("public key, one core", |rates| rates.public_one);
    row("private key, all cores", |rates| rates.private);
    row("private key, one core", |rates| rates.private_one);
    page.section(
        "The bound",
        "`cargo bench -p sealing --bench rate`, before and after the rounds: AWS-LC's own operations and nothing else.",
        &table.text(),
    );
}
