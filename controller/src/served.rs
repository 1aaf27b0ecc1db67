//! Which namespaces are served: all, those that are listed, and those with certain labels, which come and go.

mod turns;

use std::collections::{HashMap, HashSet};

use connection::multiplexed;
use crds::{Lenient, SealedSecret};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use crate::error::ApiFailure;
use crate::relist;
use crate::settings::ServedScope;
use crate::settings::WATCH_SECONDS;
use crate::watch::{Trouble, Watches};
use turns::Turns;

/// Labelled namespaces that are served at a time, where there are files for them.
const MOST_LABELLED: u64 = 4096;
/// Namespaces that a message names.
const NAMED: usize = 10;

/// How many labelled namespaces are served at a time.
#[derive(Debug, Clone)]
pub(crate) struct Capacity {
    /// Files that are left for their watches.
    pub files: u64,
    /// Whether each watch takes a file.
    pub watches_alone: watch::Receiver<bool>,
}

impl Capacity {
    fn namespaces(&self) -> usize {
        let watches_a_file = match *self.watches_alone.borrow() {
            true => 1,
            false => multiplexed::ANSWERS as u64,
        };
        let namespaces = self.files.saturating_mul(watches_a_file) / 2;
        usize::try_from(namespaces.min(MOST_LABELLED)).unwrap_or(usize::MAX)
    }
}

/// The namespaces that are served whatever their labels are; `None` alone: all of them.
pub(crate) fn listed(scope: &ServedScope, own: &str) -> Vec<Option<String>> {
    match &scope.additional_namespaces {
        None => vec![None],
        Some(listed) => {
            let mut all = listed.clone();
            all.insert(own.to_owned());
            all.into_iter().map(Some).collect()
        }
    }
}

/// Where SealedSecrets may be listed: in all namespaces, or in the first of those that are served.
pub(crate) fn first_of(listed: &[Option<String>], client: &Client) -> Api<Lenient<PartialObjectMeta<SealedSecret>>> {
    match listed.first() {
        Some(Some(namespace)) => Api::namespaced(client.clone(), namespace),
        _ => Api::all(client.clone()),
    }
}

/// Starts the watches and waits until the index is full.
pub(crate) async fn fill(watches: Watches, listed: Vec<Option<String>>, selector: Option<String>, capacity: Capacity) {
    let mut tasks = JoinSet::new();
    let mut full: Vec<_> = listed
        .iter()
        .map(|namespace| watches.begin(namespace.as_deref(), &mut tasks))
        .collect();
    if let Some(selector) = selector {
        let (sender, receiver) = watch::channel(false);
        let labelled = Labelled {
            watches,
            listed: listed.into_iter().flatten().collect(),
            served: HashMap::new(),
            turns: Turns::default(),
            capacity,
            named_beyond: 0,
        };
        tasks.spawn(labelled.follow(selector, sender));
        full.push(receiver);
    }
    // They go on for as long as the process.
    tasks.detach_all();
    for receiver in &mut full {
        until_true(receiver).await;
    }
}

async fn until_true(receiver: &mut watch::Receiver<bool>) {
    // A watch never ends, so neither does its sender.
    let _ = receiver.wait_for(|listed| *listed).await;
}

/// The namespaces with certain labels.
struct Labelled {
    watches: Watches,
    /// Those that are served without labels.
    listed: HashSet<String>,
    /// The watches of each, and what becomes true when they have listed what there is.
    served: HashMap<String, (JoinSet<()>, watch::Receiver<bool>)>,
    /// Those that are not served yet.
    turns: Turns,
    capacity: Capacity,
    /// How many there were beyond the capacity when that was reported.
    named_beyond: usize,
}

impl Labelled {
    /// Serves the namespaces that `selector` names, as they come and go. `done` becomes true when those that there are at first
    /// have been listed, or may not be: others are served meanwhile.
    async fn follow(mut self, selector: String, done: watch::Sender<bool>) {
        let api: Api<Lenient<PartialObjectMeta<Namespace>>> = Api::all(self.watches.client.clone());
        let config = watcher::Config::default().labels(&selector).timeout(WATCH_SECONDS);
        let mut stream = std::pin::pin!(relist::follow(api, config, self.watches.relists.clone()));
        let mut trouble = Trouble::new("Namespaces", None);
        let mut found = HashSet::new();
        loop {
            self.begin_next();
            let due = self.turns.next_due(Instant::now());
            let event = tokio::select! {
                event = stream.next() => event,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => continue,
            };
            let Some(event) = event else { break };
            match event {
                Ok(watcher::Event::Init) => found.clear(),
                Ok(watcher::Event::InitApply(namespace)) => {
                    found.insert(name_of(&namespace));
                    self.appears(name_of(&namespace));
                }
                Ok(watcher::Event::InitDone) => {
                    trouble.ends();
                    let gone: Vec<_> = self
                        .served
                        .keys()
                        .filter(|name| !found.contains(*name))
                        .cloned()
                        .collect();
                    for name in gone {
                        self.end(&name).await;
                    }
                    self.turns.retain(&found);
                    self.begin_next();
                    tell_when_full(
                        self.served.values().map(|(_, full)| full.clone()).collect(),
                        done.clone(),
                    );
                }
                Ok(watcher::Event::Apply(namespace)) => {
                    trouble.ends();
                    self.appears(name_of(&namespace));
                }
                Ok(watcher::Event::Delete(namespace)) => self.end(&name_of(&namespace)).await,
                Err(error) => {
                    let failure = ApiFailure::from(error);
                    if matches!(failure, ApiFailure::Denied(_)) {
                        done.send_replace(true);
                    }
                    trouble.begins(&failure);
                }
            }
        }
    }

    fn appears(&mut self, name: String) {
        if !self.listed.contains(&name) && !self.served.contains_key(&name) {
            self.turns.appears(name);
        }
    }

    /// Serves those whose turn it is.
    fn begin_next(&mut self) {
        let now = Instant::now();
        self.turns.forget_quiet(now);
        while self.served.len() < self.capacity.namespaces() {
            let Some(name) = self.turns.begin(now) else { break };
            info!(namespace = name, "the namespace has the labels: it is served");
            let mut tasks = JoinSet::new();
            let full = self.watches.begin(Some(&name), &mut tasks);
            self.served.insert(name, (tasks, full));
        }
        self.report_beyond(now);
    }

    /// Names those that there is no room for, again when they have become twice as many.
    fn report_beyond(&mut self, now: Instant) {
        let beyond = match self.served.len() < self.capacity.namespaces() {
            true => Vec::new(),
            false => self.turns.beyond(now),
        };
        if beyond.len() > 2 * self.named_beyond {
            warn!(
                namespaces = beyond.iter().take(NAMED).copied().collect::<Vec<_>>().join(","),
                "{} labelled namespaces are served, and {} more are not: raise the limit on open files (ulimit -n), at most {MOST_LABELLED} \
                 are served, or serve all namespaces",
                self.served.len(),
                beyond.len(),
            );
            self.named_beyond = beyond.len();
        } else if beyond.is_empty() {
            self.named_beyond = 0;
        }
    }

    /// What is in the namespace stays as it is.
    async fn end(&mut self, name: &str) {
        self.turns.goes(name);
        if let Some((mut tasks, _)) = self.served.remove(name) {
            info!(
                namespace = name,
                "the namespace is gone, or has the labels no more: it is served no more"
            );
            // What they would still put into the index would stay there.
            tasks.shutdown().await;
            self.watches.leave(name);
        }
    }
}

fn name_of(namespace: &Lenient<PartialObjectMeta<Namespace>>) -> String {
    namespace.meta().name.clone().unwrap_or_default()
}

fn tell_when_full(mut full: Vec<watch::Receiver<bool>>, done: watch::Sender<bool>) {
    if !*done.borrow() {
        tokio::spawn(async move {
            for receiver in &mut full {
                until_true(receiver).await;
            }
            done.send_replace(true);
        });
    }
}
