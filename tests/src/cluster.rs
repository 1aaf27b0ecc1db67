//! A control plane: etcd, API server, controller manager.

mod audit;
mod credentials;
mod objects;
mod outages;
mod programs;
mod service;
mod shell;

pub use audit::Request;
pub(crate) use credentials::random_name;

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tempfile::TempDir;

use crate::eventually::eventually;
use crate::launch::{Launch, clean_environment};
use crate::netns::{Namespace, Network};
use crate::output::tail;
use crate::peers::{self, PeerSet};
use crate::process::Process;

/// How long a control plane may take to be ready. On an idle machine it takes about four seconds; the rest is for one
/// on which many tests start at once.
const READY: Duration = Duration::from_secs(120);

/// A running control plane. Everything it started and wrote is gone when it is dropped, and also when the process
/// that holds it is killed.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: the programs first, then the namespace, then the folder they write to.
    controller_manager: Mutex<Option<Process>>,
    api_server: Mutex<Option<Process>>,
    etcd: Mutex<Option<Process>>,
    network: Network,
    ports: Ports,
    peers: PeerSet,
    folder: TempDir,
}

/// The ports of the control plane, on [`Network::address`].
#[derive(Clone, Copy, Debug)]
struct Ports {
    etcd: u16,
    etcd_peers: u16,
    api_server: u16,
}

impl Ports {
    /// In a namespace of their own all clusters use the same ones.
    const FIXED: Ports = Ports {
        etcd: 2379,
        etcd_peers: 2380,
        api_server: 6443,
    };

    fn free() -> Result<Ports> {
        // All are held until all are known, so that they differ.
        let held: Vec<TcpListener> = (0..3)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .collect::<std::io::Result<_>>()?;
        let mut ports = held.iter().map(TcpListener::local_addr);
        let mut next = || Ok::<u16, anyhow::Error>(ports.next().context("three ports")??.port());
        Ok(Ports {
            etcd: next()?,
            etcd_peers: next()?,
            api_server: next()?,
        })
    }
}

impl Cluster {
    /// Starts a control plane in a namespace of its own. The peers must have been built.
    pub fn start() -> Result<Cluster> {
        Cluster::start_with(PeerSet::installed(&peers::CONTROL_PLANE)?)
    }

    /// The same with these programs. Without a kube-controller-manager there is no garbage collection.
    pub fn start_with(peers: PeerSet) -> Result<Cluster> {
        let folder = state_folder()?;
        let network = Network::Namespace(Namespace::create(folder.path())?);
        Cluster::start_at(network, Ports::FIXED, peers, folder)
    }

    /// Starts a control plane on the loopback, for machines that allow no namespaces. The API server's service proxy
    /// cannot reach a controller there.
    pub fn start_without_namespaces(peers: PeerSet) -> Result<Cluster> {
        Cluster::start_at(Network::Loopback, Ports::free()?, peers, state_folder()?)
    }

    /// The one cluster that the tests of this process share, each in a namespace of its own (see
    /// [`crate::namespace::TempNamespace`]). It ends with the process.
    pub fn shared() -> Result<&'static Cluster> {
        static SHARED: OnceLock<Result<Cluster>> = OnceLock::new();
        SHARED
            .get_or_init(Cluster::start)
            .as_ref()
            .map_err(|error| anyhow!("{error:#}"))
    }

    fn start_at(network: Network, ports: Ports, peers: PeerSet, folder: TempDir) -> Result<Cluster> {
        credentials::write(folder.path(), network.address(), ports.api_server)?;
        audit::write_policy(folder.path())?;
        let state = folder.path();
        let etcd = programs::etcd(&network, state, &peers, ports)?.spawn()?;
        let api_server = programs::api_server(&network, state, &peers, ports)?.spawn()?;
        let cluster = Cluster {
            controller_manager: Mutex::new(None),
            api_server: Mutex::new(Some(api_server)),
            etcd: Mutex::new(Some(etcd)),
            network,
            ports,
            peers,
            folder,
        };
        cluster.wait_until_ready()?;
        cluster.restart_controller_manager()?;
        Ok(cluster)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let outcome = eventually(READY, "API server that is ready", || {
            let ready = self.kubectl(&["get", "--raw", "/readyz"])?;
            // One that has ended will not get ready: no need to wait for the deadline.
            match self.check_programs() {
                Ok(()) => ready.success().map(|_| Ok(())),
                Err(ended) => Ok(Err(ended)),
            }
        });
        outcome.and_then(|ready| ready).map_err(|error| self.with_logs(error))
    }

    /// An error when a program of the control plane has ended.
    fn check_programs(&self) -> Result<()> {
        for program in [&self.etcd, &self.api_server, &self.controller_manager] {
            if let Some(process) = program.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                process.check_running()?;
            }
        }
        Ok(())
    }

    /// Ends the API server at once, as a crash of its machine would. The objects stay in etcd.
    pub fn stop_apiserver(&self) -> Result<()> {
        let stopped = self.api_server.lock().unwrap_or_else(PoisonError::into_inner).take();
        stopped.context("the API server is stopped already")?.kill()?;
        Ok(())
    }

    /// Starts the API server again and waits until it is ready.
    pub fn start_apiserver(&self) -> Result<()> {
        self.start_apiserver_with(&[])
    }

    /// As [`Cluster::start_apiserver`], with more flags.
    pub fn start_apiserver_with(&self, flags: &[&str]) -> Result<()> {
        let program = programs::api_server(&self.network, self.state(), &self.peers, self.ports)?;
        let started = program.args(flags).spawn()?;
        *self.api_server.lock().unwrap_or_else(PoisonError::into_inner) = Some(started);
        self.wait_until_ready()
    }

    /// Stops the API server and etcd, has `change` work on the folder of etcd's data, and starts both again.
    pub fn with_etcd_stopped(&self, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        self.stop_apiserver()?;
        self.stop_etcd()?;
        change(&self.state().join("etcd"))?;
        self.start_etcd()?;
        self.start_apiserver()
    }

    /// The garbage collector looks for new kinds every 30 s only, and waits long after a fault; a new process sees all at once.
    pub(crate) fn restart_controller_manager(&self) -> Result<()> {
        let mut current = self.controller_manager.lock().unwrap_or_else(PoisonError::into_inner);
        // The old one goes before the new one starts.
        drop(current.take());
        if !self.collects_garbage() {
            return Ok(());
        }
        *current = Some(programs::controller_manager(&self.network, self.state(), &self.peers)?.spawn()?);
        Ok(())
    }

    /// Whether objects are deleted with their owners: by a kube-controller-manager.
    pub fn collects_garbage(&self) -> bool {
        self.peers.has(&peers::KUBE_CONTROLLER_MANAGER)
    }

    /// The path of a peer that this cluster was started with.
    pub fn peer(&self, peer: &peers::Peer) -> Result<&Path> {
        self.peers.path(peer)
    }

    /// The folder of this cluster: credentials, logs, etcd's data. It goes with the cluster.
    pub fn state(&self) -> &Path {
        self.folder.path()
    }

    /// The address on which programs of the cluster listen.
    pub fn address(&self) -> Ipv4Addr {
        self.network.address()
    }

    /// Whether it runs in a namespace of its own (else on the user's loopback).
    pub fn has_namespace(&self) -> bool {
        matches!(self.network, Network::Namespace(_))
    }

    /// Host and port of the API server, as seen from inside the cluster's namespace.
    pub fn api_server_address(&self) -> (Ipv4Addr, u16) {
        (self.network.address(), self.ports.api_server)
    }

    /// A command that runs inside the namespace, in the caller's current folder, as an administrator: with `KUBECONFIG`,
    /// and without the variables about clusters and proxies in the user's environment.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.network.command(program);
        clean_environment(&mut command, self.state());
        command.env("KUBECONFIG", self.admin_kubeconfig());
        command
    }

    /// A program to be started inside the namespace; its log is `NAME.log` in the state folder.
    pub fn launch(&self, name: &str, program: impl AsRef<OsStr>) -> Launch<'_> {
        Launch::new(&self.network, self.state(), name, program)
    }

    /// Waits like [`eventually`]; the error also shows the ends of all logs.
    pub fn eventually<T>(&self, deadline: Duration, what: &str, attempt: impl FnMut() -> Result<T>) -> Result<T> {
        eventually(deadline, what, attempt).map_err(|error| self.with_logs(error))
    }

    /// The error with the ends of all logs of this cluster.
    pub fn with_logs(&self, error: anyhow::Error) -> anyhow::Error {
        anyhow!("{error:#}\n{}", self.logs(30))
    }

    /// The last lines of each log in the state folder.
    pub fn logs(&self, lines: usize) -> String {
        let mut files: Vec<PathBuf> = fs::read_dir(self.state().join("logs"))
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "log"));
        files.sort();
        files
            .iter()
            .map(|file| format!("--- the end of {}\n{}\n", file.display(), tail(file, lines)))
            .collect()
    }
}

fn state_folder() -> Result<TempDir> {
    tempfile::Builder::new()
        .prefix("sealed-secrets-cluster-")
        .tempdir()
        .context("cannot create a temporary folder")
}
