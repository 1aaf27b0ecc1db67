//! The half that runs inside the cluster's network: makes load and watches what comes of it. Reads its objects as JSON from
//! stdin, prints one line of JSON.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::api::{Api, METADATA, METADATA_LIST, core, sealed_secrets};

/// Requests at a time, as many as our controller makes.
const CONNECTIONS: usize = 32;

/// What to do.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// `create`, `observe`, `load`, `lists`, `latency` or `scrape`.
    what: String,
    /// The namespace; for `create` the path, for `scrape` the address.
    place: String,
    /// How many objects to wait for.
    #[arg(default_value_t = 0)]
    count: usize,
    /// How long to wait for them, in seconds.
    #[arg(default_value_t = 600)]
    longest: u64,
}

/// Does it, as the administrator of `$KUBECONFIG`.
pub(crate) fn run(args: &Args) -> Result<()> {
    let kubeconfig = std::env::var_os("KUBECONFIG").context("KUBECONFIG is set by the bench")?;
    let api = Api::connect(kubeconfig.as_ref())?;
    let report = match args.what.as_str() {
        "create" => create(&api, &args.place)?,
        "observe" => observe(&api, args)?,
        "load" => load(&api, &args.place)?,
        "lists" => lists(&api, &args.place)?,
        "latency" => latency(&api, &args.place)?,
        "scrape" => json!(api.text(&args.place)?),
        other => bail!("no such thing to do: {other}"),
    };
    println!("{report}");
    Ok(())
}

fn stdin() -> Result<Vec<Value>> {
    Ok(serde_json::from_reader(std::io::stdin().lock())?)
}

/// Does `work` for each, on [`CONNECTIONS`] threads.
fn each<T: Send>(all: Vec<T>, work: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let waiting = Mutex::new(all.into_iter());
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.next());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| std::iter::from_fn(next).try_for_each(&work)))
            .collect();
        for thread in threads {
            thread.join().map_err(|_| anyhow::anyhow!("a thread died"))??;
        }
        Ok(())
    })
}

fn create(api: &Api, path: &str) -> Result<Value> {
    let start = Instant::now();
    each(stdin()?, |object| api.create(path, &object).map(drop))?;
    Ok(json!({"seconds": start.elapsed().as_secs_f64()}))
}

/// Seconds since 1970, which two processes can compare.
pub(crate) fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}

/// What a watch told: which kind of change, to which object.
struct Change {
    secret: bool,
    kind: String,
    name: String,
}

/// Sends the changes of Secrets and SealedSecrets on.
fn watch_both(api: &Api, namespace: &str) -> Result<Receiver<Change>> {
    let (sender, receiver) = channel();
    for (secret, path) in [(true, core(namespace, "secrets")), (false, sealed_secrets(namespace))] {
        let lines = api.watch(&path, Some(METADATA))?;
        let sender: Sender<Change> = sender.clone();
        thread::spawn(move || {
            for line in lines {
                let Ok(event) = serde_json::from_str::<Value>(&line) else {
                    break;
                };
                let text = |path: &str| {
                    event
                        .pointer(path)
                        .and_then(Value::as_str)
                        .unwrap_or_default()
                        .to_owned()
                };
                let (kind, name) = (text("/type"), text("/object/metadata/name"));
                if sender.send(Change { secret, kind, name }).is_err() {
                    break;
                }
            }
        });
    }
    Ok(receiver)
}

/// Says `watching`, then waits until so many Secrets were made and so many SealedSecrets have got a status.
fn observe(api: &Api, args: &Args) -> Result<Value> {
    let changes = watch_both(api, &args.place)?;
    println!("watching");
    std::io::stdout().flush()?;
    let deadline = Instant::now() + Duration::from_secs(args.longest);
    let (mut secrets, mut statuses, mut last) = (HashSet::new(), HashSet::new(), 0.0);
    while secrets.len() < args.count || statuses.len() < args.count {
        let Ok(change) = changes.recv_timeout(deadline.saturating_duration_since(Instant::now())) else {
            break;
        };
        let is_new = match (change.secret, change.kind.as_str()) {
            (true, "ADDED") => secrets.insert(change.name),
            (false, "MODIFIED") => statuses.insert(change.name),
            _ => false,
        };
        if is_new {
            last = now();
        }
    }
    Ok(json!({"secrets": secrets.len(), "statuses": statuses.len(), "last": last}))
}

/// The bare loader: for each SealedSecret that is there, what a controller has to write, and nothing else. It holds the same
/// watches, the one of SealedSecrets whole.
fn load(api: &Api, namespace: &str) -> Result<Value> {
    let sealed = api.list(&sealed_secrets(namespace), None)?;
    for (path, accept) in [
        (core(namespace, "secrets"), Some(METADATA)),
        (sealed_secrets(namespace), None),
    ] {
        let lines = api.watch(&path, accept)?;
        thread::spawn(move || lines.for_each(|line| drop(serde_json::from_str::<Value>(&line))));
    }
    let start = Instant::now();
    each(sealed, |sealed| write_all(api, namespace, sealed))?;
    Ok(json!({"seconds": start.elapsed().as_secs_f64()}))
}

fn write_all(api: &Api, namespace: &str, mut sealed: Value) -> Result<()> {
    const TIME: &str = "2024-01-01T00:00:00Z";
    let name = sealed["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let uid = sealed["metadata"]["uid"].clone();
    let data: serde_json::Map<_, _> = sealed["spec"]["encryptedData"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(item, _)| (item.clone(), json!("YSB2YWx1ZSBvZiB0aGUgYmVuY2g=")))
        .collect();
    let owner = json!([{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name, "uid": uid, "controller": true}]);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "ownerReferences": owner}, "data": data});
    let written = api.create(&core(namespace, "secrets"), &secret)?;
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "Unsealed", "lastTransitionTime": TIME, "lastUpdateTime": TIME});
    let version = written["metadata"]["resourceVersion"].clone();
    sealed["status"] = json!({
        "observedGeneration": 1, "conditions": [condition("Synced"), condition("Ready")],
        "openedBy": ["SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"],
        "written": {"uid": written["metadata"]["uid"], "resourceVersion": version, "inputDigest": "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
    });
    api.replace(&format!("{}/{name}/status", sealed_secrets(namespace)), &sealed)?;
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"generateName": format!("{name}."), "namespace": namespace},
        "involvedObject": {"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name, "namespace": namespace, "uid": uid},
        "type": "Normal", "reason": "Unsealed", "message": "SealedSecret unsealed successfully", "count": 1,
        "firstTimestamp": TIME, "lastTimestamp": TIME, "source": {"component": "bench"},
    });
    api.create(&core(namespace, "events"), &event).map(drop)
}

/// Two bare LISTs, of what a controller has to know at its start.
fn lists(api: &Api, namespace: &str) -> Result<Value> {
    let start = Instant::now();
    let sealed = api.list(&sealed_secrets(namespace), None)?.len();
    let secrets = api.list("/api/v1/secrets", Some(METADATA_LIST))?.len();
    Ok(json!({"seconds": start.elapsed().as_secs_f64(), "objects": sealed + secrets}))
}

/// One object after the other, the next one when the machine is idle again: milliseconds from the request to its Secret.
fn latency(api: &Api, namespace: &str) -> Result<Value> {
    const IDLE: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(30);
    let changes = watch_both(api, namespace)?;
    let mut all = Vec::new();
    for object in stdin()? {
        thread::sleep(IDLE);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let start = Instant::now();
        api.create(&sealed_secrets(namespace), &object)?;
        loop {
            let left = LONGEST.saturating_sub(start.elapsed());
            let change = changes.recv_timeout(left).context("no Secret came")?;
            if change.secret && change.name == name {
                break;
            }
        }
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(json!(all))
}
