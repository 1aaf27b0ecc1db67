//! Where the story plays: a control plane of the demo's own, or a cluster of the user's.

mod local;
mod remote;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::names;
use harness::output::run;
use serde_json::Value;

use super::credentials::Credential;
use super::interrupt;
use super::report::Report;
use local::Local;
pub(crate) use local::Programs;
use remote::Remote;

/// Where the story plays.
pub(crate) enum Stage {
    /// A control plane that the demo started.
    Local(Box<Local>),
    /// A cluster of the user's.
    Remote(Box<Remote>),
}

impl Stage {
    /// Starts a control plane; its programs are built first if they have never been.
    pub(crate) fn local(programs: Programs, report: &mut Report) -> Result<Stage> {
        Ok(Stage::Local(Box::new(Local::start(programs, report)?)))
    }

    /// Connects to a cluster of the user's.
    pub(crate) fn remote(context: &str, report: &mut Report) -> Result<Stage> {
        Ok(Stage::Remote(Box::new(Remote::connect(context, report)?)))
    }

    /// For the last line.
    pub(crate) fn place(&self) -> String {
        match self {
            Stage::Local(_) => "a real control plane of its own".to_owned(),
            Stage::Remote(remote) => format!("your cluster {}", remote.context()),
        }
    }

    /// Namespace of the SealedSecrets.
    pub(crate) fn namespace(&self) -> &str {
        match self {
            Stage::Local(_) => "default",
            Stage::Remote(_) => remote::NAMESPACE,
        }
    }

    /// A folder that goes with the stage, in whatever way the demo ends.
    pub(crate) fn folder(&self) -> &Path {
        match self {
            Stage::Local(local) => local.cluster().state(),
            Stage::Remote(remote) => remote.folder(),
        }
    }

    /// A command that sees the cluster as its administrator.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        match self {
            Stage::Local(local) => Ok(local.cluster().command(program)),
            Stage::Remote(remote) => Ok(remote.command(program)),
        }
    }

    /// kubectl as the administrator.
    pub(crate) fn kubectl(&self) -> Result<Command> {
        match self {
            Stage::Local(local) => Ok(local.cluster().command(local.kubectl()?)),
            Stage::Remote(remote) => Ok(remote.command(remote.kubectl())),
        }
    }

    /// Installs CRD, RBAC and Services from `deploy/base`.
    pub(crate) fn install(&mut self) -> Result<()> {
        match self {
            Stage::Local(local) => local.install(),
            Stage::Remote(remote) => remote.install(),
        }
    }

    /// Starts the controller with its service account's token and waits until it serves a certificate.
    pub(crate) fn start_controller(&mut self, binary: &Path) -> Result<()> {
        match self {
            Stage::Local(local) => local.start_controller(binary),
            Stage::Remote(remote) => remote.start_controller(binary),
        }
    }

    /// Whether objects are deleted with their owners.
    pub(crate) fn collects_garbage(&self) -> bool {
        match self {
            Stage::Local(local) => local.cluster().collects_garbage(),
            Stage::Remote(_) => true,
        }
    }

    /// Why `--fetch-cert` cannot go through the API server's service proxy here, if it cannot.
    pub(crate) fn no_service_proxy(&self) -> Option<String> {
        match self {
            Stage::Local(local) => local
                .no_namespace()
                .map(|reason| format!("no network namespace ({reason})")),
            Stage::Remote(_) => Some("the cluster cannot reach a process on this machine".to_owned()),
        }
    }

    /// Further arguments for `--fetch-cert`: none where the service proxy works.
    pub(crate) fn certificate_arguments(&self) -> Option<String> {
        self.no_service_proxy()
            .map(|_| format!("--cert=http://127.0.0.1:{}/v1/cert.pem", self.port()))
    }

    fn port(&self) -> u16 {
        match self {
            Stage::Local(local) => local.port(),
            Stage::Remote(remote) => remote.port(),
        }
    }

    /// Tells the controller to make a new key now.
    pub(crate) fn renew_key(&self) -> Result<()> {
        match self {
            Stage::Local(local) => local.controller()?.signal("USR1"),
            Stage::Remote(remote) => remote.signal_controller("USR1"),
        }
    }

    /// All that the controller has logged.
    pub(crate) fn controller_log(&self) -> Result<String> {
        match self {
            Stage::Local(local) => local.controller()?.log(),
            Stage::Remote(remote) => remote.controller_log(),
        }
    }

    /// Adds what may explain an error.
    pub(crate) fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        match self {
            Stage::Local(local) => local.cluster().with_logs(error),
            Stage::Remote(remote) => match remote.controller_log() {
                Ok(log) => error.context(format!("the controller's log:\n{log}")),
                Err(_) => error,
            },
        }
    }

    /// Waits until `attempt` succeeds.
    pub(crate) fn eventually<T>(
        &self,
        deadline: Duration,
        what: &str,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> Result<T> {
        let outcome = harness::eventually::eventually(deadline, what, || match interrupt::check() {
            Ok(()) => attempt().map(Ok),
            Err(interrupted) => Ok(Err(interrupted)),
        });
        outcome.and_then(|outcome| outcome).map_err(|error| self.explain(error))
    }

    /// The uid of an object, if there is one.
    pub(crate) fn uid(&self, kind: &str, name: &str) -> Result<Option<String>> {
        let object = self.object(kind, name)?;
        Ok(object.and_then(|object| Some(object.pointer("/metadata/uid")?.as_str()?.to_owned())))
    }

    /// Deletes an object.
    pub(crate) fn delete(&self, kind: &str, name: &str) -> Result<()> {
        let mut delete = self.kubectl()?;
        delete.args(["delete", kind, name, "--namespace", self.namespace()]);
        run(&mut delete)?.success().map(drop)
    }

    fn object(&self, kind: &str, name: &str) -> Result<Option<Value>> {
        let mut get = self.kubectl()?;
        get.args([
            "get",
            kind,
            name,
            "--namespace",
            self.namespace(),
            "--ignore-not-found",
            "-o",
            "json",
        ]);
        let output = run(&mut get)?.success()?;
        if output.bytes.is_empty() {
            Ok(None)
        } else {
            output.json().map(Some)
        }
    }

    /// The Secret holds exactly the credential: items byte for byte, labels, type Opaque, owned by its SealedSecret.
    pub(crate) fn check_secret(&self, credential: &Credential) -> Result<()> {
        let name = &credential.name;
        let secret = self
            .object("secret", name)?
            .with_context(|| format!("there is no Secret {name}"))?;
        let text = |pointer: &str| secret.pointer(pointer).and_then(Value::as_str);
        ensure!(text("/type") == Some(names::SECRET_TYPE_OPAQUE), "{name} is not opaque");
        let owner = text("/metadata/ownerReferences/0/uid").map(str::to_owned);
        ensure!(
            owner.is_some() && owner == self.uid("sealedsecret", name)?,
            "{name} is not owned by its SealedSecret"
        );

        let strings = |pointer: &str| -> BTreeMap<String, String> {
            let map = secret.pointer(pointer).and_then(Value::as_object);
            let entry = |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
            map.into_iter().flatten().filter_map(entry).collect()
        };
        ensure!(
            strings("/metadata/labels") == credential.labels,
            "{name} has other labels"
        );
        let data = strings("/data");
        ensure!(
            data.keys().eq(credential.items.keys()),
            "{name} has other items than {:?}",
            credential.items.keys()
        );
        for (item, expected) in &credential.items {
            let value = data.get(item).map(|text| STANDARD.decode(text)).transpose()?;
            // The values themselves stay out of the message.
            ensure!(value.as_ref() == Some(expected), "{name}/{item} is not what was sealed");
        }
        Ok(())
    }

    /// Keeps the cluster until Ctrl-C and prints how to use it.
    pub(crate) fn keep(&self, kubeseal: &Path) -> Result<()> {
        match self {
            Stage::Local(local) => local.keep(kubeseal),
            Stage::Remote(_) => Ok(()),
        }
    }
}

/// Whether the controller's log says that it serves a certificate.
fn check_serving(log: &str) -> Result<()> {
    ensure!(log.contains("HTTP server serving"), "it does not serve yet:\n{log}");
    ensure!(log.contains("Certificate generated"), "it has no key yet:\n{log}");
    Ok(())
}
