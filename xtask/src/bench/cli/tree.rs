//! A repository of sealed files, resealed offline: how much of the machine's private-key rate is used.
//!
//! The reference has no such mode, so the result is compared with the bound of the same run.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use harness::sealing_keys::SealingKey;

use super::super::child::{Run, Usage};
use super::super::crypto_rates::Rates;
use super::super::page::Page;
use super::super::stats::Stats;
use super::super::table::Table;
use super::{BITS, Bench, corpus};

/// Where Linux keeps files in memory: what is left of the difference to the bound there is not the disk's.
const IN_MEMORY: &str = "/dev/shm";

/// Files of one folder: as many as people keep together.
const FOLDER: usize = 100;

/// Reseals `files` sealed files with the next key, `rounds` times over, with and without the key hint.
pub(super) fn reseal(bench: &Bench, files: usize, rounds: usize, rates: &Rates, page: &mut Page) -> Result<()> {
    let next = bench.path("next");
    fs::create_dir(&next)?;
    let next = SealingKey::generate(&next, BITS)?;
    let clear = bench.path("clear");
    write_clear(&clear, files)?;

    let mut table = Table::new(["", "wall, s", "files a second", "of the bound", "memory, MiB"]);
    let (hinted, plain) = (bench.path("hinted"), bench.path("plain"));
    seal(bench, &clear, &hinted, true).measure()?;
    seal(bench, &clear, &plain, false).measure()?;
    let disk = bench.path("");
    for (who, sealed, place) in [
        ("with the key hint", &hinted, disk.as_path()),
        ("without", &plain, &disk),
        ("with it, on a file system in memory", &hinted, Path::new(IN_MEMORY)),
    ] {
        let runs = (0..rounds)
            .map(|_| once(bench, sealed, &next, place))
            .collect::<Result<Vec<_>>>()?;
        let rate = Stats::of(runs.iter().map(|run| files as f64 / run.wall.as_secs_f64()));
        table.row([
            who.to_owned(),
            Stats::of(runs.iter().map(|run| run.wall.as_secs_f64())).text(3),
            rate.text(0),
            format!("{:.0} %", 100.0 * rate.median / rates.private),
            Stats::of(runs.iter().map(Usage::mebibytes)).text(1),
        ]);
    }
    page.section(
        &format!("{files} sealed files resealed with the next key, offline"),
        &format!(
            "`kubeseal reseal TREE --recovery-private-key OLD,NEXT --cert NEXT.crt`, {rounds} rounds, each over a fresh \
             copy of the tree; one item a file, and each file reaches the disk before it takes the old one's place. The \
             bound is the machine's rate of private-key operations on all cores (below). The reference cannot reseal \
             offline."
        ),
        &table.text(),
    );
    Ok(())
}

/// What judges `files` files and writes none; and, by a tenth of them, what one more takes.
pub(super) fn check(bench: &Bench, files: usize, page: &mut Page) -> Result<()> {
    let mut table = Table::new(["", "wall, s", "files a second", "memory, MiB", "KiB a file"]);
    let few = checks(bench, files / 10)?;
    for ((verb, run), (_, less)) in checks(bench, files)?.iter().zip(&few) {
        let more = (run.mebibytes() - less.mebibytes()) * 1024.0;
        table.row([
            format!("`{verb}`"),
            format!("**{:.2}**", run.wall.as_secs_f64()),
            format!("{:.0}", files as f64 / run.wall.as_secs_f64()),
            format!("{:.1}", run.mebibytes()),
            format!("{:.2}", more / (files - files / 10) as f64),
        ]);
    }
    page.section(
        &format!("{files} files that are as they should be"),
        &format!(
            "One item a file, one run each; KiB a file are what it took more than of {} files, names included. `reseal \
             --check` opens every value.",
            files / 10
        ),
        &table.text(),
    );
    Ok(())
}

fn checks(bench: &Bench, files: usize) -> Result<[(&'static str, Usage); 3]> {
    let (clear, sealed) = (
        bench.path(&format!("clear-{files}")),
        bench.path(&format!("sealed-{files}")),
    );
    write_clear(&clear, files)?;
    seal(bench, &clear, &sealed, true).measure()?;
    let [clear, sealed] = [clear, sealed].map(|path| path.display().to_string());
    let certificate = bench.key.certificate.display().to_string();
    let key = bench.key.private_key.display().to_string();
    let run = |words: &[&str]| {
        bench
            .verb(words.iter().map(|word| (*word).to_owned()).collect())
            .measure()
    };
    Ok([
        ("lint", run(&["lint", &sealed])?),
        ("seal --check", run(&["seal", "--check", &clear, "--out", &sealed])?),
        (
            "reseal --check",
            run(&[
                "reseal",
                "--check",
                &sealed,
                "--recovery-private-key",
                &key,
                "--cert",
                &certificate,
            ])?,
        ),
    ])
}

/// One Secret a file, in folders.
fn write_clear(folder: &Path, files: usize) -> Result<()> {
    for number in 0..files {
        let path = folder.join(format!("{}/{number}.yaml", number / FOLDER));
        let parent = path.parent().context("a file stands in a folder")?;
        fs::create_dir_all(parent)?;
        fs::write(path, corpus::secret(number))?;
    }
    Ok(())
}

fn seal(bench: &Bench, clear: &Path, out: &Path, hint: bool) -> Run {
    let mut arguments = vec!["seal".to_owned(), clear.display().to_string()];
    arguments.extend(["--out".to_owned(), out.display().to_string()]);
    arguments.extend(["--cert".to_owned(), bench.key.certificate.display().to_string()]);
    arguments.extend((!hint).then(|| "--no-key-hint".to_owned()));
    bench.verb(arguments)
}

/// Reseals a fresh copy of the tree; the copy is not part of what is measured. On the disk it stays until the end: ext4
/// without a journal goes past the inodes that were freed within the last minutes, one by one, whenever it makes a new one.
fn once(bench: &Bench, sealed: &Path, next: &SealingKey, place: &Path) -> Result<Usage> {
    let mut copy = tempfile::tempdir_in(place)?;
    copy.disable_cleanup(place != Path::new(IN_MEMORY));
    copy_tree(sealed, copy.path())?;
    let keys = [&bench.key.private_key, &next.private_key].map(|path: &PathBuf| path.display().to_string());
    let mut arguments = vec!["reseal".to_owned(), copy.path().display().to_string()];
    arguments.extend(["--recovery-private-key".to_owned(), keys.join(",")]);
    arguments.extend(["--cert".to_owned(), next.certificate.display().to_string()]);
    bench.verb(arguments).measure()
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
