//! One object at a time.

use std::time::Instant;

use anyhow::Result;
use harness::implementation::UNLIMITED;
use serde_json::Value;

use super::settle;
use crate::bench::controller::goals::Goal;
use crate::bench::controller::stage::Contender::{Ours, Reference};
use crate::bench::controller::stage::{Stage, stop};
use crate::bench::crypto_rates::Rates;
use crate::bench::page::Page;
use crate::bench::table::Table;

pub(super) fn measure(stage: &Stage, rates: &Rates, sealed: &[Value], page: &mut Page) -> Result<Vec<Goal>> {
    let mut table = Table::new(["", "p50, ms", "p99, ms"]);
    let mut found = Vec::new();
    for (who, name, flags) in [
        (Reference, "reference", &[][..]),
        (Reference, "reference, without its limit", UNLIMITED),
        (Ours, "this", &[]),
    ] {
        let namespace = stage.namespace()?;
        let process = stage.start(who, flags)?;
        stage.await_log(&process, "serving", Instant::now())?;
        settle(&process)?;
        let told = stage.client(&["latency", &namespace], sealed)?;
        stop(process)?;
        stage.clear(&namespace)?;
        let (p50, p99) = quantiles(&told);
        table.row([name.to_owned(), format!("**{p50:.1}**"), format!("**{p99:.1}**")]);
        found.push((p50, p99));
    }
    let namespace = stage.namespace()?;
    let rsa = 1e3 / rates.private_one;
    let (p50, p99) = quantiles(&stage.client(&["relay", &namespace], sealed)?);
    stage.clear(&namespace)?;
    let bound = p50 + rsa;
    table.row([
        format!(
            "the bound, and this ÷ it: {:.2}",
            found.last().map_or(f64::NAN, |(ours, _)| ours / bound)
        ),
        format!("{bound:.1}"),
        format!("{:.1}", p99 + rsa),
    ]);
    page.section(
        "One SealedSecret applied → its Secret there",
        &format!(
            "{} objects, one after the other, each 100 ms after the one before; from the POST to the watch's word of the \
             Secret. The bound is what the API server alone takes: a relay in the controller's place makes a Secret as soon as \
             its watch tells it of the SealedSecret, and knows no key; {rsa:.1} ms for one private-key operation are added.",
            sealed.len()
        ),
        &table.text(),
    );
    let [limited, unlimited, ours] = found.as_slice() else {
        return Ok(Vec::new());
    };
    Ok(vec![
        Goal::at_most("latency p50 ÷ the reference's", 0.5, ours.0 / limited.0, " ×"),
        Goal::at_most(
            "latency p50 ÷ the reference's without its limit",
            0.5,
            ours.0 / unlimited.0,
            " ×",
        ),
        Goal::at_most("latency p99", 50.0, ours.1, " ms"),
    ])
}

/// Median and 99th percentile of the latencies.
pub(super) fn quantiles(told: &Value) -> (f64, f64) {
    let mut all: Vec<f64> = told
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_f64)
        .collect();
    all.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = ((all.len() as f64 - 1.0) * part).ceil() as usize;
        all.get(index).copied().unwrap_or(f64::NAN)
    };
    (at(0.5), at(0.99))
}
