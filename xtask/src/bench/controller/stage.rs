//! The control plane on which the contenders take turns, and what is measured of a controller while it runs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::cluster::{Cluster, Request};
use harness::implementation::{CONTROLLER, IMAGE_ENVIRONMENT, Implementation, NAMESPACE};
use harness::output::run_with_input;
use harness::process::Process;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use super::client::now;

/// Who is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Reference,
    Ours,
}

/// Our programs, as people get them.
#[derive(Clone)]
pub(crate) struct Programs {
    pub(crate) controller: PathBuf,
    pub(crate) kubeseal: PathBuf,
}

/// A control plane with both controllers at hand.
pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    programs: Programs,
    reference: PathBuf,
    folder: tempfile::TempDir,
    rounds: std::cell::Cell<usize>,
}

/// The outcome of a cold start.
pub(crate) struct Outcome {
    /// Secrets that were made.
    pub(crate) secrets: usize,
    /// Events that were posted.
    pub(crate) events: usize,
    /// From the start of the process to the last Secret, status or event.
    pub(crate) seconds: f64,
    /// CPU of the process until then.
    pub(crate) cpu: f64,
    /// Its requests until then.
    pub(crate) requests: Requests,
}

/// Requests of a controller.
#[derive(Clone, Copy, Default)]
pub(crate) struct Requests {
    /// That write Secrets.
    pub(crate) secrets: usize,
    /// That write statuses.
    pub(crate) statuses: usize,
    /// That read one object.
    pub(crate) reads: usize,
}

impl Requests {
    fn count(all: &[Request]) -> Requests {
        let number = |which: fn(&Request) -> bool| all.iter().filter(|request| which(request)).count();
        Requests {
            secrets: number(|request| request.resource == "secrets" && request.writes()),
            statuses: number(|request| request.resource == "sealedsecrets/status" && request.writes()),
            // An object that is listed alone is named as one that is read.
            reads: number(|request| {
                let of_objects = ["secrets", "sealedsecrets"].contains(&request.resource.as_str());
                of_objects && request.verb != "watch" && !request.writes() && request.object.contains('/')
            }),
        }
    }
}

/// Who watches from inside the cluster's network.
pub(crate) struct Observer {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Observer {
    /// Its observations, when it has seen all objects.
    pub(crate) fn told(mut self) -> Result<Value> {
        let told = serde_json::from_str(&line(&mut self.lines)?)?;
        self.child.wait()?;
        Ok(told)
    }
}

impl Outcome {
    pub(crate) fn rate(&self) -> f64 {
        self.secrets as f64 / self.seconds
    }

    /// Events for each Secret.
    pub(crate) fn events_each(&self) -> f64 {
        self.events as f64 / self.secrets.max(1) as f64
    }

    /// Requests for each Secret: that write Secrets, that write statuses, that read either.
    pub(crate) fn requests_each(&self) -> [f64; 3] {
        let Requests {
            secrets,
            statuses,
            reads,
            ..
        } = self.requests;
        [secrets, statuses, reads].map(|number| number as f64 / self.secrets.max(1) as f64)
    }

    /// CPU milliseconds for each Secret.
    pub(crate) fn cpu_each(&self) -> f64 {
        1e3 * self.cpu / self.secrets.max(1) as f64
    }
}

impl Stage {
    /// Our definition and rights: the reference runs under them too, so that both write to the same schema.
    pub(crate) fn new(programs: Programs) -> Result<Stage> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        Ok(Stage {
            cluster,
            programs,
            reference: Implementation::Reference.programs()?.controller,
            folder: tempfile::tempdir()?,
            rounds: std::cell::Cell::new(0),
        })
    }

    /// Makes sealing keys, so many, in this order; gives the certificate of the last one.
    pub(crate) fn add_keys(&self, count: usize, bits: u32) -> Result<PathBuf> {
        let mut last = None;
        for number in 0..count {
            let folder = self.folder.path().join(format!("key-{}-{number}", self.next()));
            std::fs::create_dir(&folder)?;
            let key = SealingKey::generate(&folder, bits)?;
            let mut secret = key.secret()?;
            secret["metadata"]["name"] = json!(format!("sealed-secrets-key-{:03}", self.next()));
            self.cluster.apply(&secret.to_string())?;
            last = Some(key.certificate);
        }
        last.context("at least one key")
    }

    /// A place for a file that is kept as long as the stage.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn next(&self) -> usize {
        self.rounds.replace(self.rounds.get() + 1)
    }

    /// A new namespace.
    pub(crate) fn namespace(&self) -> Result<String> {
        let name = format!("round-{}", self.next());
        self.cluster.kubectl_ok(&["create", "namespace", &name])?;
        Ok(name)
    }

    /// Takes a namespace away, with all that is in it.
    pub(crate) fn clear(&self, namespace: &str) -> Result<()> {
        self.cluster
            .kubectl_ok(&["delete", "namespace", namespace, "--timeout=600s"])
            .map(drop)
    }

    /// SealedSecrets of one item for any namespace, sealed for the certificate, without a key hint.
    pub(crate) fn seal(&self, certificate: &Path, count: usize) -> Result<Vec<Value>> {
        self.seal_items(certificate, count, 1, &[])
    }

    /// As [`Stage::seal`], of so many items, with further flags of kubeseal.
    pub(crate) fn seal_items(
        &self,
        certificate: &Path,
        count: usize,
        items: usize,
        flags: &[&str],
    ) -> Result<Vec<Value>> {
        let one = |number: usize| {
            let values: serde_json::Map<_, _> = (0..items)
                .map(|item| {
                    (
                        format!("password-{item}"),
                        json!(format!("a value of the bench, {number}")),
                    )
                })
                .collect();
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": format!("object-{number:05}"), "namespace": "default"}, "stringData": values}).to_string()
        };
        let stream: String = (0..count).map(one).collect::<Vec<_>>().join("\n");
        let mut kubeseal = Command::new(&self.programs.kubeseal);
        kubeseal
            .args(["--scope", "cluster-wide", "--cert"])
            .arg(certificate)
            .args(flags);
        let sealed = run_with_input(&mut kubeseal, stream.as_bytes())?.success()?;
        let mut all: Vec<Value> = serde_json::Deserializer::from_str(&sealed.stdout)
            .into_iter()
            .collect::<Result<_, _>>()?;
        ensure!(all.len() == count, "{} sealed", all.len());
        for object in &mut all {
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("namespace");
            }
            let annotations = object["metadata"]["annotations"].as_object_mut().context("the scope")?;
            annotations.remove("sealed-secrets-rs/sealed-with");
        }
        Ok(all)
    }

    /// Runs the client inside the cluster's network.
    pub(crate) fn client(&self, arguments: &[&str], objects: &[Value]) -> Result<Value> {
        let mut child = self.begin(arguments, Some(objects))?;
        let printed = std::io::read_to_string(child.stdout.take().context("stdout")?)?;
        let status = child.wait()?;
        ensure!(status.success(), "{arguments:?} ended with {status}");
        Ok(serde_json::from_str(printed.trim())?)
    }

    fn begin(&self, arguments: &[&str], objects: Option<&[Value]>) -> Result<Child> {
        let mut command = self.cluster.command(std::env::current_exe()?);
        command.arg("bench-client").args(arguments);
        let stdin = if objects.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        };
        let mut child = command.stdin(stdin).stdout(Stdio::piped()).spawn()?;
        if let Some(objects) = objects {
            let mut stdin = child.stdin.take().context("stdin")?;
            stdin.write_all(&serde_json::to_vec(objects)?)?;
        }
        Ok(child)
    }

    /// Puts SealedSecrets into a namespace.
    pub(crate) fn fill(&self, namespace: &str, objects: &[Value]) -> Result<()> {
        let path = super::api::sealed_secrets(namespace);
        self.client(&["create", &path], objects).map(drop)
    }

    /// Starts a controller; it is not waited for.
    pub(crate) fn start(&self, who: Contender, arguments: &[&str]) -> Result<Process> {
        let (name, program) = match who {
            Contender::Ours => ("ours", &self.programs.controller),
            Contender::Reference => ("reference", &self.reference),
        };
        let name = format!("bench-{name}-{}", self.next());
        let launch = self.cluster.launch_as_pod(&name, program, (NAMESPACE, CONTROLLER))?;
        let environment = IMAGE_ENVIRONMENT.iter().filter(|_| who == Contender::Ours);
        let launch = environment.fold(launch, |launch, (variable, value)| launch.env(variable, value));
        launch.args(arguments).spawn()
    }

    /// Begins to watch what comes of the SealedSecrets of a namespace: until each of them has its Secret, its status and
    /// its event, not longer than so many seconds.
    pub(crate) fn observe(&self, namespace: &str, count: usize, longest: u64) -> Result<Observer> {
        let (count, longest) = (count.to_string(), longest.to_string());
        let mut child = self.begin(&["observe", namespace, &count, &longest], None)?;
        let mut lines = BufReader::new(child.stdout.take().context("stdout")?);
        ensure!(line(&mut lines)? == "watching", "the observer does not watch");
        Ok(Observer { child, lines })
    }

    /// Starts a controller over objects that wait in the namespace, and watches what comes of them, not longer than so
    /// many seconds. The controller goes on.
    pub(crate) fn serve(
        &self,
        who: Contender,
        arguments: &[&str],
        namespace: &str,
        count: usize,
        longest: u64,
    ) -> Result<(Process, Outcome)> {
        let before = self.cluster.controller_requests()?.len();
        let observer = self.observe(namespace, count, longest)?;
        let start = now();
        let process = self.start(who, arguments)?;
        let told = observer.told()?;
        let number = |name: &str| usize::try_from(told[name].as_u64().unwrap_or_default());
        let secrets = number("secrets")?;
        let outcome = Outcome {
            secrets,
            events: number("events")?,
            seconds: told["last"].as_f64().unwrap_or_default() - start,
            cpu: cpu(&process)?,
            requests: Requests::count(self.cluster.controller_requests()?.get(before..).unwrap_or_default()),
        };
        ensure!(secrets > 0, "no Secret was made:\n{}", self.cluster.logs(20));
        Ok((process, outcome))
    }

    /// The value of a metric of the running controller; 0 where there is none yet.
    pub(crate) fn metric(&self, name: &str) -> Result<f64> {
        let url = format!("http://{}:8081/metrics", self.cluster.address());
        let text = self.client(&["scrape", &url], &[])?;
        let value = text.as_str().unwrap_or_default().lines().find_map(|line| {
            let rest = line.strip_prefix(name)?;
            rest.strip_prefix(' ')?.parse().ok()
        });
        Ok(value.unwrap_or_default())
    }

    /// Waits for words in a controller's log; gives the seconds since `start`.
    pub(crate) fn await_log(&self, process: &Process, words: &str, start: Instant) -> Result<f64> {
        loop {
            process.check_running()?;
            if process.log()?.contains(words) {
                return Ok(start.elapsed().as_secs_f64());
            }
            ensure!(start.elapsed() < Duration::from_secs(600), "no {words:?} in the log");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn line(lines: &mut BufReader<ChildStdout>) -> Result<String> {
    let mut text = String::new();
    lines.read_line(&mut text)?;
    Ok(text.trim().to_owned())
}

/// Stops a controller and waits until it has gone.
pub(crate) fn stop(process: Process) -> Result<()> {
    process.terminate(Duration::from_secs(60)).map(drop)
}

/// Seconds of CPU, in user and kernel mode, of all its threads.
pub(crate) fn cpu(process: &Process) -> Result<f64> {
    /// `USER_HZ`, which Linux fixes for what `/proc` shows.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid()?))?;
    // The name, in parentheses, may hold spaces.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let field = |index: usize| {
        rest.split_whitespace()
            .nth(index)
            .and_then(|text| text.parse::<f64>().ok())
    };
    Ok((field(11).context("utime")? + field(12).context("stime")?) / TICKS)
}

/// Mebibytes that are resident now, and at the peak.
pub(crate) fn memory(process: &Process) -> Result<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid()?))?;
    let field = |name: &str| -> Result<f64> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .context("no such field")?;
        let digits: String = line.chars().filter(char::is_ascii_digit).collect();
        Ok(digits.parse::<f64>()? / 1024.0)
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}
