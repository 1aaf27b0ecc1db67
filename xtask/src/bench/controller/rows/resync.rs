//! A round in which nothing has changed.

use std::time::Duration;

use anyhow::{Result, ensure};
use harness::process::Process;
use serde_json::Value;

use super::{ENDS, settle};
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::Ours;
use crate::bench::controller::stage::{Stage, cpu, stop};
use crate::bench::page::Page;
use crate::bench::table::Table;

const PERIOD: u64 = 60;
const OPERATIONS: &str = "sealed_secrets_controller_private_key_operations_total";
const LAST: &str = "sealed_secrets_controller_last_sync_timestamp_seconds";

pub(super) fn measure(stage: &Stage, sealed: &[Value], page: &mut Page) -> Result<Vec<Goal>> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let period = format!("--resync-period={PERIOD}s");
    let (process, _) = stage.serve(Ours, &[&period], &namespace, sealed.len(), ENDS)?;
    settle(&process)?;
    await_round(stage, &process)?;
    let operations = stage.metric(OPERATIONS)?;
    let (before, used) = (writes(stage)?, cpu(&process)?);
    // Rounds are 0.9 to 1.1 periods apart: in this time there is one.
    std::thread::sleep(Duration::from_secs(PERIOD * 112 / 100));
    let used = cpu(&process)? - used;
    let writes = writes(stage)? - before;
    let operations = stage.metric(OPERATIONS)? - operations;
    stop(process)?;
    let mut table = Table::new(["processor time, s", "private-key operations", "writes"]);
    table.row([format!("**{used:.2}**"), format!("{operations:.0}"), writes.to_string()]);
    page.section(
        &format!("A resync of {} SealedSecrets in sync", sealed.len()),
        &format!(
            "All that the process does in {} s, in which one round falls: everything is listed again and compared. Writes are those \
             of the API server's audit log, without the Lease.",
            PERIOD * 112 / 100
        ),
        &table.text(),
    );
    Ok(vec![
        Goal::at_most("processor time of a resync", 1.0, used, " s"),
        Goal::at_most("private-key operations of a resync", 0.0, operations, ""),
        Goal::at_most("writes of a resync", 0.0, writes as f64, ""),
    ])
}

/// Waits until a round has ended.
fn await_round(stage: &Stage, process: &Process) -> Result<()> {
    let last = stage.metric(LAST)?;
    for _ in 0..PERIOD {
        std::thread::sleep(Duration::from_secs(2));
        if stage.metric(LAST)? > last {
            // What the watches of the new lists still have to do.
            return settle(process);
        }
    }
    ensure!(false, "no round in {} s", 2 * PERIOD);
    Ok(())
}

fn writes(stage: &Stage) -> Result<usize> {
    let requests = stage.cluster.controller_requests()?;
    let writes = requests
        .iter()
        .filter(|request| request.writes() && request.resource != "leases");
    Ok(writes.count())
}
