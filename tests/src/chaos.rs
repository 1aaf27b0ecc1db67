//! A run in which everything goes wrong, in random order, while SealedSecrets change; and an observer that knows the API alone.
//!
//! The faults and the kills follow from a seed (`plan`), so that a run can be repeated; how they fall together with what the
//! programs do is another time's. `load` changes objects and writes into the `book` what it asked for. `eyes` read a watch of
//! the Secrets and the API server's audit log to the `observer`, which judges. The replicas reach the API server each by a `relay`.

mod arrival;
mod book;
mod eyes;
mod inject;
mod load;
mod observer;
mod plan;
mod relay;
mod replicas;
mod summary;

pub use arrival::await_values;
pub use book::{Book, Pages, Wanted};
pub use eyes::Eyes;
pub use plan::{Fault, Plan, Round};
pub use relay::Relay;
pub use replicas::build_clock;
pub use summary::Summary;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::implementation::Implementation;
use crate::output::run as run_command;
use arrival::list;
use inject::Scene;
use load::Load;
use replicas::Replicas;

/// The namespace in which objects change.
pub const SPACE: &str = "work";
/// By when all must be right after a fault.
const SETTLED: Duration = Duration::from_secs(60);
/// The time for garbage collection at the end.
const COLLECTED: Duration = Duration::from_secs(180);
/// Between two looks at what has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How many of the last faults a broken invariant is reported with.
const LAST: usize = 5;

/// Runs for `lasts` with the faults of this seed; `progress` gets a line for each round. A violation is not an error: the summary
/// holds it, and names the folder in which the logs are kept.
pub fn run(lasts: Duration, seed: u64, progress: &(dyn Fn(&str) + Sync)) -> Result<Summary> {
    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    cluster.kubectl_ok(&["create", "namespace", SPACE])?;
    let book = Book::default();
    book.open().keys = 1;
    let eyes = Eyes::open(&cluster)?;
    let replicas = Replicas::start(&cluster, seed)?;
    let load = Load::new(&cluster, &book)?;
    let scene = Scene {
        cluster: &cluster,
        replicas: &replicas,
        load: &load,
        book: &book,
        former: Mutex::default(),
    };
    let run = Run {
        scene,
        eyes,
        seed,
        begun: Instant::now(),
        stop: AtomicBool::new(false),
    };
    let ended = thread::scope(|scope| {
        let loading = scope.spawn(|| load.run(seed, &run.stop));
        let looking = scope.spawn(|| run.look_all_the_time());
        let summary = run.rounds(lasts, progress);
        run.stop.store(true, Ordering::Relaxed);
        for helper in [loading, looking] {
            helper.join().map_err(|_| anyhow::anyhow!("a thread died"))??;
        }
        summary
    });
    match ended {
        Ok(summary) if summary.violations.is_empty() => Ok(summary),
        Ok(mut summary) => {
            summary
                .last
                .push(format!("the logs are in {}", run.keep_logs()?.display()));
            Ok(summary)
        }
        Err(error) => Err(error.context(format!("seed {seed}; the logs are in {}", run.keep_logs()?.display()))),
    }
}

struct Run<'a> {
    scene: Scene<'a>,
    eyes: Eyes,
    seed: u64,
    begun: Instant,
    stop: AtomicBool,
}

impl Run<'_> {
    fn look_all_the_time(&self) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            self.eyes.look(self.scene.book)?;
            thread::sleep(LOOK_EVERY);
        }
        Ok(())
    }

    /// Rounds until the time is over or an invariant is broken; then the end, in which all must be right.
    fn rounds(&self, lasts: Duration, progress: &(dyn Fn(&str) + Sync)) -> Result<Summary> {
        let mut summary = Summary {
            seed: self.seed,
            ..Summary::default()
        };
        for (number, round) in Plan::new(self.seed).enumerate() {
            if self.begun.elapsed() >= lasts || !self.eyes.violations().is_empty() {
                break;
            }
            let line = self.round(number, &round, &mut summary)?;
            progress(&line);
            summary.last.push(line);
            if summary.last.len() > LAST {
                summary.last.remove(0);
            }
        }
        let held = self.scene.load.hold();
        self.end()?;
        drop(held);
        self.sum_up(&mut summary);
        Ok(summary)
    }

    fn round(&self, number: usize, round: &Round, summary: &mut Summary) -> Result<String> {
        self.scene.refuse_former_tokens()?;
        let targets = self.scene.targets(round)?;
        let (begun, minute) = (Instant::now(), self.begun.elapsed().as_secs());
        self.scene.begin(round, &targets)?;
        self.scene.book.open().faults += 1;
        for kill in &round.kills {
            thread::sleep(kill.after.saturating_sub(begun.elapsed()));
            self.scene.book.open().faults += 1;
            self.scene.replicas.kill(kill.replica, kill.away)?;
        }
        thread::sleep(round.lasts.saturating_sub(begun.elapsed()));
        self.scene.end(round, &targets)?;
        let ends = self.scene.replicas.revive()?;
        ends.iter().for_each(|end| self.eyes.accuse(end.clone()));
        let took = self.settle(round);
        *summary.faults.entry(round.fault).or_default() += 1;
        let longest = summary.longest.entry(round.fault).or_default();
        *longest = took.max(*longest);
        Ok(format!(
            "{:2}:{:02} round {number}: {} for {:.1} s on {targets:?}, {} kills; right after {:.1} s",
            minute / 60,
            minute % 60,
            round.fault,
            round.lasts.as_secs_f64(),
            round.kills.len(),
            took.as_secs_f64()
        ))
    }

    /// Holds the load, and waits until every value has arrived; gives how long that took.
    fn settle(&self, round: &Round) -> Duration {
        let _held = self.scene.load.hold();
        await_values(self.scene.cluster, self.scene.book, SETTLED).unwrap_or_else(|missing| {
            self.eyes
                .accuse(format!("{} s after {}: {missing}", SETTLED.as_secs(), round.fault));
            SETTLED
        })
    }

    /// Checks the end: what was deleted is gone, every status is good, and the whole audit log was read.
    fn end(&self) -> Result<()> {
        if !self.eyes.violations().is_empty() {
            return Ok(());
        }
        let gone = self.scene.cluster.eventually(COLLECTED, "end of what was deleted", || {
            let found = list(self.scene.cluster, "secrets")?;
            let pages = self.scene.book.open();
            let left = found
                .keys()
                .find(|name| pages.objects.get(*name).is_some_and(|object| object.current.is_none()));
            ensure!(left.is_none(), "Secret {left:?} is still there");
            Ok(())
        });
        let said = self.scene.cluster.eventually(SETTLED, "good statuses", || {
            for (name, sealed) in list(self.scene.cluster, "sealedsecrets")? {
                let conditions = sealed.pointer("/status/conditions").and_then(Value::as_array);
                let synced = conditions
                    .into_iter()
                    .flatten()
                    .find(|condition| condition.get("type").is_some_and(|kind| kind == "Synced"));
                let good = synced
                    .and_then(|synced| synced.get("status"))
                    .is_some_and(|status| status == "True")
                    && sealed.pointer("/status/observedGeneration") == sealed.pointer("/metadata/generation");
                ensure!(good, "{name}: {:?}", sealed.get("status"));
            }
            Ok(())
        });
        for failed in [gone, said].into_iter().filter_map(Result::err) {
            let first = format!("{failed:#}");
            self.eyes.accuse(first.lines().next().unwrap_or_default().to_owned());
        }
        // The audit log is judged some seconds late.
        thread::sleep(Duration::from_secs(6));
        self.eyes.look(self.scene.book)
    }

    fn sum_up(&self, summary: &mut Summary) {
        let pages = self.scene.book.open();
        let changes = pages.objects.values().map(|object| object.changes).sum();
        summary.objects = (pages.objects.len(), changes, self.scene.load.deleted());
        summary.keys = (self.eyes.ask(|observer| observer.keys()), pages.keys);
        drop(pages);
        let (most, for_changes) = self.eyes.ask(|observer| observer.busiest(self.scene.book));
        summary.writes = (self.eyes.ask(|observer| observer.written), most, for_changes);
        summary.states = self.eyes.ask(|observer| observer.states);
        summary.kills = self.scene.replicas.kills();
        summary.took = self.begun.elapsed();
        summary.violations = self.eyes.violations();
        if summary.violations.is_empty() {
            summary.last.clear();
        }
    }

    /// Copies the logs to where they stay.
    fn keep_logs(&self) -> Result<PathBuf> {
        let kept = std::env::temp_dir().join(format!("sealed-secrets-chaos-{}", self.seed));
        std::fs::create_dir_all(&kept)?;
        let state = self.scene.cluster.state();
        let mut copy = Command::new("cp");
        copy.arg("-r")
            .arg(state.join("logs"))
            .arg(self.scene.cluster.audit_log())
            .arg(&kept);
        run_command(&mut copy)?.success()?;
        Ok(kept)
    }
}
