//! A relay between a replica and the API server, which plays faults on order.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::peers;
use crate::process::Process;

const RELAY: &str = include_str!("relay.py");
/// Longer than it takes a relay to read its orders again.
const READ: Duration = Duration::from_millis(200);

/// A relay while it runs.
#[derive(Debug)]
pub struct Relay {
    _process: Process,
    file: PathBuf,
    orders: Mutex<Value>,
    /// Where it listens, on the cluster's address.
    pub port: u16,
}

impl Relay {
    /// One for that replica; of its chances, each seed has others.
    pub fn open(cluster: &Cluster, replica: usize, seed: u64) -> Result<Relay> {
        let file = cluster.state().join(format!("relay-{replica}.json"));
        let orders = json!({
            "age": 0, "cut": 0, "partition": false, "silent": null, "code": null, "share": 0, "delay": 0, "lost": 0, "certificate": 0,
            "refused_tokens": [],
        });
        std::fs::write(&file, orders.to_string())?;
        let (host, target) = cluster.api_server_address();
        let port = 16443 + 10 * u16::try_from(replica)?;
        let process = cluster
            .launch(&format!("relay-{replica}"), peers::python()?)
            .args(["-c", RELAY, &host.to_string(), &port.to_string(), &target.to_string()])
            .args([&replica.to_string(), &seed.to_string()])
            .arg(cluster.state())
            .spawn()?;
        cluster.eventually(Duration::from_secs(30), "relay", || {
            process.check_running()?;
            ensure!(process.log()?.contains("listens"));
            Ok(())
        })?;
        Ok(Relay {
            _process: process,
            file,
            orders: Mutex::new(orders),
            port,
        })
    }

    /// Changes the orders, and waits until they are in force.
    pub fn order(&self, change: impl FnOnce(&mut Value)) -> Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut orders);
        let new = self.file.with_extension("new");
        std::fs::write(&new, orders.to_string())?;
        std::fs::rename(new, &self.file)?;
        std::thread::sleep(READ);
        Ok(())
    }
}
