//! A start over objects in sync.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use harness::implementation::UNLIMITED;
use harness::process::Process;
use serde_json::Value;

use super::{ENDS, settle};
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{self, Ours, Reference};
use crate::bench::controller::stage::{Stage, cpu, memory, stop};
use crate::bench::page::Page;
use crate::bench::stats::Stats;
use crate::bench::table::Table;

const KEY_OPERATIONS: &str = "sealed_secrets_controller_private_key_operations_total";
pub(super) const PASSES: &str = "sealed_secrets_controller_unseal_requests_total";
/// Bare LISTs and restarts, of which the medians count.
const ROUNDS: usize = 3;

const COLUMNS: [&str; 6] = [
    "",
    "seconds",
    "× two bare LISTs",
    "CPU, s",
    "private-key operations",
    "writes",
];

/// The cost of a restart.
pub(super) struct Restart {
    pub(super) seconds: f64,
    /// Whether it had come to its end by then.
    pub(super) ended: bool,
    pub(super) cpu: f64,
    pub(super) operations: f64,
    pub(super) writes: usize,
    /// MiB that are resident at rest, and at the peak.
    pub(super) memory: (f64, f64),
}

/// Ours, and the reference where `both`.
pub(super) fn measure(stage: &Stage, sealed: &[Value], both: bool, page: &mut Page) -> Result<Vec<Goal>> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let (process, _) = stage.serve(Ours, &[], &namespace, sealed.len(), ENDS)?;
    settle(&process)?;
    stop(process)?;
    let (mut lists, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let told = stage.client(&["lists", &namespace], &[])?;
        lists.push(told["seconds"].as_f64().context("seconds")?);
        ours.push(restarted(stage, Ours, sealed.len(), ENDS)?);
    }
    let reference = both
        .then(|| restarted(stage, Reference, sealed.len(), ENDS))
        .transpose()?;
    let lists = Stats::of(lists).median;
    let of = |figure: fn(&Restart) -> f64| Stats::of(ours.iter().map(figure));
    let (seconds, cpu) = (of(|restart| restart.seconds).median, of(|restart| restart.cpu).median);
    let operations = of(|restart| restart.operations).max;
    let writes = of(|restart| restart.writes as f64).max;

    let mut table = Table::new(COLUMNS);
    let cells = |who: &str, seconds: f64, cpu: f64, operations: String, writes: String| {
        let (bold, of_lists) = (format!("**{seconds:.2}**"), format!("{:.1}", seconds / lists));
        [who.to_owned(), bold, of_lists, format!("{cpu:.2}"), operations, writes]
    };
    if let Some(reference) = reference {
        let operations = format!("at least {}", sealed.len());
        let writes = reference.writes.to_string();
        table.row(cells("reference", reference.seconds, reference.cpu, operations, writes));
    }
    table.row(cells("this", seconds, cpu, operations.to_string(), writes.to_string()));
    let none = String::new;
    let time = format!("{lists:.2}");
    table.row([
        "two bare LISTs".to_owned(),
        time,
        "1".to_owned(),
        none(),
        none(),
        none(),
    ]);
    stage.clear(&namespace)?;
    page.section(
        &format!("Restart with {} SealedSecrets in sync", sealed.len()),
        &format!(
            "This: from its first log line to the one that says that it is ready, medians of {ROUNDS} restarts; the \
             reference, without its limit, when it has passed over each object. The bare LISTs are those of all \
             SealedSecrets and of the metadata of all Secrets, 500 objects a page."
        ),
        &table.text(),
    );
    Ok(vec![
        Goal::at_most(name(both, 0), 1.5, seconds / lists, " ×"),
        Goal::at_most(name(both, 1), 0.0, operations, ""),
        Goal::at_most(name(both, 2), 0.0, writes, ""),
    ])
}

fn name(few: bool, goal: usize) -> &'static str {
    const FEW: [&str; 3] = [
        "restart, ÷ two bare LISTs",
        "restart, private-key operations",
        "restart, writes",
    ];
    const MANY: [&str; 3] = [
        "restart with many, ÷ two bare LISTs",
        "restart with many, private-key operations",
        "restart with many, writes",
    ];
    if few { FEW } else { MANY }.get(goal).copied().unwrap_or_default()
}

/// When the first line with these words was logged, in seconds.
fn logged(process: &Process, words: &str) -> Result<f64> {
    let log = process.log()?;
    let line = log.lines().find(|line| line.contains(words)).context("no such line")?;
    let time = line.strip_prefix("time=").and_then(|rest| rest.split(' ').next());
    let time: jiff::Timestamp = time.context("a line begins with its time")?.parse()?;
    Ok(time.as_millisecond() as f64 / 1e3)
}

/// Ours is done when it logs that it is ready and its passes are through, the reference when each object had its pass. The wait
/// for the reference ends after `longest` seconds.
pub(super) fn restarted(stage: &Stage, who: Contender, count: usize, longest: u64) -> Result<Restart> {
    let before = stage.cluster.controller_requests()?.len();
    let start = Instant::now();
    let process = stage.start(who, if who == Ours { &[] } else { UNLIMITED })?;
    let (seconds, ended) = match who {
        Ours => {
            stage.await_log(&process, "msg=ready", start)?;
            (logged(&process, "msg=ready")? - logged(&process, "msg=")?, true)
        }
        Reference => {
            stage.await_log(&process, "serving", start)?;
            let mut ended = false;
            while !ended && start.elapsed() < Duration::from_secs(longest) {
                std::thread::sleep(Duration::from_millis(200));
                ended = stage.metric(PASSES)? >= count as f64;
            }
            (start.elapsed().as_secs_f64(), ended)
        }
    };
    if ended {
        settle(&process)?;
    }
    let operations = stage.metric(KEY_OPERATIONS)?;
    let (used, memory) = (cpu(&process)?, memory(&process)?);
    stop(process)?;
    let requests = stage.cluster.controller_requests()?;
    let since = requests.get(before..).unwrap_or_default();
    // The Lease is renewed whatever happens.
    let writes = since
        .iter()
        .filter(|request| request.writes() && request.resource != "leases")
        .count();
    Ok(Restart {
        seconds,
        ended,
        cpu: used,
        operations,
        writes,
        memory,
    })
}
