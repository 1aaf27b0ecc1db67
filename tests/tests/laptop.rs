//! The verbs of kubeseal that speak with a cluster, on a real control plane with our controller in it.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::{Captured, run_with_input};
use harness::process::Process;
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const FLAGS: &[&str] = &["--key-size=2048"];
const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

/// A laptop: a folder, and a kubeconfig for the cluster.
struct Laptop {
    cluster: Cluster,
    folder: tempfile::TempDir,
}

impl Laptop {
    /// With our CRD and rights in the cluster, and no controller running.
    fn new() -> Result<Laptop> {
        let cluster = Cluster::start()?;
        cluster.install(Implementation::Ours)?;
        let folder = tempfile::tempdir()?;
        Ok(Laptop { cluster, folder })
    }

    fn controller(&self) -> Result<Process> {
        self.cluster.start_controller(Implementation::Ours, FLAGS)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Our kubeseal, started in the laptop's folder.
    fn kubeseal(&self, line: &str, input: &str) -> Result<Captured> {
        let mut command = self.cluster.command(Implementation::Ours.programs()?.kubeseal);
        command.current_dir(self.folder.path()).args(line.split_whitespace());
        run_with_input(&mut command, input.as_bytes())
    }

    /// Its output, when it succeeds and says nothing on stderr.
    fn ok(&self, line: &str, input: &str) -> Result<String> {
        let captured = self.kubeseal(line, input)?.success()?;
        ensure!(captured.stderr.is_empty(), "{line}: {}", captured.stderr);
        Ok(captured.stdout)
    }

    fn certificate(&self) -> Result<String> {
        Ok(self.cluster.proxied_get("/v1/cert.pem")?.stdout)
    }

    fn key_names(&self) -> Result<Vec<String>> {
        let keys = self.cluster.key_secrets()?;
        let keys = keys["items"].as_array().context("a list")?;
        let name = |key: &Value| key["metadata"]["name"].as_str().map(str::to_owned);
        Ok(keys.iter().filter_map(name).collect())
    }

    fn wipe_keys(&self) -> Result<()> {
        let selector = format!("-l={LABEL}");
        self.cluster
            .kubectl_ok(&["delete", "secret", "-n", NAMESPACE, &selector])
            .map(drop)
    }

    /// Seals a Secret `name` in `default` and applies it; waits until the status says that it was opened.
    fn unseal(&self, name: &str) -> Result<()> {
        let sealed = self.ok("--scope strict", &secret("default", name).to_string())?;
        self.cluster.apply(&sealed)?;
        self.cluster.eventually(SOON, "a synced SealedSecret", || {
            let object = self.cluster.get_json(&["sealedsecret", name])?;
            ensure!(object["status"]["openedBy"][0].is_string(), "{}", object["status"]);
            Ok(())
        })
    }

    /// `keys list -o json`.
    fn keys(&self) -> Result<Value> {
        Ok(serde_json::from_str(&self.ok("keys list -o json", "")?)?)
    }
}

fn secret(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace}, "stringData": {"password": "hunter2"},
    })
}

fn stop(controller: Process) -> Result<()> {
    ensure!(controller.terminate(SOON)?.success());
    Ok(())
}

/// An age identity file and its recipient, made outside of this program.
const IDENTITY: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";

#[test]
fn keys_are_listed_saved_and_brought_back_before_the_first_start() -> Result<()> {
    let laptop = Laptop::new()?;
    let nothing = laptop.kubeseal("keys list", "")?;
    ensure!(
        nothing
            .stderr
            .contains("there is no sealing key in namespace kube-system"),
        "{nothing:?}"
    );

    let controller = laptop.controller()?;
    let certificate = laptop.certificate()?;
    laptop.unseal("one")?;
    let listed = laptop.keys()?;
    let key = &listed["keys"][0];
    ensure!(
        key["state"] == "current" && key["objects"] == 1 && key["bits"] == 2048,
        "{listed}"
    );
    ensure!(
        listed["unknownObjects"] == 0 && listed["notes"] == json!([]),
        "{listed}"
    );
    let text = laptop.ok("keys list", "")?;
    let fingerprint = key["fingerprint"].as_str().context("a fingerprint")?;
    ensure!(text.contains("NAME") && text.contains(fingerprint), "{text}");

    // In clear nothing comes under Git; encrypted it may.
    std::fs::create_dir(laptop.path(".git"))?;
    let refused = laptop.kubeseal("keys backup --unencrypted -w keys.yaml", "")?;
    ensure!(
        refused
            .stderr
            .contains("is inside a Git work tree and not ignored there"),
        "{refused:?}"
    );
    ensure!(!laptop.path("keys.yaml").exists());
    std::fs::write(laptop.path(".gitignore"), "keys.yaml\n")?;
    ensure!(laptop.ok("keys backup --unencrypted -w keys.yaml", "")?.is_empty());
    ensure!(mode(&laptop.path("keys.yaml"))? == 0o600);
    laptop.ok(&format!("keys backup -r {RECIPIENT} -w keys.age"), "")?;
    let encrypted = std::fs::read_to_string(laptop.path("keys.age"))?;
    ensure!(
        encrypted.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"),
        "{encrypted}"
    );
    let sealed = laptop.ok("", &secret("default", "one").to_string())?;
    let opened = laptop.ok("--recovery-unseal --recovery-private-key keys.yaml", &sealed)?;
    ensure!(opened.contains("\"password\""), "the backup opens what was sealed");

    // Another cluster: no key, no controller yet.
    stop(controller)?;
    laptop.wipe_keys()?;
    std::fs::write(laptop.path("identity.txt"), format!("# mine\n{IDENTITY}\n"))?;
    let refused = laptop.kubeseal("keys restore keys.age", "")?;
    ensure!(
        refused.stderr.contains("is encrypted with age") && refused.stderr.contains("--identity"),
        "{refused:?}"
    );
    let planned = laptop.ok("keys restore --dry-run -i identity.txt keys.age", "")?;
    ensure!(
        planned.contains("would restore kube-system/") && laptop.key_names()?.is_empty(),
        "{planned}"
    );
    let restored = laptop.ok("keys restore -i identity.txt keys.age", "")?;
    ensure!(restored.contains("makes none of its own"), "{restored}");
    let names = laptop.key_names()?;
    ensure!(names.len() == 1, "{names:?}");
    let again = laptop.ok("keys restore -i identity.txt keys.age", "")?;
    ensure!(again.contains("is there already"), "{again}");
    let controller = laptop.controller()?;
    ensure!(laptop.certificate()? == certificate, "the same certificate is served");
    ensure!(laptop.key_names()? == names, "no key was minted");
    laptop.unseal("two")?;

    // kubectl takes the backup in clear too.
    stop(controller)?;
    laptop.wipe_keys()?;
    laptop
        .cluster
        .apply(&std::fs::read_to_string(laptop.path("keys.yaml"))?)?;
    let _controller = laptop.controller()?;
    ensure!(laptop.certificate()? == certificate && laptop.key_names()? == names);
    Ok(())
}

#[test]
fn keys_that_come_after_the_first_start_do_not_become_current_and_nothing_is_overwritten() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    laptop.ok("keys backup --unencrypted -w keys.yaml", "")?;
    laptop.ok("--fetch-cert -w cert.pem", "")?;
    stop(controller)?;
    laptop.wipe_keys()?;
    // Certificates count in seconds: the next one has to begin in a later one.
    std::thread::sleep(Duration::from_millis(1100));
    let _controller = laptop.controller()?;
    let minted = laptop.key_names()?.pop().context("a key")?;
    let certificate = laptop.certificate()?;
    let told = laptop.ok("keys restore keys.yaml", "")?;
    ensure!(
        told.contains(&format!(
            "{minted}, which is newer and not in the backup, stays the current key"
        )),
        "{told}"
    );
    ensure!(told.contains("kubectl label secret"), "{told}");
    ensure!(laptop.certificate()? == certificate);
    let listed = laptop.keys()?;
    let states: Vec<_> = listed["keys"]
        .as_array()
        .context("keys")?
        .iter()
        .map(|key| key["state"].clone())
        .collect();
    ensure!(states == ["current", "active"], "{listed}");
    let told = laptop.ok("keys list --cert cert.pem", "")?;
    ensure!(
        told.contains("cert.pem is that of") && told.contains("not the current key any more"),
        "{told}"
    );

    // A Secret of the same name with another key stays as it is, and the rest of the backup stays out.
    let backup = std::fs::read_to_string(laptop.path("keys.yaml"))?;
    let old = laptop
        .key_names()?
        .into_iter()
        .find(|name| *name != minted)
        .context("the old key")?;
    laptop
        .cluster
        .kubectl_ok(&["delete", "secret", "-n", NAMESPACE, &old])?;
    let before = laptop.cluster.get_json(&["secret", &minted, "-n", NAMESPACE])?;
    std::fs::write(laptop.path("renamed.yaml"), backup.replace(&old, &minted))?;
    let refused = laptop.kubeseal("keys restore renamed.yaml", "")?;
    ensure!(
        refused.stderr.contains("holds another key; nothing was restored"),
        "{refused:?}"
    );
    ensure!(laptop.cluster.get_json(&["secret", &minted, "-n", NAMESPACE])? == before);
    ensure!(laptop.key_names()? == [minted]);
    Ok(())
}

fn mode(path: &Path) -> Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
}

#[test]
fn the_doctor_tells_the_six_causes_apart() -> Result<()> {
    let laptop = Laptop::new()?;
    let controller = laptop.controller()?;
    let secret = secret("default", "db").to_string();
    let strict = laptop.ok("-o yaml", &secret)?;
    let doctor = |text: &str, flags: &str| -> Result<Value> {
        std::fs::write(laptop.path("db.yaml"), text)?;
        let told = laptop.kubeseal(&format!("doctor -o json {flags} db.yaml"), "")?;
        ensure!(!told.stdout.contains("hunter2") && told.stderr.is_empty(), "{told:?}");
        Ok(serde_json::from_str::<Value>(&told.stdout)?["objects"][0].clone())
    };
    let is = |object: &Value, cause: &str| -> Result<()> {
        let diagnosis = &object["diagnoses"][0];
        ensure!(
            diagnosis["cause"] == cause && diagnosis["certain"] == true,
            "{cause}: {object}"
        );
        ensure!(
            diagnosis["next"].as_str().is_some_and(|next| !next.is_empty()),
            "{object}"
        );
        Ok(())
    };
    let sound = doctor(&strict, "")?;
    ensure!(sound["opens"] == true && sound["diagnoses"] == json!([]), "{sound}");

    // By the controller's word alone.
    let moved = strict.replacen("namespace: default", "namespace: kube-public", 1);
    is(&doctor(&moved, "")?, "wrong-namespace")?;
    let wide = laptop.ok("-o yaml --scope cluster-wide", &secret)?;
    let annotation = "  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: \"true\"\n";
    ensure!(wide.contains(annotation), "{wide}");
    is(&doctor(&wide.replacen(annotation, "", 1), "")?, "scope")?;

    // kustomize itself renames it, and its result is in the cluster.
    let kustomization = laptop.path("kustomization.yaml");
    std::fs::write(&kustomization, "namePrefix: prod-\nresources: [db.yaml]\n")?;
    std::fs::write(laptop.path("db.yaml"), &strict)?;
    let built = laptop
        .cluster
        .kubectl_ok(&["kustomize", &laptop.folder.path().display().to_string()])?;
    laptop.cluster.apply(&built.stdout)?;
    let by_file = doctor(&strict, "")?;
    is(&by_file, "renamed")?;
    std::fs::remove_file(&kustomization)?;
    let by_cluster = doctor(&strict, "")?;
    is(&by_cluster, "renamed")?;
    ensure!(
        by_cluster["diagnoses"].to_string().contains("default/prod-db"),
        "{by_cluster}"
    );
    is(&doctor(&built.stdout, "")?, "renamed")?;
    laptop.cluster.kubectl_ok(&["delete", "sealedsecret", "prod-db"])?;

    // Another cluster's certificate, told by the length of its key.
    let foreign = harness::sealing_keys::SealingKey::generate(laptop.folder.path(), 4096)?;
    let foreign = laptop.ok(&format!("-o yaml --cert {}", foreign.certificate.display()), &secret)?;
    is(&doctor(&foreign, "")?, "other-cluster")?;

    // Damaged: what is no base64 any more, and one changed letter of the body, with a backup at hand.
    laptop.ok("keys backup --unencrypted -w keys.yaml", "")?;
    is(
        &doctor(&strict.replacen("password: AQ", "password: AQ!", 1), "")?,
        "damaged",
    )?;
    let at = strict.find("password: ").context("the item")? + 380;
    let mut damaged = strict.clone();
    let other = if damaged.as_bytes()[at] == b'A' { "B" } else { "A" };
    damaged.replace_range(at..=at, other);
    is(&doctor(&damaged, "--recovery-private-key keys.yaml")?, "damaged")?;

    // The key is gone: its Secret is deleted, and the controller starts without it.
    stop(controller)?;
    laptop.wipe_keys()?;
    let _controller = laptop.controller()?;
    is(&doctor(&strict, "--recovery-private-key keys.yaml")?, "key-gone")?;
    let unknown = doctor(&strict, "")?;
    ensure!(
        unknown["opens"] == false && unknown["diagnoses"][0]["certain"] == false,
        "{unknown}"
    );
    Ok(())
}
