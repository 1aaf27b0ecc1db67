//! Objects that wait, and a controller that starts.

use anyhow::{Context as _, Result};
use harness::implementation::UNLIMITED;
use serde_json::Value;

use super::{ENDS, cold};
use crate::bench::controller::Size;
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{Ours, Reference};
use crate::bench::controller::stage::{Outcome, Stage};
use crate::bench::crypto_rates::Rates;
use crate::bench::page::Page;
use crate::bench::stats::Stats;
use crate::bench::table::Table;

const COLUMNS: [&str; 6] = [
    "",
    "Secrets a second",
    "CPU each, ms",
    "of it beyond RSA, ms",
    "events a Secret",
    "writes of Secrets + of statuses + reads, a Secret",
];

/// Runs by turns, so that whatever else the machine does meets both alike.
struct Runs {
    limited: Outcome,
    theirs: Vec<Outcome>,
    ours: Vec<Outcome>,
    /// Seconds of the bare loader.
    load: f64,
}

impl Runs {
    fn new(stage: &Stage, size: Size, sealed: &[Value]) -> Result<Runs> {
        let limited = cold(stage, Reference, &[], sealed, size.longest)?;
        let (mut theirs, mut ours, mut loads) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..size.rounds {
            loads.push(bare(stage, sealed)?);
            ours.push(cold(stage, Ours, &[], sealed, ENDS)?);
            theirs.push(cold(stage, Reference, UNLIMITED, sealed, ENDS)?);
        }
        Ok(Runs {
            limited,
            theirs,
            ours,
            load: Stats::of(loads).median,
        })
    }
}

pub(super) fn measure(
    stage: &Stage,
    size: Size,
    rates: &Rates,
    sealed: &[Value],
    page: &mut Page,
) -> Result<Vec<Goal>> {
    let runs = Runs::new(stage, size, sealed)?;
    let (count, load) = (sealed.len() as f64, runs.load);
    let bound = count / (load + count / rates.private);
    let rsa = 1e3 / rates.private_one;

    let mut table = Table::new(COLUMNS);
    let mut row = |who: &str, all: &[Outcome]| {
        table.row(cells(who, all, rsa));
        median(all, Outcome::rate)
    };
    let limited = row("reference, its default flags", &[runs.limited]);
    let theirs = row("reference, without its limit (`--kubeclient-qps=-1`)", &runs.theirs);
    let mine = row("this, its default flags", &runs.ours);
    let requests = median(&runs.ours, |outcome| outcome.requests_each().iter().sum());
    let beyond = median(&runs.ours, Outcome::cpu_each) - rsa;
    for (what, rate) in [("the bare loader", count / load), ("the bound", bound)] {
        let none = String::new;
        table.row([what.to_owned(), format!("{rate:.1}"), none(), none(), none(), none()]);
    }
    let plot = plot(&[
        ("reference, default", limited),
        ("reference, unlimited", theirs),
        ("this", mine),
        ("bound", bound),
    ]);
    page.section(
        &format!("Cold start with {} SealedSecrets", sealed.len()),
        &description(size, rsa),
        &format!("{}\n{plot}", table.text()),
    );
    Ok(vec![
        Goal::at_least(
            "cold start ÷ the reference with its default flags",
            50.0,
            mine / limited,
            " ×",
        ),
        Goal::at_least("cold start ÷ the reference without its limit", 1.6, mine / theirs, " ×"),
        Goal::at_least("cold start, of the bound", 85.0, 100.0 * mine / bound, " %"),
        Goal::at_most(
            "cold start, requests for each Secret, beside its event",
            2.0,
            requests,
            "",
        ),
        Goal::at_most("CPU of the controller beyond RSA, for each object", 1.0, beyond, " ms"),
    ])
}

fn cells(who: &str, all: &[Outcome], rsa: f64) -> [String; 6] {
    let cpu = median(all, Outcome::cpu_each);
    [
        who.to_owned(),
        format!("**{:.1}**", median(all, Outcome::rate)),
        format!("{cpu:.2}"),
        format!("{:.2}", cpu - rsa),
        format!("{:.2}", median(all, Outcome::events_each)),
        all.last().map_or_else(String::new, |outcome| {
            outcome.requests_each().map(|number| format!("{number:.2}")).join(" + ")
        }),
    ]
}

fn description(size: Size, rsa: f64) -> String {
    format!(
        "The objects are there, then the controller starts; the time ends with the last Secret, status or event. The \
         reference with its default flags is watched for {} s; of the others, the medians of {} runs by turns. The bare \
         loader makes the same Secrets, statuses and events with {} connections while it holds the same watches, and \
         opens nothing. The bound is the bare loader and then the RSA work alone on all cores; one private-key operation \
         takes {rsa:.2} ms of one core here.",
        size.longest,
        size.rounds,
        crate::bench::controller::client::CONNECTIONS,
    )
}

pub(super) fn median(all: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> f64 {
    Stats::of(all.iter().map(figure)).median
}

/// Seconds of the bare loader, watched as the controllers are.
pub(super) fn bare(stage: &Stage, sealed: &[Value]) -> Result<f64> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let observer = stage.observe(&namespace, sealed.len(), ENDS)?;
    let told = stage.client(&["load", &namespace], &[])?;
    observer.told()?;
    stage.clear(&namespace)?;
    told["seconds"].as_f64().context("seconds")
}

/// Bars, as long as the figures are large.
fn plot(bars: &[(&str, f64)]) -> String {
    const WIDTH: f64 = 50.0;
    let largest = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let name = bars.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(what, value): &(&str, f64)| {
        let length = (WIDTH * value / largest).round().max(1.0) as usize;
        format!("{what:name$} {} {value:.1}\n", "█".repeat(length))
    };
    format!("```text\n{}```\n", bars.iter().map(line).collect::<String>())
}
