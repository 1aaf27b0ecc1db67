//! The rows, a file each, and what they share.

mod cold_start;
mod fairness;
mod format_v2;
mod large;
mod latency;
mod many_keys;
mod memory;
mod restart;
mod resync;

use std::time::Duration;

use anyhow::Result;
use harness::process::Process;
use serde_json::Value;

use super::goals::Goal;
use super::stage::{Contender, Outcome, Stage, cpu, stop};
use super::{BITS, Size};
use crate::bench::crypto_rates::Rates;
use crate::bench::page::Page;

/// Longest time for what ends by itself, in seconds.
const ENDS: u64 = 900;

/// A measurement that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Row {
    ColdStart,
    FormatV2,
    Restart,
    RestartOfMany,
    Large,
    Larger,
    Fairness,
    Latency,
    Memory,
    ManyKeys,
    Resync,
}

impl Row {
    /// All of them, in the order of the page.
    pub(super) const ALL: [Row; 11] = [
        Row::ColdStart,
        Row::FormatV2,
        Row::ManyKeys,
        Row::Restart,
        Row::RestartOfMany,
        Row::Large,
        Row::Larger,
        Row::Fairness,
        Row::Resync,
        Row::Memory,
        Row::Latency,
    ];

    /// Measures it on a control plane of its own, adds its section to the page, and gives its goals.
    pub(super) fn measure(self, stage: &Stage, size: Size, rates: &Rates, page: &mut Page) -> Result<Vec<Goal>> {
        let certificate = stage.add_keys(1, BITS)?;
        let sealed = |count| stage.seal(&certificate, count);
        match self {
            Row::ColdStart => cold_start::measure(stage, size, rates, &sealed(size.objects)?, page),
            Row::FormatV2 => format_v2::measure(stage, size, rates, page),
            Row::ManyKeys => many_keys::measure(stage, &certificate, (&sealed(size.objects)?, size.longest), page),
            Row::Restart => restart::measure(stage, &sealed(size.objects)?, true, page),
            Row::RestartOfMany => restart::measure(stage, &sealed(size.many)?, false, page),
            Row::Large => large::measure(stage, &certificate, size.large, ENDS, page),
            Row::Larger => large::measure(stage, &certificate, size.larger, size.longest, page),
            Row::Fairness => fairness::measure(stage, &sealed(size.waiting)?, &sealed(size.latencies)?, page),
            Row::Resync => resync::measure(stage, &sealed(size.many)?, page),
            Row::Memory => memory::measure(stage, size.foreign, page),
            Row::Latency => latency::measure(stage, rates, &sealed(size.latencies)?, page),
        }
    }
}

/// Starts a controller over objects that wait, stops it, and clears up.
fn cold(stage: &Stage, who: Contender, flags: &[&str], sealed: &[Value], longest: u64) -> Result<Outcome> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let (process, outcome) = stage.serve(who, flags, &namespace, sealed.len(), longest)?;
    stop(process)?;
    stage.clear(&namespace)?;
    Ok(outcome)
}

/// Waits until a process has nothing to do any more.
fn settle(process: &Process) -> Result<()> {
    let mut before = cpu(process)?;
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = cpu(process)?;
        if now - before < 0.05 {
            return Ok(());
        }
        before = now;
    }
}
