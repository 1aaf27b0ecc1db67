//! The README's first command, in each of its forms: as it stands, kept, without network namespaces, on a cluster of
//! the user's.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::binaries;
use harness::cluster::Cluster;
use harness::eventually::eventually;
use harness::output::{Captured, run};
use harness::peers::{self, PeerSet};

/// `demo` of the project's own commands, which stand beside the binaries under test.
fn demo(mut command: Command) -> Result<Command> {
    command.env("SEALED_SECRETS_BIN_DIR", bin_folder()?).arg("demo");
    Ok(command)
}

fn bin_folder() -> Result<PathBuf> {
    let kubeseal = binaries::ours()?.kubeseal;
    Ok(kubeseal.parent().context("a binary is in a folder")?.to_owned())
}

fn xtask() -> Result<PathBuf> {
    Ok(bin_folder()?.join("xtask"))
}

fn check_held(demo: &Captured) -> Result<()> {
    ensure!(demo.code() == 0 && demo.stdout.contains("steps held in"), "{demo}");
    Ok(())
}

#[test]
fn the_demo_holds() -> Result<()> {
    let held = run(&mut demo(Command::new(xtask()?))?)?;
    check_held(&held)?;
    ensure!(
        !held.stdout.contains("plain HTTP"),
        "the service proxy was not used: {held}"
    );
    Ok(())
}

#[test]
fn the_demo_holds_without_network_namespaces_and_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let unshare = folder.path().join("unshare");
    std::fs::write(
        &unshare,
        "#!/bin/sh\necho 'unshare: Operation not permitted' >&2\nexit 1\n",
    )?;
    std::fs::set_permissions(&unshare, std::fs::Permissions::from_mode(0o755))?;
    let path = std::env::var("PATH")?;
    let mut command = Command::new(xtask()?);
    command.env("PATH", format!("{}:{path}", folder.path().display()));
    let held = run(&mut demo(command)?)?;
    check_held(&held)?;
    ensure!(held.stdout.contains("plain HTTP"), "{held}");
    ensure!(held.stdout.contains("Operation not permitted"), "{held}");
    Ok(())
}

#[test]
fn a_kept_cluster_is_reached_from_outside_and_goes_with_ctrl_c() -> Result<()> {
    let mut command = demo(Command::new(xtask()?))?;
    let mut kept = command
        .arg("--keep")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(kept.stdout.take().context("piped")?).lines();
    let kubeconfig = lines.find_map(|line| Some(PathBuf::from(line.ok()?.strip_prefix("export KUBECONFIG=")?)));
    let kubeconfig = kubeconfig.context("it says how to reach the cluster")?;

    let peers = PeerSet::installed(&[peers::KUBECTL])?;
    let outside = |program: &Path| {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", &kubeconfig);
        command
    };
    let listed = run(outside(peers.path(&peers::KUBECTL)?).args(["get", "sealedsecrets"]))?.success()?;
    ensure!(listed.stdout.contains("cc.ccloud-secrets"), "{listed}");
    let certificate = run(outside(&binaries::ours()?.kubeseal).arg("--fetch-cert"))?.success()?;
    ensure!(
        certificate.stdout.starts_with("-----BEGIN CERTIFICATE-----"),
        "{certificate}"
    );

    run(Command::new("kill").args(["-INT", &kept.id().to_string()]))?.success()?;
    let status = eventually(Duration::from_secs(30), "end of the kept demo", || {
        kept.try_wait()?.context("still running")
    })?;
    ensure!(status.success(), "{status}");
    ensure!(!kubeconfig.exists(), "{} is left", kubeconfig.display());
    Ok(())
}

#[test]
fn a_cluster_of_the_user_s_is_left_as_it_was() -> Result<()> {
    let cluster = Cluster::start()?;
    let on_theirs = || {
        let mut command = cluster.command(xtask()?);
        command.env("SEALED_SECRETS_PEERS", peers::cache_root()?);
        run(demo(command)?.args(["--context", "test"]))
    };
    // Keys without a controller may be the last copy of them.
    let key = ["secret", "generic", "somebodys-key", "-n", "kube-system"];
    cluster.kubectl_ok(&[&["create"], &key[..], &["--from-literal=tls.key=x"]].concat())?;
    let label = "sealedsecrets.bitnami.com/sealed-secrets-key=active";
    cluster.kubectl_ok(&["label", "secret", "somebodys-key", label, "-n", "kube-system"])?;
    let refused = on_theirs()?;
    ensure!(
        refused.code() == 1 && refused.stderr.contains("secret/somebodys-key"),
        "{refused}"
    );
    cluster.get_json(&["secret", "somebodys-key", "-n", "kube-system"])?;
    let crds = cluster.kubectl_ok(&["get", "crds", "-o", "name"])?;
    ensure!(crds.stdout.is_empty(), "it began all the same: {crds}");

    cluster.kubectl_ok(&["delete", "secret", "somebodys-key", "-n", "kube-system"])?;
    let held = on_theirs()?;
    check_held(&held)?;
    ensure!(held.stdout.contains("plain HTTP"), "{held}");
    cluster.eventually(Duration::from_secs(60), "a cluster without traces of the demo", || {
        let kinds = "crds,namespaces,clusterroles,clusterrolebindings,roles,services,serviceaccounts,secrets";
        let left = cluster.kubectl_ok(&["get", kinds, "-A", "-o", "name"])?;
        ensure!(!left.stdout.contains("sealed"), "{left}");
        Ok(())
    })
}

/// A folder with the control plane that the tests have built, but for its controller manager: as envtest has it.
fn assets() -> Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let programs = [peers::ETCD, peers::KUBE_APISERVER, peers::KUBECTL];
    let built = PeerSet::installed(&programs)?;
    for program in programs {
        std::os::unix::fs::symlink(built.path(&program)?, folder.path().join(program.name))?;
    }
    Ok(folder)
}

/// On a machine where no control plane was ever built.
fn unbuilt(folder: &Path) -> Result<Command> {
    let mut command = demo(Command::new(xtask()?))?;
    command.env("SEALED_SECRETS_PEERS", folder);
    Ok(command)
}

#[test]
fn demo_on_the_programs_of_envtest() -> Result<()> {
    let (assets, cache) = (assets()?, tempfile::tempdir()?);
    let held = run(unbuilt(cache.path())?.env("KUBEBUILDER_ASSETS", assets.path()))?;
    check_held(&held)?;
    let said = format!(
        "those of KUBEBUILDER_ASSETS ({}): Kubernetes v1.",
        assets.path().display()
    );
    ensure!(held.stdout.contains(&said), "{held}");
    ensure!(held.stdout.contains("left out: a deleted SealedSecret"), "{held}");
    ensure!(std::fs::read_dir(cache.path())?.next().is_none(), "something was built");

    let path = format!("{}:{}", assets.path().display(), std::env::var("PATH")?);
    let held = run(unbuilt(cache.path())?.env("PATH", path))?;
    check_held(&held)?;
    ensure!(held.stdout.contains("those of the PATH: Kubernetes v1."), "{held}");
    Ok(())
}

#[test]
fn demo_without_a_control_plane_says_what_to_set() -> Result<()> {
    let empty = tempfile::tempdir()?;
    let refused = run(unbuilt(empty.path())?.env("KUBEBUILDER_ASSETS", empty.path()))?;
    ensure!(
        refused.code() == 1 && refused.stderr.contains("there is no etcd in KUBEBUILDER_ASSETS"),
        "{refused}"
    );

    // Without Go too, so that nothing is built.
    let refused = run(unbuilt(empty.path())?.env("PATH", "/usr/bin:/bin"))?;
    ensure!(refused.code() == 1, "{refused}");
    let (first, _) = refused
        .stdout
        .split_once("our two binaries")
        .context("the first step")?;
    for said in ["min on 2 cores", "KUBEBUILDER_ASSETS", "--context"] {
        ensure!(first.contains(said), "{said} is not said at the start: {refused}");
    }
    Ok(())
}
