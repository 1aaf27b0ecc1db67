//! The OCI image, run from its own root file system: as its user, with nothing that can be written, in a real cluster.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::binaries;
use harness::cluster::Cluster;
use harness::implementation::{CONTROLLER, Implementation, NAMESPACE};
use harness::output::run;
use serde_json::{Value, json};

use crate::kustomize::SOON;

/// Becomes a program of the image (`$2`…) with the image's files (`$1`) as the root, nothing of which can be written, as the
/// user 1001 without any capability. What the Pod is given is mounted into it.
const IN_IMAGE: &str = r#"
root=$1; shift
files=/var/run/secrets/kubernetes.io/serviceaccount
mkdir -p "$root$files" && mount --bind "$root" "$root" && mount --bind "$files" "$root$files" || exit 1
mount -o remount,bind,ro "$root" || exit 1
unshare=$(command -v unshare) || exit 1
PATH=/usr/local/bin exec "$unshare" --user --map-user=1001 --map-group=1001 --root="$root" --wd=/ -- "$@"
"#;

fn blob(layout: &Path, descriptor: &Value) -> Result<std::path::PathBuf> {
    let digest = descriptor["digest"].as_str().context("a digest")?;
    Ok(layout.join("blobs").join(digest.replace(':', "/")))
}

fn read(file: &Path) -> Result<Value> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// All files below a folder.
fn files(folder: &Path) -> Result<BTreeSet<String>> {
    let listed = run(Command::new("find")
        .arg(folder)
        .args(["-not", "-type", "d", "-printf", "%P\n"]))?
    .success()?;
    Ok(listed.stdout.lines().map(str::to_owned).collect())
}

#[test]
fn the_controller_runs_from_its_image() -> Result<()> {
    let bin = binaries::ours()?.controller;
    let xtask = bin.with_file_name("xtask");
    let folder = tempfile::tempdir()?;
    let layout = folder.path().join("layout");
    run(Command::new(xtask)
        .args(["image", "--for-tests", "--output"])
        .arg(&layout))?
    .success()?;
    let manifest = read(&blob(&layout, &read(&layout.join("index.json"))?["manifests"][0])?)?;
    let config = &read(&blob(&layout, &manifest["config"])?)?["config"];
    // The settings of the allocator are those with which memory is given back (tests/served/memory.rs).
    let environment = json!([
        "PATH=/usr/local/bin",
        "MALLOC_ARENA_MAX=1",
        "MALLOC_MMAP_THRESHOLD_=131072",
        "MALLOC_TRIM_THRESHOLD_=131072"
    ]);
    ensure!(config["User"] == "1001" && config["Env"] == environment, "{config}");
    let entry = config["Entrypoint"][0].as_str().context("an entry point")?;

    let root = folder.path().join("root");
    std::fs::create_dir(&root)?;
    let layer = blob(&layout, &manifest["layers"][0])?;
    run(Command::new("tar").arg("-xf").arg(layer).arg("-C").arg(&root))?.success()?;
    let list = "usr/share/doc/sealed-secrets-controller/sbom.cdx.json";
    let expected = BTreeSet::from(["usr/local/bin/controller", list].map(str::to_owned));
    ensure!(files(&root)? == expected, "there is more in the image");
    ensure!(read(&root.join(list))?["metadata"]["component"]["name"] == "controller");

    let cluster = Cluster::start()?;
    cluster.install(Implementation::Ours)?;
    let controller = cluster
        .launch_as_pod("image", "sh", (NAMESPACE, CONTROLLER))?
        .args(["-c", IN_IMAGE, "sh"])
        .arg(&root)
        .args([entry, "--key-size=2048"])
        .spawn()?;
    cluster.eventually(Duration::from_secs(60), "certificate", || {
        controller.check_running()?;
        cluster.proxied_get("/v1/cert.pem")
    })?;
    let process = Path::new("/proc").join(controller.pid()?.to_string());
    let status = std::fs::read_to_string(process.join("status"))?;
    ensure!(
        status.contains("CapEff:\t0000000000000000"),
        "it has capabilities:\n{status}"
    );
    let written = run(Command::new("touch").arg(process.join("root").join("tmp")))?;
    ensure!(written.stderr.contains("Read-only file system"), "{written}");

    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": "default"},
        "stringData": {"item": "value"}});
    let sealed = cluster.seal(Implementation::Ours, &[], &secret)?;
    cluster.apply(&sealed.to_string())?;
    cluster.eventually(SOON, "Secret", || {
        let found = cluster.get_json(&["secret", "one"])?;
        ensure!(found["data"]["item"] == "dmFsdWU=", "{}", found["data"]);
        Ok(())
    })
}
