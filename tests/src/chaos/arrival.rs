//! Whether every value that was asked for has arrived.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::SPACE;
use super::book::Book;
use super::observer::value_of;
use crate::cluster::Cluster;

/// Waits until every Secret has the value that its object was given last; gives how long that took, or what is missing.
pub fn await_values(cluster: &Cluster, book: &Book, within: Duration) -> Result<Duration, String> {
    let start = Instant::now();
    loop {
        let missing = match missing(cluster, book) {
            Ok(missing) if missing.is_empty() => return Ok(start.elapsed()),
            Ok(missing) => missing.join(", "),
            Err(error) => format!("{error:#}"),
        };
        if start.elapsed() > within {
            return Err(missing);
        }
        thread::sleep(Duration::from_millis(250));
    }
}

fn missing(cluster: &Cluster, book: &Book) -> Result<Vec<String>> {
    let found = list(cluster, "secrets")?;
    let pages = book.open();
    let wanted = pages
        .objects
        .iter()
        .filter_map(|(name, object)| Some((name, object.current?)));
    Ok(wanted
        .filter_map(|(name, value)| match found.get(name).map(value_of) {
            Some(Ok(found)) if found == value => None,
            found => Some(format!("{name} has {found:?} in place of {value}")),
        })
        .collect())
}

/// The objects of a kind in [`SPACE`], by name.
pub(super) fn list(cluster: &Cluster, kind: &str) -> Result<BTreeMap<String, Value>> {
    let list = cluster.get_json(&[kind, "-n", SPACE, "--request-timeout=10s"])?;
    let items = list.get("items").and_then(Value::as_array).context("a list")?;
    let name = |item: &Value| Some(item.pointer("/metadata/name")?.as_str()?.to_owned());
    Ok(items
        .iter()
        .filter_map(|item| Some((name(item)?, item.clone())))
        .collect())
}
