//! The changes during a run: SealedSecrets created, edited and deleted, and Secrets deleted by another client.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IteratorRandom as _;
use serde_json::{Value, json};

use super::SPACE;
use super::book::Book;
use crate::cluster::Cluster;
use crate::eventually::eventually;
use crate::implementation::Implementation;

/// How many names there are.
const OBJECTS: usize = 40;
/// How many of them one step edits.
const EDITED: usize = 6;
/// Between two steps.
const PAUSE: Duration = Duration::from_millis(200);
/// A request of ours that meets a fault is sent again for as long.
const PATIENCE: Duration = Duration::from_secs(300);

/// The writer, and what holds it still.
#[derive(Debug)]
pub(super) struct Load<'a> {
    cluster: &'a Cluster,
    book: &'a Book,
    certificate: Mutex<PathBuf>,
    floor: Mutex<()>,
    /// SealedSecrets that were deleted.
    deleted: std::sync::atomic::AtomicUsize,
}

impl<'a> Load<'a> {
    /// One that seals for the newest key that there is.
    pub(super) fn new(cluster: &'a Cluster, book: &'a Book) -> Result<Load<'a>> {
        let load = Load {
            cluster,
            book,
            certificate: Mutex::default(),
            floor: Mutex::default(),
            deleted: std::sync::atomic::AtomicUsize::new(0),
        };
        load.take_newest_key()?;
        Ok(load)
    }

    /// Seals for the newest key from now on.
    pub(super) fn take_newest_key(&self) -> Result<()> {
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        let listed = self.cluster.eventually(Duration::from_secs(60), "key", || {
            let listed = self.cluster.key_secrets()?;
            let items = listed
                .get("items")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            anyhow::ensure!(!items.is_empty(), "no key yet");
            Ok(items)
        })?;
        for key in listed {
            let text = |path: &str| key.pointer(path).and_then(Value::as_str).map(str::to_owned);
            let created = text("/metadata/creationTimestamp").context("a time")?;
            keys.insert(created, text("/data/tls.crt").context("a certificate")?);
        }
        let (created, newest) = keys.pop_last().context("a key")?;
        let file = self.cluster.state().join(format!("{created}.crt"));
        std::fs::write(&file, STANDARD.decode(newest)?)?;
        *self.certificate.lock().unwrap_or_else(PoisonError::into_inner) = file;
        Ok(())
    }

    /// Holds it still for as long as the answer lives; what it has begun is done by then.
    pub(super) fn hold(&self) -> MutexGuard<'_, ()> {
        self.floor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many SealedSecrets were deleted.
    pub(super) fn deleted(&self) -> usize {
        self.deleted.load(Ordering::Relaxed)
    }

    /// Goes on until `stop`.
    pub(super) fn run(&self, seed: u64, stop: &AtomicBool) -> Result<()> {
        let mut random = StdRng::seed_from_u64(seed);
        while !stop.load(Ordering::Relaxed) {
            let floor = self.hold();
            self.step(&mut random, stop)?;
            drop(floor);
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn step(&self, random: &mut StdRng, stop: &AtomicBool) -> Result<()> {
        let mut chosen = (0..OBJECTS).choose_multiple(random, EDITED + 2);
        let (gone, stripped) = (random.gen_bool(0.3), random.gen_bool(0.3));
        let names: Vec<String> = chosen.drain(..).map(|number| format!("s-{number}")).collect();
        let [delete, strip, edit @ ..] = names.as_slice() else {
            anyhow::bail!("too few objects");
        };
        if gone {
            self.delete(delete, stop)?;
        }
        if stripped {
            self.book.open().change(strip);
            self.until_done(
                stop,
                &[
                    "delete",
                    "secret",
                    strip,
                    "-n",
                    SPACE,
                    "--ignore-not-found",
                    "--wait=false",
                ],
                "",
            )?;
        }
        self.edit(edit, stop)
    }

    fn delete(&self, name: &str, stop: &AtomicBool) -> Result<()> {
        self.book.open().change(name).current = None;
        self.deleted.fetch_add(1, Ordering::Relaxed);
        // Kubernetes collects the Secret as well, but after a fault only when its own pauses are over.
        for kind in ["sealedsecret", "secret"] {
            self.until_done(stop, &["delete", kind, name, "-n", SPACE, "--ignore-not-found"], "")?;
        }
        Ok(())
    }

    /// Gives each of these a new value.
    pub(super) fn edit(&self, names: &[String], stop: &AtomicBool) -> Result<()> {
        let secrets: String = names
            .iter()
            .map(|name| {
                let value = self.book.open().edit(name).to_string();
                let secret = json!({
                    "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": SPACE},
                    "stringData": {"a": value, "b": value},
                });
                format!("{secret}\n")
            })
            .collect();
        let certificate = self
            .certificate
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .display()
            .to_string();
        let sealed = self
            .cluster
            .kubeseal(Implementation::Ours, &["--cert", &certificate], &secrets)?
            .success()?;
        self.until_done(
            stop,
            &["apply", "--server-side", "--force-conflicts", "-f", "-"],
            &sealed.stdout,
        )
    }

    /// A command of the administrator's, again and again until it succeeds.
    fn until_done(&self, stop: &AtomicBool, command: &[&str], input: &str) -> Result<()> {
        eventually(PATIENCE, "success", || {
            if stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let mut timed = vec!["--request-timeout=10s"];
            timed.extend(command);
            self.cluster.kubectl_input(&timed, input)?.success().map(drop)
        })
    }
}
