//! The incidents of docs/assurance.md, each played with the reference and with ours at the same time, on a control plane each:
//!
//! ```text
//! cargo test -p harness --features incidents --test served -- --nocapture incidents
//! ```
//!
//! prints the table's rows. It fails where ours neither serves nor names it within a minute, or the reference does better.
//! `INCIDENTS=word` plays those alone whose names have that word.

mod keys;
mod others;
mod server;

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::launch::Launch;
use harness::process::Process;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, get};

/// By when an incident is to be over, or named.
const GOAL: Duration = Duration::from_secs(60);
/// The difference allowed between two equal measurements, on a machine that runs both at once.
const ALIKE: Duration = Duration::from_secs(5);

/// How an incident went.
pub(super) struct End {
    /// After how long it was over, or named; `None`: it was neither within [`GOAL`].
    good: Option<Duration>,
    says: String,
}

impl End {
    /// It is over once `check` succeeds.
    fn of(what: &str, check: impl FnMut() -> Result<()>) -> End {
        let start = Instant::now();
        match harness::eventually::eventually(GOAL, what, check) {
            Ok(()) => End::good(start.elapsed(), what),
            Err(_) => End::bad(&format!("not {what} within {} s", GOAL.as_secs())),
        }
    }

    fn good(after: Duration, says: &str) -> End {
        End {
            good: Some(after),
            says: format!("{says} after {:.1} s", after.as_secs_f64()),
        }
    }

    fn bad(says: &str) -> End {
        End {
            good: None,
            says: says.to_owned(),
        }
    }
}

/// A control plane on which one of the two is installed.
pub(super) struct Stage {
    cluster: Cluster,
    whose: Implementation,
}

impl Stage {
    fn open(whose: Implementation) -> Result<Stage> {
        let cluster = Cluster::start()?;
        cluster.install(whose)?;
        Ok(Stage { cluster, whose })
    }

    /// Starts the controller as people do, and waits until it serves its certificate.
    fn start(&self, flags: &[&str]) -> Result<Process> {
        let mut all = vec!["--key-size=2048"];
        all.extend(flags);
        self.cluster.start_controller(self.whose, &all)
    }

    /// A controller that is about to be started.
    fn launch(&self) -> Result<Launch<'_>> {
        let program = self.whose.programs()?.controller;
        let launch = self
            .cluster
            .launch_as_pod("controller", program, (NAMESPACE, CONTROLLER))?;
        Ok(launch.arg("--key-size=2048"))
    }

    fn certificate(&self) -> Result<String> {
        self.cluster.eventually(2 * SOON, "certificate", || {
            let (code, certificate) = get(&self.cluster, "/v1/cert.pem")?;
            ensure!(code == 200, "{code}");
            Ok(certificate)
        })
    }

    fn seal(&self, namespace: &str, value: &str) -> Result<Value> {
        Lab::seal_with(&self.certificate()?, namespace, "one", &json!({"a": value}), "strict")
    }

    fn apply(&self, namespace: &str, value: &str) -> Result<()> {
        self.cluster.apply(&self.seal(namespace, value)?.to_string()).map(drop)
    }

    /// Waits until the Secret `one` of that namespace has this value.
    fn served(&self, namespace: &str, value: &str) -> End {
        End::of("served", || self.has(namespace, value))
    }

    fn has(&self, namespace: &str, value: &str) -> Result<()> {
        let found = Lab::items_in(&self.cluster, namespace, "one")?;
        ensure!(found == json!({"a": value}), "it has {found}");
        Ok(())
    }

    /// Begins with one SealedSecret that is served.
    fn begin(&self) -> Result<()> {
        self.apply("default", "1")?;
        self.cluster.eventually(SOON, "Secret", || self.has("default", "1"))
    }

    fn patch(&self, patch: &Value) -> Result<()> {
        let patch = patch.to_string();
        let command = ["patch", "secret", "one", "--type=merge", "-p", &patch];
        self.cluster.kubectl_ok(&command).map(drop)
    }

    /// Waits until the status or an event of the SealedSecret `one` holds one of these words.
    fn named(&self, words: &[&str]) -> End {
        End::of("named", || {
            let status = self.cluster.get_json(&["sealedsecret", "one"])?["status"].to_string();
            let events = self.cluster.get_json(&["events"])?["items"].to_string();
            let said = words.iter().any(|word| status.contains(word) || events.contains(word));
            ensure!(said, "{status} {events}");
            Ok(())
        })
    }
}

/// An incident, and how it is played.
type Row = (&'static str, fn(&Stage) -> Result<End>);

fn play(row: Row, whose: Implementation) -> End {
    let end = Stage::open(whose).and_then(|stage| row.1(&stage));
    end.unwrap_or_else(|error| {
        eprintln!("{}, {whose:?}: {error:#}", row.0);
        End::bad("could not be played")
    })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut copy = std::process::Command::new("cp");
    harness::output::run(copy.arg("-a").args([from, to]))?
        .success()
        .map(drop)
}

#[cfg_attr(feature = "incidents", test)]
#[cfg_attr(
    not(feature = "incidents"),
    expect(dead_code, reason = "it takes a quarter of an hour, and has a command of its own")
)]
fn incidents() -> Result<()> {
    let word = std::env::var("INCIDENTS").unwrap_or_default();
    let rows = [server::ROWS, others::ROWS, keys::ROWS].concat();
    let mut worse = Vec::new();
    println!("| incident | the reference | ours |\n|---|---|---|");
    for row in rows.into_iter().filter(|row| row.0.contains(&word)) {
        let reference = thread::spawn(move || play(row, Implementation::Reference));
        let ours = play(row, Implementation::Ours);
        let reference = reference.join().map_err(|_| anyhow::anyhow!("a thread died"))?;
        println!("| {} | {} | {} |", row.0, reference.says, ours.says);
        let is_as_good = match (ours.good, reference.good) {
            (None, _) => false,
            (Some(ours), Some(reference)) => ours <= reference + ALIKE,
            (Some(_), None) => true,
        };
        if !is_as_good {
            worse.push(row.0);
        }
    }
    ensure!(worse.is_empty(), "{worse:?}");
    Ok(())
}
