//! One tenant's new objects while many of another's wait.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use harness::implementation::UNLIMITED;
use serde_json::Value;

use super::latency::quantiles;
use super::restart::PASSES;
use super::settle;
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{self, Ours, Reference};
use crate::bench::controller::stage::{Stage, stop};
use crate::bench::page::Page;
use crate::bench::table::Table;

/// Median and 99th percentile, in ms.
type Latency = (f64, f64);

pub(super) fn measure(stage: &Stage, waiting: &[Value], sealed: &[Value], page: &mut Page) -> Result<Vec<Goal>> {
    let quiet = quiet(stage, sealed)?;
    let namespace = stage.namespace()?;
    stage.fill(&namespace, waiting)?;
    let (ours, passes) = beside(stage, Ours, &[], sealed)?;
    let ours = ours.context("an object of the other tenant had no Secret within 30 s")?;
    let left = (waiting.len() + sealed.len()).saturating_sub(passes);
    ensure!(left > 0, "nothing waited any more at the end");
    // One is enough to see that it waits for the others.
    let one = sealed.get(..1).unwrap_or_default();
    let (reference, _) = beside(stage, Reference, UNLIMITED, one)?;

    let mut table = Table::new(["", "p50, ms", "p99, ms", "× the quiet p50"]);
    let mut row = |who: &str, (p50, p99): Latency| {
        let times = format!("{:.1}, {:.1}", p50 / quiet.0, p99 / quiet.0);
        table.row([who.to_owned(), format!("**{p50:.1}**"), format!("**{p99:.1}**"), times]);
    };
    row("this, nothing else to do", quiet);
    row(&format!("this, during the cold start of {}", waiting.len()), ours);
    match reference {
        Some(reference) => row("reference without its limit, during it, one object", reference),
        None => table.row(["reference without its limit, during it", "> 30,000", "", ""].map(str::to_owned)),
    }
    page.section(
        &format!("A tenant's new objects while {} of another's wait", waiting.len()),
        &format!(
            "{} objects, one after the other, each 100 ms after the one before, from the POST to the watch's word of the Secret. \
             When the last was there, {left} of the other tenant's had not had their pass yet.",
            sealed.len()
        ),
        &table.text(),
    );
    let times = |latency: f64| latency / quiet.0;
    Ok(vec![
        Goal::at_most("beside a cold start: p50 ÷ the quiet p50", 10.0, times(ours.0), " ×"),
        Goal::at_most("beside a cold start: p99 ÷ the quiet p50", 10.0, times(ours.1), " ×"),
    ])
}

fn quiet(stage: &Stage, sealed: &[Value]) -> Result<Latency> {
    let namespace = stage.namespace()?;
    let process = stage.start(Ours, &[])?;
    stage.await_log(&process, "serving", Instant::now())?;
    settle(&process)?;
    let told = stage.client(&["latency", &namespace], sealed)?;
    stop(process)?;
    stage.clear(&namespace)?;
    Ok(quantiles(&told))
}

/// Latencies of `sealed` in a new namespace during a start over all that waits elsewhere, unless one takes longer than the client
/// waits; and how many passes there were in all.
fn beside(stage: &Stage, who: Contender, flags: &[&str], sealed: &[Value]) -> Result<(Option<Latency>, usize)> {
    let namespace = stage.namespace()?;
    let process = stage.start(who, flags)?;
    stage.await_log(
        &process,
        if who == Ours { "msg=ready" } else { "serving" },
        Instant::now(),
    )?;
    let told = stage.client(&["latency", &namespace], sealed);
    let passes = stage.metric(PASSES)? as usize;
    stop(process)?;
    let latency = match told {
        Ok(told) => Some(quantiles(&told)),
        Err(error) if who == Ours => return Err(error),
        Err(_) => None,
    };
    Ok((latency, passes))
}
