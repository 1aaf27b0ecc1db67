//! A relay between the controller and the API server, which misbehaves as a test tells it to.

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::peers;
use harness::process::Process;

use crate::fixture::SOON;

/// Where a relay listens, at the API server's address.
pub(crate) const PORT: u16 = 16443;

/// The part that all relays share. A script after it handles connections, and ends with `serve`.
const COMMON: &str = r#"
import signal, socket, ssl, sys, threading
host, port, target = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])

# Passes on what comes until one side ends, then ends both; `passes` says of a chunk whether it is passed on.
def pump(source, sink, passes=lambda chunk: True, ended=lambda: None):
    try:
        while chunk := source.recv(1 << 16):
            if passes(chunk):
                sink.sendall(chunk)
        ended()
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

def begin(job, *args):
    threading.Thread(target=job, args=args, daemon=True).start()

def join(client, api_server, *how):
    begin(pump, client, api_server, *how)
    begin(pump, api_server, client, *how)

# Calls `accepted` with each connection, in a thread of its own.
def serve(accepted):
    with socket.create_server((host, port)) as server:
        print("listens", flush=True)
        while True:
            begin(accepted, server.accept()[0])
"#;

/// Starts a relay with this script, and waits until it listens.
pub(crate) fn start(cluster: &Cluster, script: &str, arguments: &[&str]) -> Result<Process> {
    let (host, target) = cluster.api_server_address();
    let relay = cluster
        .launch("relay", peers::python()?)
        .args(["-c", &format!("{COMMON}{script}")])
        .args([&host.to_string(), &PORT.to_string(), &target.to_string()])
        .args(arguments)
        .spawn()?;
    cluster.eventually(SOON, "relay", || {
        ensure!(relay.log()?.contains("listens"));
        Ok(())
    })?;
    Ok(relay)
}
