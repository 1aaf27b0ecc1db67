//! A control plane of the demo's own.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use crds::names;
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use harness::netns;
use harness::output::run;
use harness::peers::{self, Peer, PeerSet};
use harness::process::Process;

use super::super::interrupt;
use super::super::report::Report;
use super::check_serving;

/// The programs of the control plane: the machine's own, or ours, which may have to be built.
pub(crate) struct Programs(Option<PeerSet>);

impl Programs {
    /// Looks for them, and reports at once what will take long and what is used of the machine.
    pub(crate) fn find(report: &Report) -> Result<Programs> {
        let machine = peers::control_plane_of_machine()?;
        match &machine {
            Some((programs, place)) => {
                let version = run(Command::new(programs.path(&peers::KUBE_APISERVER)?).arg("--version"))?.success()?;
                report.note(&format!(
                    "etcd and kube-apiserver are those of {place}: {}",
                    version.stdout.trim()
                ));
            }
            None => {
                let minutes = peers::minutes_to_build(&peers::CONTROL_PLANE)?;
                if minutes > 0 {
                    report.note(&format!(
                        "No control plane is here, so one is built from source first, once: about {minutes} min on 2 cores, with Go.\n         \
                         To do without, put etcd and kube-apiserver on the PATH, or set KUBEBUILDER_ASSETS to a folder with both\n         \
                         (`setup-envtest use -p path` makes one); or name a cluster of yours: --context NAME."
                    ));
                }
            }
        }
        Ok(Programs(machine.map(|(programs, _)| programs)))
    }

    fn built(self, report: &mut Report) -> Result<PeerSet> {
        let build = |wanted: &[Peer]| peers::ensure(wanted, &|line| println!("          {line}"));
        match self.0 {
            // A kubectl is easily had, and not always among them.
            Some(programs) if !programs.has(&peers::KUBECTL) => Ok(programs.and(build(&[peers::KUBECTL])?)),
            Some(programs) => Ok(programs),
            None => report.step(
                "the control plane's programs are built (once; later runs find them in your cache)",
                || build(&peers::CONTROL_PLANE),
            ),
        }
    }
}

/// A control plane and, once started, the controller.
pub(crate) struct Local {
    // Dropped before the cluster that it runs in.
    controller: Option<Process>,
    cluster: Cluster,
    no_namespace: Option<String>,
    /// The controller's port; on the user's own loopback any that is free.
    port: u16,
}

impl Local {
    pub(super) fn start(programs: Programs, report: &mut Report) -> Result<Local> {
        let programs = programs.built(report)?;
        let manager = if programs.has(&peers::KUBE_CONTROLLER_MANAGER) {
            ", kube-controller-manager"
        } else {
            ""
        };
        let no_namespace = netns::namespaces_available().err().map(|error| format!("{error:#}"));
        let cluster = report.step(
            &format!("the control plane is up: etcd, kube-apiserver{manager}"),
            || match &no_namespace {
                None => Cluster::start_with(programs),
                Some(_) => Cluster::start_without_namespaces(programs),
            },
        )?;
        let port = match &no_namespace {
            None => 8080,
            // The controller takes it a moment later.
            Some(_) => TcpListener::bind((cluster.address(), 0))?.local_addr()?.port(),
        };
        Ok(Local {
            controller: None,
            cluster,
            no_namespace,
            port,
        })
    }

    pub(super) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(super) fn kubectl(&self) -> Result<&Path> {
        self.cluster.peer(&peers::KUBECTL)
    }

    pub(super) fn no_namespace(&self) -> Option<&str> {
        self.no_namespace.as_deref()
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn controller(&self) -> Result<&Process> {
        self.controller.as_ref().context("the controller was started")
    }

    pub(super) fn install(&self) -> Result<()> {
        self.cluster.install(Implementation::Ours)
    }

    pub(super) fn start_controller(&mut self, binary: &Path) -> Result<()> {
        self.controller = Some(if self.cluster.has_namespace() {
            self.cluster.start_controller(Implementation::Ours, &[])?
        } else {
            self.start_on_loopback(binary)?
        });
        Ok(())
    }

    /// Without a mount namespace the files of a pod cannot be imitated: a kubeconfig holds the same token.
    fn start_on_loopback(&self, binary: &Path) -> Result<Process> {
        let (namespace, name) = (names::DEFAULT_CONTROLLER_NAMESPACE, names::DEFAULT_CONTROLLER_NAME);
        let kubeconfig = self.cluster.service_account_kubeconfig(namespace, name)?;
        let controller = self
            .cluster
            .launch("controller", binary)
            .arg(format!("--listen-addr=127.0.0.1:{}", self.port))
            .arg("--listen-metrics-addr=127.0.0.1:0")
            .env("KUBECONFIG", kubeconfig)
            .env("POD_NAMESPACE", namespace)
            .spawn()?;
        self.cluster
            .eventually(Duration::from_secs(60), "controller that is ready", || {
                controller.check_running()?;
                check_serving(&controller.log()?)
            })?;
        Ok(controller)
    }

    pub(super) fn keep(&self, kubeseal: &Path) -> Result<()> {
        let own = std::env::current_exe()?;
        let kubeconfig = if self.no_namespace.is_none() {
            self.cluster.relay(&[&own.to_string_lossy(), "relay"])?
        } else {
            // Nothing to relay: the API server listens on the user's own loopback.
            return hold(
                &self.cluster.admin_kubeconfig(),
                kubeseal,
                &format!(" --cert=http://127.0.0.1:{}/v1/cert.pem", self.port),
            );
        };
        hold(kubeconfig.kubeconfig(), kubeseal, "")
    }
}

fn hold(kubeconfig: &Path, kubeseal: &Path, certificate: &str) -> Result<()> {
    let kubeseal = kubeseal.display();
    println!(
        "\nThe cluster stays up until Ctrl-C. In another terminal:\n
export KUBECONFIG={}
kubectl get sealedsecrets,secrets
{kubeseal} --fetch-cert{certificate} > dev.crt
kubectl create secret generic mine --from-literal=password=hunter2 --dry-run=client -o yaml \\
  | {kubeseal} --cert dev.crt -o yaml | kubectl apply -f -
kubectl get secret mine -o jsonpath='{{.data.password}}' | base64 -d",
        kubeconfig.display()
    );
    interrupt::wait();
    Ok(())
}
