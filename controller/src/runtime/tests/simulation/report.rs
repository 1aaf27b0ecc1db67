//! What was seen of a simulation.

use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::time::Instant;

use super::server::{Counts, Server};

/// What is measured from now on.
pub(super) struct Meter {
    what: &'static str,
    server: Server,
    begun: Instant,
    /// Bytes in use, without the server's.
    before: usize,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Measured {
    pub what: &'static str,
    pub time: Duration,
    pub most_waiting: usize,
    counts: Counts,
    /// From objects that were made meanwhile to their Secrets, the longest last.
    pub waits: Vec<Option<Duration>>,
    /// Bytes of the heap that were in use before, are in use now, and were at the peak; without the server's.
    kept: [usize; 3],
}

fn in_use(server: &Server) -> usize {
    PeakAlloc.current_usage().saturating_sub(server.size())
}

impl Meter {
    pub(super) fn start(what: &'static str, server: &Server) -> Self {
        server.take_counts();
        PeakAlloc.reset_peak_usage();
        Self {
            what,
            server: server.clone(),
            begun: Instant::now(),
            before: in_use(server),
        }
    }

    pub(super) fn stop(self, most_waiting: usize) -> Measured {
        let peak = PeakAlloc.peak_usage().saturating_sub(self.server.size());
        let mut waits = self.server.waits();
        // `None`, which has not ended, is the longest.
        waits.sort_by_key(|wait| wait.unwrap_or(Duration::MAX));
        Measured {
            what: self.what,
            time: self.begun.elapsed(),
            most_waiting,
            counts: self.server.take_counts(),
            waits,
            kept: [self.before, in_use(&self.server), peak],
        }
    }
}

impl Measured {
    /// Requests of this kind.
    pub(super) fn count(&self, what: &str) -> usize {
        self.counts.0.get(what).copied().unwrap_or_default()
    }

    /// Requests of all kinds.
    pub(super) fn requests(&self) -> usize {
        let all = self.counts.0.iter().filter(|(what, _)| **what != "refused for now");
        all.map(|(_, count)| count).sum()
    }
}

/// Prints a row for each. Bytes are of the heap.
pub(super) fn print(rows: &[Measured], objects: usize) {
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!(
        "| {objects} objects | s | requests | a second | most that wait | heap before, MiB | after | at the peak | bytes an object |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let [before, after, peak] = row.kept;
        let seconds = row.time.as_secs_f64();
        println!(
            "| {} | {seconds:.1} | {} | {:.0} | {} | {:.1} | {:.1} | {:.1} | {} |",
            row.what,
            row.requests(),
            row.requests() as f64 / seconds,
            row.most_waiting,
            mib(before),
            mib(after),
            mib(peak),
            after.saturating_sub(before) / objects,
        );
    }
    for row in rows {
        let mut counts: Vec<_> = row
            .counts
            .0
            .iter()
            .map(|(what, count)| format!("{what} {count}"))
            .collect();
        counts.sort();
        println!("{}: {}", row.what, counts.join(", "));
    }
    if let Some(cold) = rows.first()
        && let (Some(middle), Some(longest)) = (cold.waits.get(cold.waits.len() / 2), cold.waits.last())
    {
        println!("another tenant's new objects during the cold start: p50 {middle:?}, the longest {longest:?}");
    }
}
