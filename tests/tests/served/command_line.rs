//! The command line: unknown flags and impossible values are errors.

use std::process::Command;

use anyhow::{Result, ensure};
use harness::implementation::Implementation;
use harness::output::{Captured, run};

fn controller(flags: &[&str], environment: &[(&str, &str)]) -> Result<Captured> {
    let mut command = Command::new(Implementation::Ours.programs()?.controller);
    command.env_clear().args(flags).envs(environment.iter().copied());
    run(&mut command)
}

#[test]
fn the_version_beats_everything() -> Result<()> {
    for flags in [&["--version"][..], &["--version", "--key-size=2048"]] {
        let said = controller(flags, &[])?.success()?;
        ensure!(
            said.stdout.starts_with("controller version: v") && said.stderr.is_empty(),
            "{said}"
        );
    }
    controller(&[], &[("SEALED_SECRETS_VERSION", "true")])?.success()?;
    Ok(())
}

#[test]
fn what_is_not_understood_ends_with_2_and_names_the_flag() -> Result<()> {
    for flag in [
        "--no-such-flag",
        "--old-gc-behavior=perhaps",
        "--key-prefix=UPPER",
        "--key-size=1024",
        "--key-ttl=soon",
        "--rate-limit=0",
        "--privatekey-labels=foo",
        "--key-cutoff-time=yesterday",
        "--listen-addr=nowhere",
        "--listen-probe-addr=nowhere",
        "--additional-namespaces=good,a b",
        "--additional-namespaces=../x",
        "--additional-namespaces=a/b",
        "--namespace-selector=a b",
        "--label-selector=a in b",
        "--log-format=xml",
    ] {
        let said = controller(&[flag], &[])?;
        let name = flag.split('=').next().unwrap_or(flag);
        ensure!(said.code() == 2 && said.stderr.contains(name), "{flag}: {said}");
    }
    let said = controller(&[], &[("SEALED_SECRETS_KEY_SIZE", "1024")])?;
    ensure!(said.code() == 2 && said.stderr.contains("--key-size"), "{said}");
    Ok(())
}

#[test]
fn without_a_cluster_it_says_what_to_do() -> Result<()> {
    let said = controller(&[], &[])?;
    ensure!(said.code() == 1 && said.stderr.contains("--kubeconfig"), "{said}");
    let said = controller(&["--kubeconfig=/no/such/file"], &[])?;
    ensure!(said.code() == 1 && said.stderr.contains("/no/such/file"), "{said}");
    Ok(())
}

/// The flag for a kubeconfig in this folder, of an API server that is not there.
fn nowhere(folder: &std::path::Path) -> Result<String> {
    let kubeconfig = folder.join("config");
    let cluster = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    std::fs::write(&kubeconfig, cluster.to_string())?;
    Ok(format!("--kubeconfig={}", kubeconfig.display()))
}

#[test]
fn namespaces_beyond_the_open_files_are_fatal_and_counted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let names: Vec<_> = (0..200).map(|number| format!("n{number}")).collect();
    let mut command = Command::new("prlimit");
    command
        .args(["--nofile=64:180", "--"])
        .arg(Implementation::Ours.programs()?.controller)
        .args([
            nowhere(folder.path())?,
            format!("--additional-namespaces={}", names.join(",")),
        ]);
    let said = run(&mut command)?;
    ensure!(
        said.code() == 1 && said.stderr.contains("201 namespaces") && said.stderr.contains("180 open files"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_fatal_and_named() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let folder = tempfile::tempdir()?;
    let listen = format!("--listen-addr={}", taken.local_addr()?);
    let config = nowhere(folder.path())?;
    let said = controller(&[&listen, &config, "--listen-metrics-addr=127.0.0.1:0"], &[])?;
    let address = taken.local_addr()?.to_string();
    ensure!(
        said.code() == 1 && said.stderr.contains(&address) && said.stderr.contains("--listen-addr"),
        "{said}"
    );
    Ok(())
}
