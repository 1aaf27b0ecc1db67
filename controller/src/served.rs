//! Which namespaces are served: all, those that are listed, and those with certain labels, which come and go.

use std::collections::{HashMap, HashSet};

use crds::{Lenient, SealedSecret};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher;
use kube::{Api, Client, Resource as _};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::info;

use crate::error::ApiFailure;
use crate::relist;
use crate::settings::ServedScope;
use crate::settings::WATCH_SECONDS;
use crate::watch::{Trouble, Watches};

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
pub(crate) async fn fill(watches: Watches, listed: Vec<Option<String>>, selector: Option<String>) {
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
        while let Some(event) = stream.next().await {
            match event {
                Ok(watcher::Event::Init) => found.clear(),
                Ok(watcher::Event::InitApply(namespace)) => {
                    found.insert(name_of(&namespace));
                    self.begin(name_of(&namespace));
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
                    tell_when_full(
                        self.served.values().map(|(_, full)| full.clone()).collect(),
                        done.clone(),
                    );
                }
                Ok(watcher::Event::Apply(namespace)) => {
                    trouble.ends();
                    self.begin(name_of(&namespace));
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

    fn begin(&mut self, name: String) {
        if self.listed.contains(&name) || self.served.contains_key(&name) {
            return;
        }
        info!(namespace = name, "the namespace has the labels: it is served");
        let mut tasks = JoinSet::new();
        let full = self.watches.begin(Some(&name), &mut tasks);
        self.served.insert(name, (tasks, full));
    }

    /// What is in the namespace stays as it is.
    async fn end(&mut self, name: &str) {
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
