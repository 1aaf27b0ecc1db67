//! Feeds the observer with a watch of the Secrets and the lines of the API server's audit log.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use serde_json::Value;

use super::SPACE;
use super::book::Book;
use super::observer::Observer;
use crate::cluster::Cluster;
use crate::implementation::NAMESPACE;
use crate::peers;
use crate::process::Process;

const EYES: &str = include_str!("eyes.py");
/// The delay that the audit log may have.
const LATE: Duration = Duration::from_secs(5);

/// A file that grows, read line by line.
#[derive(Debug)]
struct Tail {
    file: PathBuf,
    at: u64,
    rest: Vec<u8>,
}

impl Tail {
    fn new(file: PathBuf) -> Tail {
        Tail {
            file,
            at: 0,
            rest: Vec::new(),
        }
    }

    /// The objects of the lines that have come since the last time.
    fn lines(&mut self) -> Vec<Value> {
        // It is there a moment later, or is just being exchanged for an empty one.
        let Ok(mut file) = File::open(&self.file) else {
            return Vec::new();
        };
        if file.metadata().is_ok_and(|found| found.len() < self.at) {
            self.at = 0;
        }
        let mut new = Vec::new();
        if file.seek(SeekFrom::Start(self.at)).is_err() || file.read_to_end(&mut new).is_err() {
            return Vec::new();
        }
        self.at += new.len() as u64;
        self.rest.append(&mut new);
        let whole = self
            .rest
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        let lines = lines.split(|byte| *byte == b'\n');
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// The observer, and the sources that feed it.
#[derive(Debug)]
pub struct Eyes {
    process: Process,
    told: Mutex<(Tail, Tail, Observer)>,
}

impl Eyes {
    /// Begins to look at the Secrets of [`SPACE`] and at the keys.
    pub fn open(cluster: &Cluster) -> Result<Eyes> {
        let (host, port) = cluster.api_server_address();
        let process = cluster
            .launch("eyes", peers::python()?)
            .args(["-c", EYES, &host.to_string(), &port.to_string()])
            .arg(cluster.ca_certificate())
            .args([&cluster.admin_token()?, SPACE, NAMESPACE])
            .spawn()?;
        let seen = Tail::new(process.log_file().to_owned());
        let heard = Tail::new(cluster.audit_log());
        Ok(Eyes {
            process,
            told: Mutex::new((seen, heard, Observer::default())),
        })
    }

    fn told(&self) -> MutexGuard<'_, (Tail, Tail, Observer)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what is new, and judges what can be judged.
    pub fn look(&self, book: &Book) -> Result<()> {
        self.process.check_running()?;
        let mut told = self.told();
        let (seen, heard, observer) = &mut *told;
        seen.lines().iter().for_each(|line| observer.see(line, book));
        heard.lines().iter().for_each(|event| observer.hear(event));
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
        observer.judge_writers(now.saturating_sub(LATE).as_secs_f64());
        observer.judge_bounds(book);
        Ok(())
    }

    /// The violations so far.
    pub fn violations(&self) -> Vec<String> {
        self.told().2.violations.clone()
    }

    /// Adds something that only the whole run can see.
    pub fn accuse(&self, violation: String) {
        self.told().2.violations.push(violation);
    }

    /// Asks the observer.
    pub(super) fn ask<T>(&self, question: impl FnOnce(&Observer) -> T) -> T {
        question(&self.told().2)
    }
}
