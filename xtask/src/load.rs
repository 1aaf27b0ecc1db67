//! `cargo xtask load`: hostile load on the controller's port, while SealedSecrets change; beside it the same load on a server
//! that does nothing, which shows what the machine alone makes of it.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null, and what the load then misses, it fails on"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::implementation::Implementation;
use harness::output::run as run_program;
use harness::process::Process;
use serde_json::{Value, json};

use crate::bench::controller::stage::{Contender, Programs, Stage, cpu, memory, stop};

const ATTACK: &str = include_str!("load/attack.py");
const ATTACKS: [&str; 7] = ["verify", "rotate", "certificate", "trickle", "held", "heads", "large"];
/// Valid objects of another tenant, and the items in each.
const LARGE: (usize, usize) = (40, 1000);
/// The delay that one private-key operation may add, in ms: it is not interrupted.
const OPERATION: f64 = 15.0;
/// The port of the server that does nothing.
const IDLE_PORT: u16 = 9090;
/// The memory limit of all requests beyond that of an idle controller, in MiB.
const MOST_MEMORY: f64 = 64.0;
/// How much slower the slowest in a hundred may be than beside the server that does nothing.
const MOST_SLOWER: f64 = 2.0;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Hostile requests a second.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// SealedSecrets made under each load, one after the other.
    #[arg(long, default_value_t = 100)]
    objects: usize,
    /// This load alone (may be repeated): verify, rotate, certificate, trickle, held, heads, large; nothing.
    #[arg(long = "attack")]
    attacks: Vec<String>,
    /// SealedSecrets that are there before, of one item each.
    #[arg(long, default_value_t = 0)]
    there: usize,
    /// MiB of data that the controller may have (by `prlimit`); it fails where it takes more.
    #[arg(long)]
    limit: Option<u64>,
}

/// The measurements under one load.
struct Measured {
    p50: f64,
    p99: f64,
    seconds: f64,
    answers: Value,
    probes: Value,
}

/// Runs every load against both servers, prints what came of it, and fails where a bound is broken.
pub(crate) fn run(args: &Args) -> Result<()> {
    let programs = Implementation::Ours.programs()?;
    let stage = Stage::new(Programs {
        controller: programs.controller,
        kubeseal: programs.kubeseal,
    })?;
    let certificate = stage.add_keys(1, 4096)?;
    let sealed = stage.seal(&certificate, args.objects)?;
    if args.there > 0 {
        fill(&stage, args, &stage.seal(&certificate, args.there)?)?;
    }
    let own = std::env::current_exe()?;
    let _idle = stage.cluster.launch("idle", own).args(["idle-server"]).spawn()?;
    let mut broken = Vec::new();
    println!("load          on          p50 ms  p99 ms   a second  cpu s  MiB idle, peak, after   answers, probes");
    let all = ATTACKS.map(str::to_owned);
    let attacks = if args.attacks.is_empty() {
        &all[..]
    } else {
        &args.attacks
    };
    for attack in attacks {
        // A controller of its own, since a peak never goes down.
        let ours = stage.start(Contender::Ours, &["--listen-probe-addr=:8082"])?;
        bound(&ours, args)?;
        stage.await_log(&ours, "ready", Instant::now())?;
        thread::sleep(Duration::from_secs(2));
        if attack == "large" {
            broken.extend(beside_large_objects(&stage, &sealed)?);
            stop(ours)?;
            continue;
        }
        let (idle, _) = memory(&ours)?;
        let beside = under(&stage, args, attack, IDLE_PORT, &sealed)?;
        shown(attack, "idle server", &beside, "");
        let before = cpu(&ours)?;
        let found = under(&stage, args, attack, 8080, &sealed)?;
        let used = cpu(&ours)? - before;
        let (_, peak) = memory(&ours)?;
        thread::sleep(Duration::from_secs(2));
        let (after, _) = memory(&ours)?;
        let figures = format!("{used:5.1}  {idle:.1}, {peak:.1}, {after:.1}");
        shown(attack, "controller", &found, &figures);
        if peak > idle + MOST_MEMORY {
            broken.push(format!("{attack}: {:.1} MiB over idle", peak - idle));
        }
        if found.p99 > MOST_SLOWER * beside.p99 {
            broken.push(format!(
                "{attack}: p99 {:.0} ms, beside the idle server {:.0} ms",
                found.p99, beside.p99
            ));
        }
        if found.probes.to_string().contains("missed") {
            broken.push(format!("{attack}: probes {}", found.probes));
        }
        stop(ours)?;
    }
    ensure!(broken.is_empty(), "bounds are broken:\n{}", broken.join("\n"));
    Ok(())
}

/// Has a first controller unseal what is there before, and shows what it took.
fn fill(stage: &Stage, args: &Args, sealed: &[Value]) -> Result<()> {
    const LONGEST: u64 = 3600;
    let namespace = stage.namespace()?;
    stage.fill(&namespace, sealed)?;
    let (ours, outcome) = stage.serve(Contender::Ours, &[], &namespace, sealed.len(), LONGEST)?;
    bound(&ours, args)?;
    ensure!(outcome.secrets == sealed.len(), "{} Secrets", outcome.secrets);
    thread::sleep(Duration::from_secs(2));
    let (after, peak) = memory(&ours)?;
    println!(
        "{} SealedSecrets unsealed: {after:.1} MiB, at most {peak:.1} MiB",
        sealed.len()
    );
    stop(ours)
}

/// Bounds the data of the controller, if it was asked for.
fn bound(ours: &Process, args: &Args) -> Result<()> {
    if let Some(limit) = args.limit {
        let mut prlimit = Command::new("prlimit");
        prlimit.args(["--pid", &ours.pid()?.to_string()]);
        run_program(prlimit.arg(format!("--data={}", limit << 20)))?.success()?;
    }
    Ok(())
}

/// Makes SealedSecrets one after the other under this load.
fn under(stage: &Stage, args: &Args, attack: &str, port: u16, sealed: &[Value]) -> Result<Measured> {
    let namespace = stage.namespace()?;
    let mut load = begin(stage, attack, port, args.rate)?;
    // Until all of it is there.
    thread::sleep(Duration::from_secs(3));
    let times = latencies(stage, &namespace, sealed);
    // It ends with its stdin.
    drop(load.stdin.take());
    let mut said = String::new();
    load.stdout.take().context("stdout")?.read_to_string(&mut said)?;
    ensure!(load.wait()?.success(), "the load broke: {said}");
    let said: Value = serde_json::from_str(&said)?;
    let times = times?;
    stage.clear(&namespace)?;
    Ok(Measured {
        p50: quantile(&times, 50)?,
        p99: quantile(&times, 99)?,
        seconds: said["seconds"].as_f64().unwrap_or(f64::NAN),
        answers: said["answers"].clone(),
        probes: said["probes"].clone(),
    })
}

/// Milliseconds from each SealedSecret to its Secret, in order of size.
fn latencies(stage: &Stage, namespace: &str, sealed: &[Value]) -> Result<Vec<f64>> {
    let told = stage.client(&["latency", namespace], sealed)?;
    let times = told.as_array().into_iter().flatten().filter_map(Value::as_f64);
    let mut times: Vec<f64> = times.collect();
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn quantile(times: &[f64], percent: usize) -> Result<f64> {
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().context("no times")
}

/// How long one tenant waits while large, valid objects of another are unsealed; what of it is too long.
fn beside_large_objects(stage: &Stage, sealed: &[Value]) -> Result<Option<String>> {
    let (count, items) = LARGE;
    let text = &sealed.first().context("one")?["spec"]["encryptedData"]["password"];
    let many: serde_json::Map<_, _> = (0..items).map(|item| (format!("i{item}"), text.clone())).collect();
    let large: Vec<Value> = sealed
        .iter()
        .cycle()
        .take(count)
        .enumerate()
        .map(|(number, one)| {
            let mut one = one.clone();
            one["metadata"]["name"] = json!(format!("large-{number}"));
            one["spec"]["encryptedData"] = many.clone().into();
            one
        })
        .collect();
    let (own, crowd) = (stage.namespace()?, stage.namespace()?);
    let (some, others) = sealed.split_at(sealed.len() / 2);
    let quiet = latencies(stage, &own, some)?;
    stage.fill(&crowd, &large)?;
    let busy = latencies(stage, &own, others)?;
    let made = stage.cluster.get_json(&["secrets", "-n", &crowd])?;
    let made = made["items"].as_array().map_or(0, Vec::len);
    ensure!(made < count, "the large objects were done before the others");
    for namespace in [&own, &crowd] {
        stage.clear(namespace)?;
    }
    let (quiet, busy, worst) = (quantile(&quiet, 50)?, quantile(&busy, 50)?, quantile(&busy, 99)?);
    println!("large         controller  {busy:6.0}  {worst:6.0}  quiet p50 {quiet:.1} ms");
    let is_long = busy > MOST_SLOWER * quiet + OPERATION;
    Ok(is_long.then(|| format!("large: p50 {busy:.0} ms, quiet {quiet:.0} ms")))
}

fn begin(stage: &Stage, attack: &str, port: u16, rate: u32) -> Result<Child> {
    let mut command = stage.cluster.command("python3");
    command.args(["-c", ATTACK, attack, &port.to_string(), &rate.to_string()]);
    Ok(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?)
}

fn shown(attack: &str, on: &str, found: &Measured, figures: &str) {
    let all: f64 = found
        .answers
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, count)| count.as_f64())
        .sum();
    println!(
        "{attack:13} {on:11} {:6.0}  {:6.0}  {:9.0}  {figures:28}  {} {}",
        found.p50,
        found.p99,
        all / found.seconds,
        found.answers,
        found.probes
    );
}

/// The server that does nothing: it reads, and answers 204 to every head.
pub(crate) fn serve_nothing() -> Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", IDLE_PORT))?;
    for stream in listener.incoming() {
        // A client that broke off is its own affair.
        thread::spawn(move || stream.and_then(answer_nothing));
    }
    Ok(())
}

fn answer_nothing(mut stream: TcpStream) -> std::io::Result<()> {
    const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut buffer = [0; 16 << 10];
    let mut answered = false;
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        let has_head = buffer
            .get(..read)
            .is_some_and(|read| read.windows(4).any(|end| end == b"\r\n\r\n"));
        if has_head && !answered {
            answered = true;
            stream.write_all(ANSWER)?;
        }
    }
    Ok(())
}
