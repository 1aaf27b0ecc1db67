//! The replicas under test: started, killed, paused, with tokens and clocks that change.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

use super::relay::Relay;
use crate::cluster::Cluster;
use crate::implementation::{CONTROLLER, Implementation, NAMESPACE};
use crate::output::run;
use crate::process::Process;

/// The log is what a violation is understood by.
const FLAGS: &[&str] = &["--key-size=2048", "--log-level=DEBUG"];
const CLOCK: &str = include_str!("clock.c");
/// Replaces the token of a Pod, as the kubelet does.
const RENEW: &str = r#"
cd /var/run/secrets/kubernetes.io/serviceaccount && cp "$1" token.new && mv token.new token
"#;

/// Two replicas, each behind a relay of its own.
#[derive(Debug)]
pub(super) struct Replicas<'a> {
    cluster: &'a Cluster,
    program: PathBuf,
    clock: PathBuf,
    /// Of each, what a Pod finds at the place of its service account.
    files: Vec<PathBuf>,
    relays: Vec<Relay>,
    running: Mutex<Vec<Process>>,
    kills: AtomicUsize,
}

impl<'a> Replicas<'a> {
    /// Starts them.
    pub(super) fn start(cluster: &'a Cluster, seed: u64) -> Result<Replicas<'a>> {
        let relays = vec![Relay::open(cluster, 0, seed)?, Relay::open(cluster, 1, seed)?];
        let files = (0..relays.len())
            .map(|number| {
                let made = cluster.pod_files(NAMESPACE, CONTROLLER)?;
                let own = cluster.state().join(format!("replica-{number}.pod"));
                fs::rename(made, &own)?;
                fs::write(cluster.state().join(format!("clock-{number}")), "0")?;
                Ok(own)
            })
            .collect::<Result<_>>()?;
        let replicas = Replicas {
            cluster,
            program: Implementation::Ours.programs()?.controller,
            clock: build_clock(cluster)?,
            files,
            relays,
            running: Mutex::default(),
            kills: AtomicUsize::new(0),
        };
        for number in 0..replicas.relays.len() {
            let process = replicas.spawn(number)?;
            replicas.running().push(process);
        }
        Ok(replicas)
    }

    fn spawn(&self, number: usize) -> Result<Process> {
        let relay = self.relay(number)?;
        self.cluster
            .launch(&format!("replica-{number}"), &self.program)
            .pod_files(self.files(number)?.clone())
            .env("KUBERNETES_SERVICE_HOST", self.cluster.address().to_string())
            .env("KUBERNETES_SERVICE_PORT", relay.port.to_string())
            .env("POD_NAMESPACE", NAMESPACE)
            .env("POD_NAME", format!("{CONTROLLER}-{number}"))
            .env("POD_UID", format!("00000000-0000-4000-8000-{number:012}"))
            .env("LD_PRELOAD", &self.clock)
            .env("CHAOS_CLOCK", self.cluster.state().join(format!("clock-{number}")))
            .arg(format!("--listen-addr=:{}", 8080 + 10 * number))
            .arg(format!("--listen-metrics-addr=:{}", 8081 + 10 * number))
            .args(FLAGS)
            .spawn()
    }

    fn running(&self) -> MutexGuard<'_, Vec<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The relays of these replicas.
    pub(super) fn relays(&self, numbers: &[usize]) -> Result<Vec<&Relay>> {
        numbers.iter().map(|number| self.relay(*number)).collect()
    }

    fn relay(&self, number: usize) -> Result<&Relay> {
        self.relays.get(number).context("no such replica")
    }

    fn files(&self, number: usize) -> Result<&PathBuf> {
        self.files.get(number).context("no such replica")
    }

    /// How many were killed.
    pub(super) fn kills(&self) -> usize {
        self.kills.load(Ordering::Relaxed)
    }

    /// Kills one at once, and starts it again a while later as the kubelet starts a container again.
    pub(super) fn kill(&self, number: usize, away: Duration) -> Result<()> {
        let mut running = self.running();
        let process = running.get_mut(number).context("no such replica")?;
        // One that is paused, and what waits for its end, would not notice.
        process.signal("CONT")?;
        process.kill()?;
        self.kills.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(away);
        *process = self.spawn(number)?;
        Ok(())
    }

    /// Sends a signal.
    pub(super) fn signal(&self, number: usize, name: &str) -> Result<()> {
        self.running().get(number).context("no such replica")?.signal(name)
    }

    /// Restarts a replica that has exited by itself; gives its last output.
    pub(super) fn revive(&self) -> Result<Vec<String>> {
        let mut ends = Vec::new();
        for number in 0..self.relays.len() {
            let mut running = self.running();
            let process = running.get_mut(number).context("no such replica")?;
            if let Some(status) = process.ended()? {
                let log = process.log()?;
                let last: Vec<&str> = log.lines().rev().take(3).collect();
                ends.push(format!(
                    "replica {number} ended by itself ({status}): {}",
                    last.join(" | ")
                ));
                *process = self.spawn(number)?;
            }
        }
        Ok(ends)
    }

    /// The one that holds the Lease.
    pub(super) fn leader(&self) -> Result<usize> {
        self.cluster.eventually(Duration::from_secs(60), "leader", || {
            let lease = self.cluster.get_json(&["lease", CONTROLLER, "-n", NAMESPACE])?;
            let holder = lease.pointer("/spec/holderIdentity").and_then(|holder| holder.as_str());
            let pod = holder.and_then(|holder| holder.split('_').next());
            let number = pod.and_then(|pod| pod.rsplit('-').next()).context("nobody leads")?;
            Ok(number.parse()?)
        })
    }

    /// Puts the wall clock of one off by so many seconds.
    pub(super) fn put_clock(&self, number: usize, off: i64) -> Result<()> {
        let file = self.cluster.state().join(format!("clock-{number}"));
        let new = file.with_extension("new");
        fs::write(&new, off.to_string())?;
        Ok(fs::rename(new, file)?)
    }

    /// Puts a new token into the place of the one that it has; gives the former.
    pub(super) fn renew_token(&self, number: usize) -> Result<String> {
        let file = self.files(number)?.join("token");
        let former = fs::read_to_string(&file)?;
        fs::write(&file, self.cluster.service_account_token(NAMESPACE, CONTROLLER)?)?;
        let pid = self.running().get(number).context("no such replica")?.pid()?;
        let mut renew = Command::new("nsenter");
        renew
            .args([
                "-t",
                &pid.to_string(),
                "--user",
                "--mount",
                "--preserve-credentials",
                "--",
            ])
            .args(["sh", "-c", RENEW, "sh"])
            .arg(&file);
        run(&mut renew)?.success()?;
        Ok(former)
    }
}

/// Builds the library that puts the wall clock of a program off by what stands in the file `$CHAOS_CLOCK`.
pub fn build_clock(cluster: &Cluster) -> Result<PathBuf> {
    let source = cluster.state().join("clock.c");
    fs::write(&source, CLOCK)?;
    let library = cluster.state().join("clock.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .arg(&library)
        .arg(&source);
    run(&mut compiler)
        .context("a C compiler (`cc`) is needed, for clocks that jump")?
        .success()?;
    Ok(library)
}
