//! A way from the user's own loopback to the API server inside a cluster's namespace.
//!
//! A socket belongs to the namespace in which it was opened, so the relay has two halves: one outside (threads of
//! this process, TCP) and one inside (a process of its own), joined by a Unix socket in the cluster's state folder.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::cluster::Cluster;
use crate::eventually::eventually;
use crate::process::Process;

/// A running relay; the inside half ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    _inside: Process,
    address: SocketAddr,
    kubeconfig: PathBuf,
}

impl Cluster {
    /// Opens a relay. `inside` is the command line that runs [`serve_inside`] with the two arguments appended: a Unix
    /// socket's path and `address:port`.
    pub fn relay(&self, inside: &[&str]) -> Result<Relay> {
        let (program, arguments) = inside.split_first().context("no command for the inside half")?;
        let socket = self.state().join("relay.sock");
        let (host, port) = self.api_server_address();
        let process = self
            .launch("relay", program)
            .args(arguments)
            .arg(&socket)
            .arg(format!("{host}:{port}"))
            .spawn()?;
        self.eventually(Duration::from_secs(10), "inside half of the relay", || {
            process.check_running()?;
            Ok(UnixStream::connect(&socket)?)
        })?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let socket = socket.clone();
                thread::spawn(move || UnixStream::connect(socket).and_then(|inside| join(client, inside)));
            }
        });
        let kubeconfig = self.state().join("relay.kubeconfig");
        std::fs::write(&kubeconfig, self.admin_kubeconfig_for(&format!("https://{address}"))?)?;
        Ok(Relay {
            _inside: process,
            address,
            kubeconfig,
        })
    }
}

impl Relay {
    /// Where it listens on the user's loopback.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The administrator's kubeconfig for the user's own programs.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

/// The inside half: accepts on the Unix socket and joins each connection with one to `target`. Returns only on error.
pub fn serve_inside(socket: &Path, target: SocketAddr) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    for outside in listener.incoming() {
        let outside = outside?;
        thread::spawn(move || {
            // Given some time: the API server may be restarting.
            eventually(Duration::from_secs(5), "API server", || Ok(TcpStream::connect(target)?))
                .map_err(io::Error::other)
                .and_then(|inside| join(inside, outside))
        });
    }
    Ok(())
}

/// Copies both ways until both sides have ended.
fn join(tcp: TcpStream, unix: UnixStream) -> io::Result<()> {
    let (mut tcp_read, mut unix_read) = (tcp.try_clone()?, unix.try_clone()?);
    let (mut tcp_write, mut unix_write) = (tcp, unix);
    let up = thread::spawn(move || {
        let copied = io::copy(&mut tcp_read, &mut unix_write);
        unix_write.shutdown(Shutdown::Write).ok();
        copied
    });
    let down = io::copy(&mut unix_read, &mut tcp_write);
    tcp_write.shutdown(Shutdown::Write).ok();
    up.join()
        .map_err(|_| io::Error::other("the copying thread panicked"))??;
    down.map(drop)
}
