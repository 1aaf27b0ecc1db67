//! Memory in a cluster with many unrelated Secrets.

use std::time::Instant;

use anyhow::Result;
use base64::Engine as _;
use serde_json::{Value, json};

use super::settle;
use crate::bench::controller::api::core;
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{self, Ours, Reference};
use crate::bench::controller::stage::{Stage, memory, stop};
use crate::bench::page::Page;
use crate::bench::table::Table;

pub(super) fn measure(stage: &Stage, foreign: usize, page: &mut Page) -> Result<Vec<Goal>> {
    let namespace = stage.namespace()?;
    let without = [taken(stage, Reference)?.0, taken(stage, Ours)?.0];
    let text = base64::engine::general_purpose::STANDARD.encode(vec![b'x'; 16_384]);
    let one = |number| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("foreign-{number}")}, "data": {"blob": text}});
    let secrets: Vec<Value> = (0..foreign).map(one).collect();
    let (third, others) = secrets.split_at(foreign / 3);
    stage.client(&["create", &core(&namespace, "secrets")], third)?;
    let some = [taken(stage, Reference)?.0, taken(stage, Ours)?.0];
    stage.client(&["create", &core(&namespace, "secrets")], others)?;
    let with = [taken(stage, Reference)?, taken(stage, Ours)?];
    stage.clear(&namespace)?;
    let mut table = Table::new([
        "",
        "without them, MiB",
        "with a third, MiB",
        "with all, MiB",
        "peak, MiB",
    ]);
    for (who, index) in [("reference", 0), ("this", 1)] {
        let (with, peak) = with[index];
        table.row([
            who.to_owned(),
            format!("{:.1}", without[index]),
            format!("{:.1}", some[index]),
            format!("**{with:.1}**"),
            format!("{peak:.1}"),
        ]);
    }
    page.section(
        &format!("Memory with {foreign} foreign Secrets of 16 kB in the cluster"),
        "Resident memory once the controller has nothing to do; the peak is from its start, with them.",
        &table.text(),
    );
    let ours = with[1].0;
    Ok(vec![
        Goal::at_most("memory with foreign Secrets", 20.0, ours, " MiB"),
        Goal::at_most("what three times as many add to it", 1.0, ours - some[1], " MiB"),
    ])
}

/// Resident and peak memory of a controller that was started and is at rest.
fn taken(stage: &Stage, who: Contender) -> Result<(f64, f64)> {
    let process = stage.start(who, &[])?;
    stage.await_log(&process, "serving", Instant::now())?;
    settle(&process)?;
    let found = memory(&process)?;
    stop(process)?;
    Ok(found)
}
