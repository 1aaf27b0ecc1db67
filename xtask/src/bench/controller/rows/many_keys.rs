//! Twenty-four keys, the objects sealed with the oldest.

use std::path::Path;

use anyhow::{Context as _, Result};
use harness::implementation::UNLIMITED;
use serde_json::{Value, json};

use super::{ENDS, cold};
use crate::bench::controller::BITS;
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{Ours, Reference};
use crate::bench::controller::stage::{Outcome, Stage, stop};
use crate::bench::machine;
use crate::bench::page::Page;
use crate::bench::table::Table;

const KEYS: usize = 24;
/// Items of the larger objects, which share their key.
const ITEMS: usize = 5;

/// `sealed` are sealed with the one key that there is; the others come later, and are newer.
pub(super) fn measure(
    stage: &Stage,
    certificate: &Path,
    (sealed, longest): (&[Value], u64),
    page: &mut Page,
) -> Result<Vec<Goal>> {
    let larger = stage.seal_items(certificate, sealed.len(), ITEMS, &[])?;
    let single = cold(stage, Ours, &[], sealed, ENDS)?;
    let larger_single = cold(stage, Ours, &[], &larger, ENDS)?;
    stage.add_keys(KEYS - 1, BITS)?;
    let reference = cold(stage, Reference, UNLIMITED, sealed, longest)?;

    let (without, hinted) = serve_and_hint(stage, sealed)?;
    let with = cold(stage, Ours, &[], &hinted, ENDS)?;
    let larger_without = cold(stage, Ours, &[], &larger, ENDS)?;

    let table = table(&[
        ("reference, 24 keys", &reference),
        ("this, 24 keys, no hint", &without),
        ("this, 24 keys, with the key hint", &with),
        ("this, one key", &single),
        ("this, 24 keys, no hint, 5 items", &larger_without),
        ("this, one key, 5 items", &larger_single),
    ]);
    page.section(
        &format!(
            "Cold start with {KEYS} keys, {} SealedSecrets sealed with the oldest",
            sealed.len()
        ),
        &format!(
            "The reference without its limit, watched for {longest} s; {} cores. It tries its keys in a random order, this the newest first unless it \
             knows better. The times of this contain the start, in which {KEYS} private keys are read and checked.",
            machine::cores()
        ),
        &table.text(),
    );
    let of_single = 100.0 * with.rate() / single.rate();
    let larger_of_single = 100.0 * larger_without.rate() / larger_single.rate();
    Ok(vec![
        Goal::at_least(
            "24 keys, with the hint, of the rate with one key",
            90.0,
            of_single,
            " %",
        ),
        Goal::at_least(
            "24 keys, without a hint, of 5 items, of the rate with one key",
            90.0,
            larger_of_single,
            " %",
        ),
        Goal::at_least(
            "24 keys, without a hint ÷ the reference",
            8.0,
            without.rate() / reference.rate(),
            " ×",
        ),
    ])
}

/// The first row is the reference's.
fn table(rows: &[(&str, &Outcome)]) -> Table {
    let mut table = Table::new(["", "Secrets a second", "CPU each, ms", "× the reference"]);
    let reference = rows.first().map_or(f64::NAN, |(_, outcome)| outcome.rate());
    for (who, outcome) in rows {
        table.row([
            (*who).to_owned(),
            format!("**{:.1}**", outcome.rate()),
            format!("{:.2}", outcome.cpu_each()),
            match who.ends_with("items") {
                // The reference is not measured with them.
                true => String::new(),
                false => format!("{:.1}", outcome.rate() / reference),
            },
        ]);
    }
    table
}

/// The outcome for these objects, and the objects with the hint of the key that opened the first.
fn serve_and_hint(stage: &Stage, sealed: &[Value]) -> Result<(Outcome, Vec<Value>)> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let (process, without) = stage.serve(Ours, &[], &namespace, sealed.len(), ENDS)?;
    stop(process)?;
    let first = stage
        .cluster
        .get_json(&["sealedsecret", "object-00000", "-n", &namespace])?;
    let key = first["status"]["openedBy"][0]
        .as_str()
        .context("the key that opened it")?;
    stage.clear(&namespace)?;
    let mut hinted = sealed.to_vec();
    for object in &mut hinted {
        object["metadata"]["annotations"]["sealed-secrets-rs/sealed-with"] = json!(key);
    }
    Ok((without, hinted))
}
