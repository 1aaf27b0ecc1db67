//! The rows: cold start, many keys, restart, memory, latency.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use harness::implementation::UNLIMITED;
use serde_json::{Value, json};

use super::stage::{Contender, Outcome, Stage, cpu, memory, stop};
use super::{BITS, Size};
use crate::bench::figures::Figures;
use crate::bench::machine;
use crate::bench::page::Page;
use crate::bench::rates::Rates;
use crate::bench::table::Table;
use Contender::{Ours, Reference};

const KEY_OPERATIONS: &str = "sealed_secrets_controller_private_key_operations_total";
const PASSES: &str = "sealed_secrets_controller_unseal_requests_total";
/// Longest time for what ends by itself, in seconds.
const ENDS: u64 = 900;

/// Everything that is measured with one key.
pub(super) fn one_key(stage: &Stage, size: Size, rates: &Rates, page: &mut Page) -> Result<()> {
    let certificate = stage.add_keys(1, BITS)?;
    let sealed = stage.seal(&certificate, size.objects, None)?;
    cold_start(stage, size, rates, &sealed, page)?;
    restart(stage, size, &sealed, page)?;
    let many = stage.seal(&certificate, size.many, None)?;
    restart_of_many(stage, &many, page)?;
    latency(stage, &stage.seal(&certificate, size.latencies, None)?, page)?;
    foreign_secrets(stage, size, page)
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

fn cold_start(stage: &Stage, size: Size, rates: &Rates, sealed: &[Value], page: &mut Page) -> Result<()> {
    let limited = cold(stage, Reference, &[], sealed, size.longest)?;
    let reference = cold(stage, Reference, UNLIMITED, sealed, ENDS)?;
    let ours = cold(stage, Ours, &[], sealed, ENDS)?;
    let again = cold(stage, Ours, &[], sealed, ENDS)?;
    let reference_again = cold(stage, Reference, UNLIMITED, sealed, ENDS)?;
    let loads = [bare(stage, sealed)?, bare(stage, sealed)?];
    let (count, load) = (sealed.len() as f64, Figures::of(loads).median);
    let bound = load + count / rates.private;

    let mut table = Table::new(["", "Secrets a second", "CPU each, ms", "of it beyond RSA, ms"]);
    let rsa = 1e3 / rates.private_one;
    let mut row = |who: &str, outcome: &Outcome| {
        table.row([
            who.to_owned(),
            format!("**{:.1}**", outcome.rate()),
            format!("{:.2}", outcome.cpu_each()),
            format!("{:.2}", outcome.cpu_each() - rsa),
        ]);
    };
    row("reference, its default flags", &limited);
    row("reference, without its limit (`--kubeclient-qps=-1`)", &reference);
    row("the same, again", &reference_again);
    row("this, its default flags", &ours);
    row("the same, again", &again);
    let mut only =
        |what: &str, rate: f64| table.row([what.to_owned(), format!("{rate:.1}"), String::new(), String::new()]);
    only("the bare loader", count / load);
    only("the bound: the bare loader, then RSA on all cores", count / bound);
    let best = |a: &Outcome, b: &Outcome| a.rate().max(b.rate());
    let (mine, theirs) = (best(&ours, &again), best(&reference, &reference_again));
    let summary = format!(
        "\n{}\nThis ÷ the reference: **{:.0}×** with default flags, **{:.2}×** without its limit. Of the bound: **{:.0} %**.",
        plot(&[
            ("reference, default", limited.rate()),
            ("reference, unlimited", theirs),
            ("this", mine),
            ("bound", count / bound),
        ]),
        mine / limited.rate(),
        mine / theirs,
        100.0 * mine * bound / count
    );
    page.section(
        &format!("Cold start with {} SealedSecrets", sealed.len()),
        &format!(
            "The objects are there, then the controller starts; the time ends with the last status. The reference with its \
             default flags is watched for {} s. The bare loader makes the same Secrets, statuses and events with {} \
             connections while it holds the same watches, and opens nothing; one private-key operation takes {rsa:.2} ms here.",
            size.longest, 32
        ),
        &(table.text() + &summary),
    );
    Ok(())
}

/// Seconds of the bare loader.
fn bare(stage: &Stage, sealed: &[Value]) -> Result<f64> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let told = stage.client(&["load", &namespace], &[])?;
    stage.clear(&namespace)?;
    told["seconds"].as_f64().context("seconds")
}

/// What a restart cost.
struct Restart {
    seconds: f64,
    cpu: f64,
    operations: String,
    writes: usize,
}

/// Ours is done when it says that it is ready and its passes are through; the reference when each object had its pass.
fn restarted(stage: &Stage, who: Contender, count: usize) -> Result<Restart> {
    let before = stage.cluster.controller_requests()?.len();
    let start = Instant::now();
    let process = stage.start(who, if who == Ours { &[] } else { UNLIMITED })?;
    let seconds = match who {
        Ours => {
            let seconds = stage.await_log(&process, "msg=ready", start)?;
            settle(&process)?;
            seconds
        }
        Reference => {
            stage
                .await_log(&process, "HTTP metrics server serving", start)
                .or_else(|_| stage.await_log(&process, "serving", start))?;
            while stage.metric(PASSES)? < count as f64 {
                ensure!(start.elapsed() < Duration::from_secs(ENDS), "it does not end");
                std::thread::sleep(Duration::from_millis(200));
            }
            let seconds = start.elapsed().as_secs_f64();
            settle(&process)?;
            seconds
        }
    };
    let operations = match who {
        Ours => format!("{:.0}", stage.metric(KEY_OPERATIONS)?),
        Reference => format!("at least {count}"),
    };
    let used = cpu(&process)?;
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
        cpu: used,
        operations,
        writes,
    })
}

/// Waits until a process has nothing to do any more.
fn settle(process: &harness::process::Process) -> Result<()> {
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

fn restart(stage: &Stage, size: Size, sealed: &[Value], page: &mut Page) -> Result<()> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let (process, _) = stage.serve(Ours, &[], &namespace, sealed.len(), ENDS)?;
    settle(&process)?;
    stop(process)?;
    let lists = stage.client(&["lists", &namespace], &[])?["seconds"]
        .as_f64()
        .context("seconds")?;
    let ours = restarted(stage, Ours, size.objects)?;
    let reference = restarted(stage, Reference, size.objects)?;
    stage.clear(&namespace)?;
    page.section(
        &format!("Restart with {} SealedSecrets in sync", size.objects),
        "This is done when it is ready; the reference, without its limit, when it has passed over each object.",
        &restart_table(&[("reference", &reference), ("this", &ours)], lists),
    );
    Ok(())
}

fn restart_of_many(stage: &Stage, sealed: &[Value], page: &mut Page) -> Result<()> {
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let (process, _) = stage.serve(Ours, &[], &namespace, sealed.len(), ENDS)?;
    settle(&process)?;
    stop(process)?;
    let lists = stage.client(&["lists", &namespace], &[])?["seconds"]
        .as_f64()
        .context("seconds")?;
    let ours = restarted(stage, Ours, sealed.len())?;
    stage.clear(&namespace)?;
    page.section(
        &format!("Restart with {} SealedSecrets in sync", sealed.len()),
        "This alone.",
        &restart_table(&[("this", &ours)], lists),
    );
    Ok(())
}

fn restart_table(rows: &[(&str, &Restart)], lists: f64) -> String {
    let mut table = Table::new([
        "",
        "seconds",
        "× two bare LISTs",
        "CPU, s",
        "private-key operations",
        "writes",
    ]);
    for (who, restart) in rows {
        table.row([
            (*who).to_owned(),
            format!("**{:.2}**", restart.seconds),
            format!("{:.1}", restart.seconds / lists),
            format!("{:.2}", restart.cpu),
            restart.operations.clone(),
            restart.writes.to_string(),
        ]);
    }
    table.row([
        "two bare LISTs".to_owned(),
        format!("{lists:.2}"),
        "1".to_owned(),
        String::new(),
        String::new(),
        String::new(),
    ]);
    table.text()
}

fn latency(stage: &Stage, sealed: &[Value], page: &mut Page) -> Result<()> {
    let mut table = Table::new(["", "p50, ms", "p99, ms"]);
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
        let mut all: Vec<f64> = told
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_f64)
            .collect();
        all.sort_by(f64::total_cmp);
        let at = |part: f64| {
            all.get(((all.len() as f64 - 1.0) * part).ceil() as usize)
                .copied()
                .unwrap_or(f64::NAN)
        };
        table.row([
            name.to_owned(),
            format!("**{:.1}**", at(0.5)),
            format!("**{:.1}**", at(0.99)),
        ]);
    }
    page.section(
        "One SealedSecret applied → its Secret there",
        &format!(
            "{} objects, one after the other, 100 ms apart; from the POST to the watch's word of the Secret.",
            sealed.len()
        ),
        &table.text(),
    );
    Ok(())
}

fn foreign_secrets(stage: &Stage, size: Size, page: &mut Page) -> Result<()> {
    let namespace = stage.namespace()?;
    let before = memories(stage)?;
    let text = base64::engine::general_purpose::STANDARD.encode(vec![b'x'; 16_384]);
    let one = |number| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("foreign-{number}")}, "data": {"blob": text}});
    let foreign: Vec<Value> = (0..size.foreign).map(one).collect();
    stage.client(&["create", &super::api::core(&namespace, "secrets")], &foreign)?;
    let after = memories(stage)?;
    stage.clear(&namespace)?;
    let mut table = Table::new(["", "without them, MiB", "with them, MiB", "peak, MiB"]);
    for (who, before, after) in [("reference", before.0, after.0), ("this", before.1, after.1)] {
        table.row([
            who.to_owned(),
            format!("{:.1}", before.0),
            format!("**{:.1}**", after.0),
            format!("{:.1}", after.1),
        ]);
    }
    page.section(
        &format!("Memory with {} foreign Secrets of 16 kB in the cluster", size.foreign),
        "Resident memory once the controller has nothing to do; the peak is from its start.",
        &table.text(),
    );
    Ok(())
}

/// Resident and peak memory of the reference and of this, each started and at rest.
fn memories(stage: &Stage) -> Result<((f64, f64), (f64, f64))> {
    let of = |who| {
        let process = stage.start(who, &[])?;
        stage.await_log(&process, "serving", Instant::now())?;
        settle(&process)?;
        let found = memory(&process)?;
        stop(process)?;
        Ok::<_, anyhow::Error>(found)
    };
    Ok((of(Reference)?, of(Ours)?))
}

/// Twenty-four keys, the objects sealed with the one that is tried last.
pub(super) fn many_keys(stage: &Stage, size: Size, page: &mut Page) -> Result<()> {
    const KEYS: usize = 24;
    let one = stage.add_keys(1, BITS)?;
    let single = cold(stage, Ours, &[], &stage.seal(&one, size.objects, None)?, ENDS)?;
    let last = stage.add_keys(KEYS - 1, BITS)?;
    let sealed = stage.seal(&last, size.objects, None)?;
    let reference = cold(stage, Reference, UNLIMITED, &sealed, ENDS)?;

    let namespace = stage.namespace()?;
    stage.fill(&namespace, &sealed)?;
    let (process, without) = stage.serve(Ours, &[], &namespace, sealed.len(), ENDS)?;
    stop(process)?;
    let first = stage
        .cluster
        .get_json(&["sealedsecret", "object-00000", "-n", &namespace])?;
    let hint = first["status"]["openedBy"][0]
        .as_str()
        .context("the key that opened it")?
        .to_owned();
    stage.clear(&namespace)?;
    let with = cold(stage, Ours, &[], &stage.seal(&last, size.objects, Some(&hint))?, ENDS)?;

    let mut table = Table::new(["", "Secrets a second", "CPU each, ms", "× the reference"]);
    for (who, outcome) in [
        ("reference, 24 keys", &reference),
        ("this, 24 keys, no hint", &without),
        ("this, 24 keys, with the key hint", &with),
        ("this, one key", &single),
    ] {
        table.row([
            who.to_owned(),
            format!("**{:.1}**", outcome.rate()),
            format!("{:.2}", outcome.cpu_each()),
            format!("{:.1}", outcome.rate() / reference.rate()),
        ]);
    }
    page.section(
        &format!(
            "Cold start with {KEYS} keys, {} SealedSecrets sealed with the one that is tried last",
            size.objects
        ),
        &format!("The reference without its limit; {} cores.", machine::cores()),
        &table.text(),
    );
    Ok(())
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
