//! `cargo xtask bench templates`: gotmpl beside Go's text/template with sprig, and what its limits come to.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gotmpl_tools::oracle::{self, Answer, Oracle, Rendering};
use serde_json::Value;

use super::page::Page;
use super::paired::{Paired, paired};
use super::release;
use super::stats::Stats;
use super::table::Table;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Processes of each.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Renderings in each process, for each row.
    #[arg(long, default_value_t = 5000)]
    renderings: usize,
}

const TEMPLATE: &str = include_str!("templates/connect-distributed.properties");

/// Nanoseconds of one rendering, as both programs tell them.
#[derive(Clone, Copy)]
struct Timing {
    render: f64,
    parse_and_render: f64,
}

/// Runs the bench and writes its page.
pub(crate) fn run(args: &Args) -> Result<()> {
    let go = oracle::build()?;
    let ours = build()?;
    let rendering = rendering();
    let size = size_of_output(&rendering)?;
    let what = format!(
        "gotmpl beside Go's text/template with sprig 3.3. The template is \
        `xtask/src/bench/templates/connect-distributed.properties`, of {} bytes, which gives {size} bytes, the same \
        with both. By turns, each {} times a process of its own, which renders {} times after a tenth of it for warming \
        up; the figures are microseconds a rendering, min / **median** / max of the processes.",
        TEMPLATE.len(),
        args.rounds,
        args.renderings
    );
    let mut page = Page::new("templates", "Benchmarks of templates", &what);
    let renderings = args.renderings.to_string();
    let measured = paired(
        args.rounds,
        || time(&go, &renderings, &rendering),
        || time(&ours, &renderings, &rendering),
    )?;
    page.section(
        "A properties template",
        "Both programs (`gotmpl/oracle time`, `gotmpl/examples/timing.rs time`) parse as their controllers do: Go's gets \
        its functions for each template, ours has them once.",
        &times(&measured),
    );
    let (worst, count, within) = bombs(&ours)?;
    page.section(
        "Templates without end",
        "Processor time until a limit stops a loop without end around each call of `gotmpl/tests/bombs.txt`, over large, \
        middling and small values (`gotmpl/examples/timing.rs bombs`): the ten that take longest. The measure is 50 ms.",
        &format!("{within} of {count} stop within 50 ms.\n\n{worst}"),
    );
    page.section(
        "What is costly by design",
        "Processor time of one call (the mean of five), beside the price that it pays of `Limits::work`, in milliseconds \
        both (`gotmpl/examples/timing.rs work`). An object's templates have 10,000 of it.",
        &work(&ours)?,
    );
    page.write()
}

/// Our half, with the release profile.
fn build() -> Result<PathBuf> {
    let built = release::cargo(&["build", "--release", "--package", "gotmpl", "--example", "timing"])?.status()?;
    ensure!(built.success(), "cannot build gotmpl/examples/timing.rs");
    Ok(release::target()?.join("release/examples/timing"))
}

fn rendering() -> Rendering {
    let data = [
        ("environment", "production"),
        (
            "brokers",
            "b0.kafka.example.com:9093,b1.kafka.example.com:9093,b2.kafka.example.com:9093",
        ),
        ("group", "orders-connect"),
        ("mechanism", "scram-sha-512"),
        ("username", "connect"),
        ("password", "p@ss\"w\\rd=&<>/+%"),
        ("truststore", "changeit"),
        ("host", "db-0.example.com"),
        ("database", "orders"),
        ("registry", "https://registry.example.com"),
    ];
    Rendering {
        template: TEMPLATE.to_owned(),
        data: data
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .into(),
    }
}

/// How long the output is, once both are seen to give the same.
fn size_of_output(rendering: &Rendering) -> Result<usize> {
    let Answer::Output(theirs) = Oracle::start()?.ask(rendering)? else {
        anyhow::bail!("Go does not render the template");
    };
    let ours = gotmpl_tools::fuzz::output(rendering).context("gotmpl does not render the template")?;
    ensure!(ours == theirs, "the two give different outputs");
    Ok(theirs.len())
}

fn time(program: &Path, renderings: &str, rendering: &Rendering) -> Result<Timing> {
    let mut child = Command::new(program)
        .args(["time", renderings])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().context("no stdin")?;
    writeln!(stdin, "{}", rendering.question())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{} ended with {}",
        program.display(),
        output.status
    );
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let number = |name: &str| said.get(name).and_then(Value::as_f64).context("no number");
    Ok(Timing {
        render: number("render")?,
        parse_and_render: number("parse_and_render")?,
    })
}

fn times(measured: &Paired<Timing>) -> String {
    let mut table = Table::new(["microseconds", "Go", "gotmpl", "Go ÷ gotmpl, of the medians"]);
    let mut row = |name: &str, of: fn(&Timing) -> f64| {
        let figures = |timings: &[Timing]| Stats::of(timings.iter().map(|timing| of(timing) / 1e3));
        let (go, ours) = (figures(&measured.reference), figures(&measured.ours));
        let ratio = format!("{:.2}", go.median / ours.median);
        table.row([name.to_owned(), go.text(1), ours.text(1), ratio]);
    };
    row("rendering", |timing| timing.render);
    row("parsing and rendering", |timing| timing.parse_and_render);
    table.text()
}

/// The output of the program, a line each: microseconds, and what took them.
fn said(program: &Path, word: &str) -> Result<Vec<(f64, String)>> {
    let output = Command::new(program).arg(word).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{word} ended with {}", output.status);
    let lines = String::from_utf8(output.stdout)?;
    let line = |line: &str| {
        let (time, what) = line.split_once(' ').context("a number and what it is of")?;
        Ok((time.parse()?, what.to_owned()))
    };
    lines.lines().map(line).collect()
}

/// The ten that take longest as a table, how many there are, and how many of them end within 50 ms.
fn bombs(program: &Path) -> Result<(String, usize, usize)> {
    let mut all = said(program, "bombs")?;
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut table = Table::new(["milliseconds", "values", "call"]);
    for (time, what) in all.iter().take(10) {
        let what = what.split_once(" # ").map_or(what.as_str(), |(call, _)| call);
        let (values, call) = what.split_once(' ').context("values and a call")?;
        let call = format!("`{}`", call.replace('|', "\\|"));
        table.row([format!("{:.1}", time / 1e3), values.to_owned(), call]);
    }
    let within = all.iter().filter(|(time, _)| *time <= 50_000.0).count();
    Ok((table.text(), all.len(), within))
}

fn work(program: &Path) -> Result<String> {
    let mut table = Table::new(["call", "took", "price"]);
    for (time, what) in said(program, "work")? {
        let (price, call) = what.split_once(' ').context("a price and a call")?;
        table.row([format!("`{call}`"), format!("{:.0}", time / 1e3), price.to_owned()]);
    }
    Ok(table.text())
}
