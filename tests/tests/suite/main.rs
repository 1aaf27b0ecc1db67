//! The reference's own black-box suite, aimed at our binaries: each of its specs is a test here.
//!
//! `tests/suite-exceptions.txt` lists the specs that cannot pass yet; they are not counted as passed, and a line
//! that matches nothing, or a spec that passes after all, fails the run.
//! `SUITE_SUBJECT=reference` aims it at the reference's own binaries, to judge the harness.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod exceptions;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::{Captured, run};
use harness::peers::{self, PeerSet};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use exceptions::Exception;

/// Each spec's name with how it failed, if it did.
type Outcomes = BTreeMap<String, Option<String>>;

fn main() -> Result<()> {
    let arguments = Arguments::from_args();
    let exceptions = exceptions::read()?;
    let names: Vec<String> = list()?.into_keys().collect();
    // Run once, by whichever test asks first: the suite brings its own order.
    let outcomes: Arc<OnceLock<Result<Outcomes, String>>> = Arc::default();
    let outcome = move |name: &str| -> Result<Option<String>, Failed> {
        let all = outcomes.get_or_init(|| run_suite().map_err(|error| format!("{error:#}")));
        let all = all.as_ref().map_err(|error| Failed::from(error.clone()))?;
        Ok(all.get(name).ok_or("the suite did not run this spec")?.clone())
    };
    let mut trials = Vec::new();
    for name in names
        .iter()
        .filter(|name| !exceptions.iter().any(|exception| exception.matches(name)))
    {
        let (name, outcome) = (name.clone(), outcome.clone());
        trials.push(Trial::test(name.clone(), move || {
            outcome(&name)?.map_or(Ok(()), |why| Err(why.into()))
        }));
    }
    for exception in exceptions {
        let (names, outcome) = (names.clone(), outcome.clone());
        trials.push(Trial::test(
            format!("still an exception: {}", exception.pattern),
            move || still_an_exception(&exception, &names, outcome),
        ));
    }
    libtest_mimic::run(&arguments, trials).exit()
}

/// Fails when the exception is stale: every spec that it excuses must fail, and there must be one.
fn still_an_exception(
    exception: &Exception,
    names: &[String],
    outcome: impl Fn(&str) -> Result<Option<String>, Failed>,
) -> Result<(), Failed> {
    let excused: Vec<&String> = names.iter().filter(|name| exception.matches(name)).collect();
    if excused.is_empty() {
        return Err("no spec has this name: remove the line".into());
    }
    for name in excused {
        if outcome(name)?.is_none() {
            return Err(format!("{name:?} passes: remove the line").into());
        }
    }
    Ok(())
}

/// The specs, by a run that does nothing.
fn list() -> Result<Outcomes> {
    let suite = PeerSet::installed(&[peers::REF_SUITE])?;
    let folder = tempfile::tempdir()?;
    let report = folder.path().join("report.json");
    run(Command::new(suite.path(&peers::REF_SUITE)?)
        .arg("-ginkgo.dry-run")
        .args(report_to(&report)))?
    .success()?;
    read_report(&report)
}

fn run_suite() -> Result<Outcomes> {
    let suite = PeerSet::installed(&[peers::REF_SUITE])?;
    let subject = match std::env::var("SUITE_SUBJECT").as_deref() {
        Ok("reference") => Implementation::Reference,
        _ => Implementation::Ours,
    };
    let programs = subject.programs()?;
    let cluster = Cluster::start()?;
    cluster.install(subject)?;
    let controller = cluster.start_controller(subject, &[])?;
    let report = cluster.state().join("report.json");
    let ended: Captured = run(cluster
        .command(suite.path(&peers::REF_SUITE)?)
        // It leaves kubeconfigs where temporary files go.
        .env("TMPDIR", cluster.state())
        .args(report_to(&report))
        .arg("-kubeconfig")
        .arg(cluster.admin_kubeconfig())
        .arg("-kubeseal-bin")
        .arg(&programs.kubeseal)
        .arg("-controller-bin")
        .arg(&programs.controller)
        .args(["-namespace", NAMESPACE]))?;
    controller.check_running()?;
    // It fails when a spec fails; the report names it.
    read_report(&report).with_context(|| format!("the suite left no report: {ended}"))
}

fn report_to(file: &Path) -> [String; 2] {
    [
        "-ginkgo.no-color".to_owned(),
        format!("-ginkgo.json-report={}", file.display()),
    ]
}

fn read_report(file: &Path) -> Result<Outcomes> {
    let report: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let specs = report
        .pointer("/0/SpecReports")
        .and_then(Value::as_array)
        .context("no specs in the report")?;
    let mut outcomes = Outcomes::new();
    for spec in specs.iter().filter(|spec| spec["LeafNodeType"] == "It") {
        let containers = spec["ContainerHierarchyTexts"].as_array().into_iter().flatten();
        let words: Vec<&str> = containers
            .chain([&spec["LeafNodeText"]])
            .filter_map(Value::as_str)
            .collect();
        let failure = (spec["State"] != "passed").then(|| {
            let why = spec
                .pointer("/Failure/Message")
                .and_then(Value::as_str)
                .unwrap_or("no reason given");
            let said = spec["CapturedGinkgoWriterOutput"].as_str().unwrap_or_default();
            format!("{}: {why}\n{said}", spec["State"])
        });
        let twice = outcomes.insert(words.join(" / "), failure);
        ensure!(twice.is_none(), "two specs have the same name: {words:?}");
    }
    Ok(outcomes)
}
