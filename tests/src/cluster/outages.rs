//! Programs of the control plane that are stopped, paused, and full.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use super::{Cluster, programs};
use crate::output::run;
use crate::process::Process;

/// Asks etcd over HTTP: `compact`, which makes it forget all but the last revision, or `full` and `room`, which set and take
/// back the alarm that it raises when its quota of disk is used up.
const ASK_ETCD: &str = r#"
import json, sys, urllib.request
def post(path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}{path}", json.dumps(body).encode())
    return json.load(urllib.request.urlopen(request, timeout=10))
if sys.argv[2] == "compact":
    revision = post("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
    post("/v3/kv/compaction", {"revision": revision, "physical": True})
else:
    member = post("/v3/maintenance/status", {})["header"]["member_id"]
    action = "ACTIVATE" if sys.argv[2] == "full" else "DEACTIVATE"
    post("/v3/maintenance/alarm", {"action": action, "memberID": member, "alarm": "NOSPACE"})
"#;

fn signal(program: &Mutex<Option<Process>>, signal: &str) -> Result<()> {
    let program = program.lock().unwrap_or_else(PoisonError::into_inner);
    program.as_ref().context("it does not run")?.signal(signal)
}

impl Cluster {
    /// Ends etcd at once.
    pub fn stop_etcd(&self) -> Result<()> {
        let etcd = self.etcd.lock().unwrap_or_else(PoisonError::into_inner).take();
        etcd.context("etcd is stopped already")?.kill()?;
        Ok(())
    }

    /// Starts etcd again, on the data that there are.
    pub fn start_etcd(&self) -> Result<()> {
        let started = programs::etcd(&self.network, self.state(), &self.peers, self.ports)?.spawn()?;
        *self.etcd.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        Ok(())
    }

    /// Sends a signal to the API server.
    pub fn signal_apiserver(&self, name: &str) -> Result<()> {
        signal(&self.api_server, name)
    }

    /// Sends a signal to etcd.
    pub fn signal_etcd(&self, name: &str) -> Result<()> {
        signal(&self.etcd, name)
    }

    /// Has etcd forget all but the last revision.
    pub fn compact_etcd(&self) -> Result<()> {
        self.ask_etcd("compact")
    }

    /// Has etcd refuse what would take room, as it does when its disk is full; or take it again.
    pub fn fill_etcd(&self, full: bool) -> Result<()> {
        self.ask_etcd(if full { "full" } else { "room" })
    }

    fn ask_etcd(&self, what: &str) -> Result<()> {
        let port = self.ports.etcd.to_string();
        run(self.command("python3").args(["-c", ASK_ETCD, &port, what]))?
            .success()
            .map(drop)
    }
}
