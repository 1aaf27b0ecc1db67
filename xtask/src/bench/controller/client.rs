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
pub(super) const CONNECTIONS: usize = 32;

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
        "relay" => relay(&api, &args.place)?,
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

#[derive(Clone, Copy, PartialEq)]
enum Watched {
    Secrets,
    SealedSecrets,
    Events,
}

/// An event of a watch: the kind of change, and the object.
struct Change {
    of: Watched,
    kind: String,
    name: String,
}

/// Sends the changes of a namespace on.
fn watch(api: &Api, namespace: &str, what: &[Watched]) -> Result<Receiver<Change>> {
    let (sender, receiver) = channel();
    for of in what.iter().copied() {
        let path = match of {
            Watched::Secrets => core(namespace, "secrets"),
            Watched::SealedSecrets => sealed_secrets(namespace),
            Watched::Events => core(namespace, "events"),
        };
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
                if sender.send(Change { of, kind, name }).is_err() {
                    break;
                }
            }
        });
    }
    Ok(receiver)
}

/// Says `watching`, then waits until so many Secrets were made, so many SealedSecrets have got a status and so many events
/// were posted. Events may be dropped: for those that are missing it does not wait long.
fn observe(api: &Api, args: &Args) -> Result<Value> {
    const LAST_EVENTS: Duration = Duration::from_secs(5);
    let changes = watch(
        api,
        &args.place,
        &[Watched::Secrets, Watched::SealedSecrets, Watched::Events],
    )?;
    println!("watching");
    std::io::stdout().flush()?;
    let deadline = Instant::now() + Duration::from_secs(args.longest);
    let (mut secrets, mut statuses, mut events) = (HashSet::new(), HashSet::new(), HashSet::new());
    let mut last = 0.0;
    loop {
        let written = secrets.len() >= args.count && statuses.len() >= args.count;
        if written && events.len() >= args.count {
            break;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(change) = changes.recv_timeout(if written { LAST_EVENTS.min(left) } else { left }) else {
            break;
        };
        let is_new = match (change.of, change.kind.as_str()) {
            (Watched::Secrets, "ADDED") => secrets.insert(change.name),
            (Watched::SealedSecrets, "MODIFIED") => statuses.insert(change.name),
            (Watched::Events, "ADDED") => events.insert(change.name),
            _ => false,
        };
        if is_new {
            last = now();
        }
    }
    Ok(json!({"secrets": secrets.len(), "statuses": statuses.len(), "events": events.len(), "last": last}))
}

/// The bare loader: for each SealedSecret that is there, what a controller has to write, and nothing else. It holds the same
/// watches, the one of SealedSecrets whole.
fn load(api: &Api, namespace: &str) -> Result<Value> {
    let mut sealed = Vec::new();
    for page in api.list(&sealed_secrets(namespace), None)? {
        let mut page: Value = serde_json::from_slice(&page)?;
        sealed.append(page["items"].as_array_mut().context("items")?);
    }
    for (path, accept) in [
        (core(namespace, "secrets"), Some(METADATA)),
        (sealed_secrets(namespace), None),
    ] {
        let lines = api.watch(&path, accept)?;
        thread::spawn(move || lines.for_each(drop));
    }
    let start = Instant::now();
    each(sealed, |sealed| write_all(api, namespace, sealed))?;
    Ok(json!({"seconds": start.elapsed().as_secs_f64()}))
}

/// The Secret of a SealedSecret, with some value for each item.
fn bare_secret(sealed: &Value) -> Value {
    let (name, uid) = (&sealed["metadata"]["name"], &sealed["metadata"]["uid"]);
    let data: serde_json::Map<_, _> = sealed["spec"]["encryptedData"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(item, _)| (item.clone(), json!("YSB2YWx1ZSBvZiB0aGUgYmVuY2g=")))
        .collect();
    let owner = json!([{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": name, "uid": uid, "controller": true}]);
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "ownerReferences": owner}, "data": data})
}

fn write_all(api: &Api, namespace: &str, mut sealed: Value) -> Result<()> {
    const TIME: &str = "2024-01-01T00:00:00Z";
    let name = sealed["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let uid = sealed["metadata"]["uid"].clone();
    let written: Value = serde_json::from_slice(&api.create(&core(namespace, "secrets"), &bare_secret(&sealed))?)?;
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
    let sealed = api.list(&sealed_secrets(namespace), None)?;
    let secrets = api.list("/api/v1/secrets", Some(METADATA_LIST))?;
    Ok(json!({"seconds": start.elapsed().as_secs_f64(), "pages": sealed.len() + secrets.len()}))
}

/// As [`latency`], with a relay in the controller's place: a Secret of its own making for each SealedSecret, without a key.
fn relay(api: &Api, namespace: &str) -> Result<Value> {
    let lines = api.watch(&sealed_secrets(namespace), None)?;
    let (path, writer) = (core(namespace, "secrets"), api.clone());
    thread::spawn(move || {
        for line in lines {
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            if event["type"] != "ADDED" || writer.create(&path, &bare_secret(&event["object"])).is_err() {
                break;
            }
        }
    });
    latency(api, namespace)
}

/// One object after the other, the next one when the machine is idle again: milliseconds from the request to its Secret.
fn latency(api: &Api, namespace: &str) -> Result<Value> {
    const IDLE: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(30);
    let changes = watch(api, namespace, &[Watched::Secrets])?;
    let mut all = Vec::new();
    for object in stdin()? {
        thread::sleep(IDLE);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let start = Instant::now();
        api.create(&sealed_secrets(namespace), &object)?;
        loop {
            let left = LONGEST.saturating_sub(start.elapsed());
            let change = changes.recv_timeout(left).context("no Secret came")?;
            if change.name == name {
                break;
            }
        }
        all.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(json!(all))
}
