//! `cargo xtask demo`: the whole story on a real control plane, from a Secret in clear on a laptop to the same Secret,
//! byte for byte, in the cluster, and what happens to it afterwards. Exit 0 only if every check held.

mod credentials;
mod interrupt;
mod laptop;
mod lifecycle;
mod report;
mod stage;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use harness::binaries;
use harness::output::Captured;

use laptop::Laptop;
use report::Report;
use stage::{Programs, Stage};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the cluster up at the end, reachable from your own shell, until Ctrl-C.
    #[arg(long, conflicts_with = "context")]
    keep: bool,

    /// Use a cluster of yours, by the name of its kubeconfig context, instead of starting one. The controller runs as
    /// a process on this machine; what the demo creates is removed at the end.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

/// Where the story is to play.
enum Place<'a> {
    Local(Programs),
    /// The name of the context.
    Remote(&'a str),
}

/// Runs the story.
pub(crate) fn run(args: &Args) -> Result<()> {
    interrupt::watch()?;
    let mut report = Report::begin();
    // Looked for before anything else: it may take long.
    let place = match &args.context {
        Some(context) => Place::Remote(context),
        None => Place::Local(Programs::find(&report)?),
    };
    let programs = report.step("our two binaries are built", binaries::ours)?;
    let stage = match place {
        Place::Remote(context) => Stage::remote(context, &mut report)?,
        Place::Local(programs) => Stage::local(programs, &mut report)?,
    };
    let stage = install(stage, programs.controller, &mut report)?;
    let mut laptop = Laptop::new(programs.kubeseal, stage.folder())?;
    let secrets = credentials::all()?;

    report.step(
        "kubeseal --fetch-cert: the cluster's public certificate is on the laptop",
        || laptop.fetch_certificate(&stage),
    )?;
    report.step_with(|| {
        laptop.create_clear(&stage, &secrets)?;
        let names: Vec<_> = secrets.iter().map(|secret| secret.name.as_str()).collect();
        Ok(format!(
            "kubectl create secret … --dry-run=client: {}",
            names.join(", ")
        ))
    })?;
    report.step("kubeseal seals them offline, without a network or a kubeconfig", || {
        laptop.seal_all(&stage, &secrets)
    })?;
    report.step_with(|| {
        let commit = laptop.commit(&secrets, "Seal the Connect and Cloud credentials")?;
        let values: usize = secrets.iter().map(|secret| secret.items.len()).sum();
        Ok(format!(
            "the clear files are gone; commit {commit} holds none of the {values} values (git grep)"
        ))
    })?;
    report.step(
        "applied from a clone of that commit; kubectl wait --for=condition=Synced",
        || {
            laptop.apply_commit(&stage)?;
            laptop.wait_synced(&stage, &secrets)
        },
    )?;
    report.step("the opaque Secrets are there, byte for byte, with their labels", || {
        secrets.iter().try_for_each(|secret| stage.check_secret(secret))
    })?;
    lifecycle::run(&stage, &mut laptop, secrets, &mut report)?;

    report.end(&stage.place());
    if args.keep {
        return stage.keep(laptop.kubeseal());
    }
    Ok(())
}

/// Installs what `deploy/` says and starts the controller with its own service account's rights.
fn install(mut stage: Stage, controller: PathBuf, report: &mut Report) -> Result<Stage> {
    report.step("CRD, RBAC and Services are installed from deploy/base", || {
        stage.install()
    })?;
    report.step(
        "the controller runs, with the token and the rights of its own ServiceAccount",
        || stage.start_controller(&controller),
    )?;
    if let Some(reason) = stage.no_service_proxy() {
        report.note(&format!(
            "the certificate comes over plain HTTP from the controller's own port: {reason}"
        ));
    }
    Ok(stage)
}

/// Fails unless the command succeeded with an empty stderr.
fn quiet(captured: Captured) -> Result<Captured> {
    let captured = captured.success()?;
    ensure!(captured.stderr.is_empty(), "stderr is not empty: {captured}");
    Ok(captured)
}
