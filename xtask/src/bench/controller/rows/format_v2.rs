//! Objects of five items that wait, in both versions of the format.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::cold_start::{bare, median};
use super::{ENDS, cold};
use crate::bench::controller::Size;
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::Ours;
use crate::bench::controller::stage::{Outcome, Stage, stop};
use crate::bench::crypto_rates::Rates;
use crate::bench::page::Page;
use crate::bench::stats::Stats;
use crate::bench::table::Table;

const ITEMS: usize = 5;

/// The controller makes the hybrid key: the bench has none.
pub(super) fn measure(stage: &Stage, size: Size, rates: &Rates, page: &mut Page) -> Result<Vec<Goal>> {
    let certificate = stage.published_certificate()?;
    let sealed = |format: &str| stage.seal_items(&certificate, size.objects, ITEMS, &["--format-version", format]);
    let (first, second) = (sealed("1")?, sealed("2")?);
    let (mut v1, mut v2, mut loads) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..size.rounds {
        v1.push(cold(stage, Ours, &[], &first, ENDS)?);
        v2.push(cold(stage, Ours, &[], &second, ENDS)?);
        loads.push(bare(stage, &second)?);
    }
    let load = size.objects as f64 / Stats::of(loads).median;
    let mut table = Table::new(["", "Secrets a second", "CPU each, ms", "bytes of an object as JSON"]);
    let mut row = |who: &str, all: &[Outcome], objects: &[Value]| {
        let bytes: usize = objects.iter().map(|object| object.to_string().len()).sum();
        table.row([
            who.to_owned(),
            format!("**{:.1}**", median(all, Outcome::rate)),
            format!("{:.2}", median(all, Outcome::cpu_each)),
            (bytes / objects.len().max(1)).to_string(),
        ]);
        median(all, Outcome::rate)
    };
    let (of_v1, of_v2) = (row("format v1", &v1, &first), row("format v2", &v2, &second));
    let (loader, none) = ("the bare loader, with v2".to_owned(), String::new);
    table.row([loader, format!("{load:.1}"), none(), none()]);
    let faster = rates.hybrid_one / rates.private_one;
    page.section(
        &format!("Cold start with {} SealedSecrets of {ITEMS} items, in both formats", size.objects),
        &format!(
            "As above, without a key hint, medians of {} runs by turns. To open one value takes {:.3} ms of a core in v2, and {:.2} ms in v1: {faster:.0} × as fast.",
            size.rounds,
            1e3 / rates.hybrid_one,
            1e3 / rates.private_one,
        ),
        &table.text(),
    );
    page.section(
        "Sizes in both formats, by items and recipients",
        "Characters of the base64 of all values of an object, each of up to 31 bytes. One recipient is written for now.",
        &sizes(rates).text(),
    );
    Ok(vec![
        Goal::at_least(
            "opening a value of v2 ÷ one of v1 with RSA of 4096 bits",
            25.0,
            faster,
            " ×",
        ),
        Goal::at_least("cold start with v2 ÷ with v1", 2.5, of_v2 / of_v1, " ×"),
        Goal::at_least(
            "cold start with v2, of the bare loader",
            85.0,
            100.0 * of_v2 / load,
            " %",
        ),
    ])
}

fn sizes(rates: &Rates) -> Table {
    let mut table = Table::new(["items", "v1", "v2", "v2, 2 recipients", "4", "16"]);
    for items in [1, 5, 20, 100] {
        let [v1, one, two, four, most] = rates.sizes.map(|size| (items * size).to_string());
        table.row([items.to_string(), v1, one, two, four, most]);
    }
    table
}

impl Stage {
    /// The certificate of a hybrid key, which a controller makes.
    fn published_certificate(&self) -> Result<std::path::PathBuf> {
        let process = self.start(Ours, &["--hybrid=publish"])?;
        self.await_log(&process, "New key written", std::time::Instant::now())?;
        stop(process)?;
        let keys = self.cluster.key_secrets()?;
        let keys = keys["items"].as_array().context("a list")?;
        let key = keys
            .iter()
            .find(|key| key["data"]["hybrid.seed"].is_string())
            .context("a hybrid key")?;
        let text = key["data"]["tls.crt"].as_str().context("a certificate")?;
        let path = self.file("hybrid.crt");
        let mut decode = std::process::Command::new("base64");
        let decoded = harness::output::run_with_input(decode.arg("-d"), text.as_bytes())?.success()?;
        ensure!(decoded.stdout.contains("BEGIN CERTIFICATE"));
        std::fs::write(&path, decoded.stdout)?;
        Ok(path)
    }
}
