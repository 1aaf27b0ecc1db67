//! Memory for many SealedSecrets, and a restart with them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::restart::{Restart, restarted};
use super::{ENDS, settle};
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{self, Ours, Reference};
use crate::bench::controller::stage::{Stage, memory, stop};
use crate::bench::page::Page;
use crate::bench::table::Table;

/// Of more objects, only what a restart takes is bounded, and what half of them add to it.
const FEW: usize = 10_000;

/// The resources of one contender.
struct Taken {
    /// MiB at rest without objects.
    idle: f64,
    /// MiB at rest after a restart with half of the objects, where that was measured.
    half: Option<f64>,
    /// MiB at rest, and at the peak, of the process that made the Secrets.
    first: Option<(f64, f64)>,
    restart: Restart,
}

/// `(objects, items)`: how many, of how many items. The reference is not waited for longer than so many seconds.
pub(super) fn measure(
    stage: &Stage,
    certificate: &Path,
    (objects, items): (usize, usize),
    longest: u64,
    page: &mut Page,
) -> Result<Vec<Goal>> {
    let idle = [idle(stage, Reference)?, idle(stage, Ours)?];
    let namespace = stage.namespace()?;
    let sealed = stage.seal_items(certificate, objects, items, &[])?;
    let (first_half, others) = sealed.split_at(if objects > FEW { objects / 2 } else { 0 });
    let half = if first_half.is_empty() {
        None
    } else {
        stage.fill(&namespace, first_half)?;
        stop(stage.serve(Ours, &[], &namespace, first_half.len(), 10 * ENDS)?.0)?;
        Some(restarted(stage, Ours, first_half.len(), longest)?.memory.0)
    };
    stage.fill(&namespace, others)?;
    let (process, outcome) = stage.serve(Ours, &[], &namespace, objects, 10 * ENDS)?;
    settle(&process)?;
    let first = memory(&process)?;
    stop(process)?;
    let lists = stage.client(&["lists", &namespace], &[])?["seconds"]
        .as_f64()
        .context("seconds")?;
    let ours = Taken {
        idle: idle[1],
        half,
        first: Some(first),
        restart: restarted(stage, Ours, objects, longest)?,
    };
    // The reference takes long, and may not end.
    println!("{}", table(objects, lists, &[("this", &ours)]));
    let reference = Taken {
        idle: idle[0],
        half: None,
        first: None,
        restart: restarted(stage, Reference, objects, longest)?,
    };
    page.section(
        &format!("{objects} SealedSecrets of {items} items"),
        &format!(
            "At first the Secrets are there to be made ({:.0} a second), then both are started over what is in sync: this until it \
             is ready, the reference, without its limit, until it has passed over each object, {longest} s at most. Two bare LISTs \
             take {lists:.2} s. Of each process, MiB at rest and at the peak; kB an object are those beyond what it takes {}.",
            outcome.rate(),
            if half.is_some() {
                "with half of them (the reference: without any)"
            } else {
                "without any, so with what the first of them makes resident of the program itself"
            }
        ),
        &table(objects, lists, &[("reference", &reference), ("this", &ours)]),
    );
    Ok(goals((objects, items), first, (&ours, lists)))
}

fn goals((objects, items): (usize, usize), (rest, peak): (f64, f64), (ours, lists): (&Taken, f64)) -> Vec<Goal> {
    let restart = &ours.restart;
    let at_most =
        |what: &str, wanted, found, unit| Goal::at_most(format!("{objects} × {items}: {what}"), wanted, found, unit);
    let mut goals = vec![
        at_most("memory after a restart, at the peak", 60.0, restart.memory.1, " MiB"),
        at_most("restart, ÷ two bare LISTs", 1.5, restart.seconds / lists, " ×"),
        at_most("restart, private-key operations", 0.0, restart.operations, ""),
        at_most("restart, writes", 0.0, restart.writes as f64, ""),
    ];
    if ours.half.is_some() {
        // 0.5, and some 30 bytes of names.
        goals.push(at_most("memory of one more", 0.53, each(objects, ours), " kB"));
    }
    if objects <= FEW {
        goals.push(at_most("memory at rest, the Secrets made", 30.0, rest, " MiB"));
        goals.push(at_most("memory at the peak, the Secrets made", 60.0, peak, " MiB"));
    }
    goals
}

fn table(objects: usize, lists: f64, all: &[(&str, &Taken)]) -> String {
    let mut table = Table::new([
        "",
        "without objects",
        "made, at rest",
        "at the peak",
        "restarted, at rest",
        "at the peak",
        "kB an object",
        "restart, s",
        "× two bare LISTs",
        "private-key operations",
        "writes",
    ]);
    for (who, taken) in all {
        let first = |of: fn((f64, f64)) -> f64| {
            taken
                .first
                .map_or_else(String::new, |first| format!("**{:.1}**", of(first)))
        };
        let restart = &taken.restart;
        let more = if restart.ended { "" } else { "> " };
        table.row([
            (*who).to_owned(),
            format!("{:.1}", taken.idle),
            first(|(rest, _)| rest),
            first(|(_, peak)| peak),
            format!("**{:.1}**", restart.memory.0),
            format!("{:.1}", restart.memory.1),
            format!("**{:.2}**", each(objects, taken)),
            format!("{more}{:.2}", restart.seconds),
            format!("{more}{:.1}", restart.seconds / lists),
            match (taken.first, restart.ended) {
                (Some(_), _) => restart.operations.to_string(),
                (None, true) => format!("at least {objects}"),
                // It does not count them.
                (None, false) => String::new(),
            },
            restart.writes.to_string(),
        ]);
    }
    table.text()
}

/// kB that an object takes at rest, after a restart: the second half of them where the first was measured by itself.
fn each(objects: usize, taken: &Taken) -> f64 {
    let (without, more) = match taken.half {
        Some(half) => (half, objects - objects / 2),
        None => (taken.idle, objects),
    };
    (taken.restart.memory.0 - without) * 1024.0 * 1024.0 / 1000.0 / more as f64
}

fn idle(stage: &Stage, who: Contender) -> Result<f64> {
    let process = stage.start(who, &[])?;
    stage.await_log(&process, "serving", Instant::now())?;
    settle(&process)?;
    let (rest, _) = memory(&process)?;
    stop(process)?;
    Ok(rest)
}
