//! How each fault is begun and ended.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::book::Book;
use super::load::Load;
use super::plan::{Fault, Round};
use super::replicas::Replicas;
use crate::cluster::Cluster;

/// How long a renewed token's predecessor goes on to be taken. kubelet renews at four fifths of a token's time; programs read
/// the file again within a minute.
const TOKEN_OVERLAP: Duration = Duration::from_secs(90);
/// How much later an answer comes, at the most, in seconds.
const LATEST: f64 = 5.0;
/// The farthest jump of a clock, in seconds: days, but fewer than a key lives.
const FARTHEST: f64 = 20.0 * 86_400.0;

/// The targets of the faults.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    /// The control plane.
    pub(super) cluster: &'a Cluster,
    /// The replicas.
    pub(super) replicas: &'a Replicas<'a>,
    /// What changes at the same time.
    pub(super) load: &'a Load<'a>,
    /// The expected state.
    pub(super) book: &'a Book,
    /// Tokens that are refused from then on.
    pub(super) former: Mutex<Vec<(Instant, String)>>,
}

impl Scene<'_> {
    /// Whom it hits.
    pub(super) fn targets(&self, round: &Round) -> Result<Vec<usize>> {
        let leader = || self.replicas.leader();
        Ok(match round.fault {
            Fault::LeaderPartitioned | Fault::LeaderPaused | Fault::KeyRenewed => vec![leader()?],
            _ if round.both => vec![0, 1],
            _ => vec![leader()?],
        })
    }

    /// Begins it.
    pub(super) fn begin(&self, round: &Round, targets: &[usize]) -> Result<()> {
        match round.fault {
            Fault::KillsAlone => Ok(()),
            Fault::ApiServerKilled => self.cluster.stop_apiserver(),
            Fault::HistoryCompacted => {
                self.cluster.stop_apiserver()?;
                self.cluster.compact_etcd()
            }
            Fault::ApiServerPaused => self.cluster.signal_apiserver("STOP"),
            Fault::EtcdKilled => self.cluster.stop_etcd(),
            Fault::EtcdPaused => self.cluster.signal_etcd("STOP"),
            Fault::DiskFull => self.cluster.fill_etcd(true),
            Fault::LeaderPaused => self.signal(targets, "STOP"),
            Fault::TokenRenewed => self.renew_tokens(targets),
            Fault::KeyRenewed => self.renew_key(targets),
            Fault::ClockAhead => self.put_clocks(targets, round.strength * FARTHEST),
            Fault::ClockBack => {
                // Every key is then one from the future, which does not stay the only one.
                self.book.open().keys += 1;
                self.put_clocks(targets, -round.strength * FARTHEST)
            }
            _ => self.order(round, targets),
        }
    }

    /// Ends it.
    pub(super) fn end(&self, round: &Round, targets: &[usize]) -> Result<()> {
        self.undo(round, targets)?;
        match round.fault {
            Fault::ApiServerKilled
            | Fault::HistoryCompacted
            | Fault::ApiServerPaused
            | Fault::EtcdKilled
            | Fault::EtcdPaused
            | Fault::DiskFull => self.cluster.restart_controller_manager(),
            _ => Ok(()),
        }
    }

    fn undo(&self, round: &Round, targets: &[usize]) -> Result<()> {
        match round.fault {
            Fault::ApiServerKilled | Fault::HistoryCompacted => self.cluster.start_apiserver(),
            Fault::ApiServerPaused => self.cluster.signal_apiserver("CONT"),
            Fault::EtcdKilled => self.cluster.start_etcd(),
            Fault::EtcdPaused => self.cluster.signal_etcd("CONT"),
            Fault::DiskFull => self.cluster.fill_etcd(false),
            Fault::LeaderPaused => self.signal(targets, "CONT"),
            Fault::ClockAhead | Fault::ClockBack => self.put_clocks(targets, 0.0),
            _ => self.replicas.relays(&[0, 1])?.into_iter().try_for_each(|relay| {
                relay.order(|orders| {
                    for (order, nothing) in [
                        ("partition", json!(false)),
                        ("code", Value::Null),
                        ("delay", json!(0)),
                        ("lost", json!(0)),
                    ] {
                        put(orders, order, nothing);
                    }
                })
            }),
        }
    }

    fn signal(&self, targets: &[usize], name: &str) -> Result<()> {
        targets
            .iter()
            .try_for_each(|number| self.replicas.signal(*number, name))
    }

    /// The orders for the relays.
    fn order(&self, round: &Round, targets: &[usize]) -> Result<()> {
        let code = match round.fault {
            Fault::TooManyRequests => 429,
            Fault::InternalError => 500,
            Fault::Conflict => 409,
            _ => 410,
        };
        for relay in self.replicas.relays(targets)? {
            relay.order(|orders| match round.fault {
                Fault::Slow => put(orders, "delay", json!(round.strength * LATEST)),
                Fault::AnswersLost => put(orders, "lost", json!(round.strength)),
                Fault::ConnectionsCut => count(orders, "cut"),
                Fault::ConnectionsSilent => count(orders, "age"),
                Fault::LeaderPartitioned => put(orders, "partition", json!(true)),
                Fault::CertificateRenewed => {
                    let other = 1 - orders.get("certificate").and_then(Value::as_u64).unwrap_or(0).min(1);
                    put(orders, "certificate", json!(other));
                    count(orders, "cut");
                }
                _ => {
                    put(orders, "code", json!(code));
                    put(orders, "share", json!(round.strength));
                }
            })?;
        }
        Ok(())
    }

    fn put_clocks(&self, targets: &[usize], off: f64) -> Result<()> {
        // Whole seconds.
        #[allow(clippy::cast_possible_truncation, reason = "days in seconds")]
        let off = off as i64;
        targets
            .iter()
            .try_for_each(|number| self.replicas.put_clock(*number, off))
    }

    fn renew_tokens(&self, targets: &[usize]) -> Result<()> {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        for number in targets {
            former.push((Instant::now() + TOKEN_OVERLAP, self.replicas.renew_token(*number)?));
        }
        Ok(())
    }

    /// Refuses the tokens whose time is over.
    pub(super) fn refuse_former_tokens(&self) -> Result<()> {
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        let (due, later): (Vec<_>, Vec<_>) = former.drain(..).partition(|(due, _)| *due <= Instant::now());
        *former = later;
        if due.is_empty() {
            return Ok(());
        }
        self.replicas.relays(&[0, 1])?.into_iter().try_for_each(|relay| {
            relay.order(|orders| {
                let refused = orders.get_mut("refused_tokens").and_then(Value::as_array_mut);
                refused.into_iter().for_each(|refused| {
                    refused.extend(due.iter().map(|(_, token)| json!(token)));
                });
            })
        })
    }

    /// Asks the leader for a new key, waits until it is there, and seals for it from then on.
    fn renew_key(&self, targets: &[usize]) -> Result<()> {
        let count = || -> Result<usize> {
            let keys = self.cluster.key_secrets()?;
            Ok(keys.get("items").and_then(Value::as_array).context("a list")?.len())
        };
        let before = self
            .cluster
            .eventually(Duration::from_secs(60), "list of keys", count)?;
        self.book.open().keys += 1;
        // Certificates count in seconds, and a key becomes current only when it is newer.
        std::thread::sleep(Duration::from_millis(1100));
        self.signal(targets, "USR1")?;
        self.cluster.eventually(Duration::from_secs(60), "new key", || {
            anyhow::ensure!(count()? > before, "{before} keys");
            Ok(())
        })?;
        self.load.take_newest_key()
    }
}

fn put(orders: &mut Value, order: &str, to: Value) {
    if let Some(orders) = orders.as_object_mut() {
        orders.insert(order.to_owned(), to);
    }
}

fn count(orders: &mut Value, order: &str) {
    let next = orders.get(order).and_then(Value::as_u64).unwrap_or(0) + 1;
    put(orders, order, json!(next));
}
