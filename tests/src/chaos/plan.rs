//! Which faults come when: a sequence that follows from a seed alone.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Nothing but the kills.
    KillsAlone,
    /// The API server is killed, and started again.
    ApiServerKilled,
    /// The API server is killed, and before it starts again its history is compacted away: watches end with 410.
    HistoryCompacted,
    /// The API server is paused (SIGSTOP).
    ApiServerPaused,
    /// etcd is killed, and started again.
    EtcdKilled,
    /// etcd is paused.
    EtcdPaused,
    /// etcd's disk is full: all writes are refused.
    DiskFull,
    /// Requests take up to some seconds.
    Slow,
    /// Requests are answered 429, with Retry-After.
    TooManyRequests,
    /// Requests are answered 500.
    InternalError,
    /// Writes are answered 409.
    Conflict,
    /// Watches are answered 410.
    Gone,
    /// Writes take effect, and instead of the answer the connection is reset.
    AnswersLost,
    /// All connections that there are are reset.
    ConnectionsCut,
    /// Open connections fall silent and stay open.
    ConnectionsSilent,
    /// The leader is cut off from the API server for longer than its Lease.
    LeaderPartitioned,
    /// The leader is paused for longer than its Lease: when it comes to, there are two.
    LeaderPaused,
    /// The service account's token is renewed; the former is refused a while later.
    TokenRenewed,
    /// The API server's certificate is renewed.
    CertificateRenewed,
    /// A new sealing key is asked for.
    KeyRenewed,
    /// The controllers' wall clock goes ahead, by hours or days.
    ClockAhead,
    /// It goes back.
    ClockBack,
}

impl Fault {
    /// Each kind once.
    pub const ALL: [Fault; 22] = [
        Fault::KillsAlone,
        Fault::ApiServerKilled,
        Fault::HistoryCompacted,
        Fault::ApiServerPaused,
        Fault::EtcdKilled,
        Fault::EtcdPaused,
        Fault::DiskFull,
        Fault::Slow,
        Fault::TooManyRequests,
        Fault::InternalError,
        Fault::Conflict,
        Fault::Gone,
        Fault::AnswersLost,
        Fault::ConnectionsCut,
        Fault::ConnectionsSilent,
        Fault::LeaderPartitioned,
        Fault::LeaderPaused,
        Fault::TokenRenewed,
        Fault::CertificateRenewed,
        Fault::KeyRenewed,
        Fault::ClockAhead,
        Fault::ClockBack,
    ];

    /// How long it lasts, in seconds: from, to.
    fn lasts(self) -> (u64, u64) {
        match self {
            Fault::LeaderPartitioned | Fault::LeaderPaused => (14, 20),
            Fault::KillsAlone | Fault::Slow => (6, 15),
            _ => (3, 10),
        }
    }

    /// Whether replicas are killed during the fault. Not where the round waits for a new key or for a paused replica.
    fn has_kills(self) -> bool {
        !matches!(self, Fault::KeyRenewed | Fault::LeaderPaused)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A `kill -9` of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// How long after the fault began.
    pub after: Duration,
    /// Which replica.
    pub replica: usize,
    /// How long until it is started again.
    pub away: Duration,
}

/// One fault, and the replicas killed during it.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The fault.
    pub fault: Fault,
    /// How long it lasts.
    pub lasts: Duration,
    /// Whether it hits both replicas, or the leader alone; where that makes a difference.
    pub both: bool,
    /// How much of it, 0 to 1: the share of refused requests, the length of pauses, the size of a jump.
    pub strength: f64,
    /// The kills, in their order.
    pub kills: Vec<Kill>,
}

/// The rounds, without end: each kind once in random order, and again.
#[derive(Debug)]
pub struct Plan {
    random: StdRng,
    bag: Vec<Fault>,
}

impl Plan {
    /// The same seed gives the same rounds.
    pub fn new(seed: u64) -> Plan {
        Plan {
            random: StdRng::seed_from_u64(seed),
            bag: Vec::new(),
        }
    }

    fn kills(&mut self, fault: Fault, lasts: Duration) -> Vec<Kill> {
        let longest = lasts.as_millis().try_into().unwrap_or(u64::MAX);
        let count = match fault {
            Fault::KillsAlone => 4,
            _ if fault.has_kills() => self.random.gen_range(0..=3),
            _ => 0,
        };
        let mut kills: Vec<Kill> = (0..count)
            .map(|_| Kill {
                after: Duration::from_millis(self.random.gen_range(0..longest)),
                replica: self.random.gen_range(0..2),
                away: Duration::from_millis([0, 0, 0, 2500].choose(&mut self.random).copied().unwrap_or(0)),
            })
            .collect();
        kills.sort_by_key(|kill| kill.after);
        kills
    }
}

impl Iterator for Plan {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        if self.bag.is_empty() {
            self.bag = Fault::ALL.to_vec();
            self.bag.shuffle(&mut self.random);
        }
        let fault = self.bag.pop()?;
        let (from, to) = fault.lasts();
        let lasts = Duration::from_millis(self.random.gen_range(from * 1000..=to * 1000));
        let kills = self.kills(fault, lasts);
        Some(Round {
            fault,
            lasts,
            both: self.random.gen_bool(0.7),
            strength: self.random.gen_range(0.2..1.0),
            kills,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_sequence_in_which_every_kind_comes() {
        let rounds = |seed| Plan::new(seed).take(Fault::ALL.len()).collect::<Vec<_>>();
        assert_eq!(rounds(7), rounds(7));
        assert_ne!(rounds(7), rounds(8));
        let mut kinds: Vec<_> = rounds(7).iter().map(|round| round.fault).collect();
        kinds.sort();
        assert_eq!(kinds, Fault::ALL);
        let kills: usize = rounds(7).iter().map(|round| round.kills.len()).sum();
        assert!(kills >= 20, "{kills}");
    }
}
