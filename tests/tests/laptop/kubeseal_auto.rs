//! kubeseal-auto, which calls `kubeseal` and `kubectl` and takes any word on a failed run's stderr for the reason, around our
//! program and in front of our controller.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::{Captured, run_with_input};
use harness::peers::{self, PeerSet};
use serde_json::{Value, json};

use crate::fixture::{Laptop, SOON};

/// Each prompt, and the keys that answer it.
type Answer = (&'static str, &'static str);

const UP: &str = "\u{1b}[A\r";
/// One item, then the last entry of the menu, which is the one above the first.
const ONE_ITEM: [fn(&'static str) -> Answer; 3] = [
    |_| ("Add secret entry", "\r"),
    |item| ("Enter key=value", item),
    |_| ("Add secret entry", UP),
];

/// The laptop of a user of kubeseal-auto: our program where it would have downloaded its own, and on the path.
struct Wrapped {
    laptop: Laptop,
    path: String,
}

impl Wrapped {
    fn new(laptop: Laptop) -> Result<Wrapped> {
        let ours = Implementation::Ours.programs()?.kubeseal;
        let tools = laptop.path("tools");
        let downloads = laptop.path("data/kubeseal-auto/bin");
        fs::create_dir_all(&tools)?;
        fs::create_dir_all(&downloads)?;
        symlink(&ours, tools.join("kubeseal"))?;
        symlink(&ours, downloads.join("kubeseal-0.40.0"))?;
        symlink(laptop.cluster.peer(&peers::KUBECTL)?, tools.join("kubectl"))?;
        let path = format!("{}:{}", tools.display(), std::env::var("PATH")?);
        Ok(Wrapped { laptop, path })
    }

    fn run(&self, flags: &[&str], answers: &[Answer]) -> Result<Captured> {
        let installed = PeerSet::installed(&[peers::KUBESEAL_AUTO])?;
        let python = installed.path(&peers::KUBESEAL_AUTO)?.join("bin/python");
        let mut command = self.laptop.cluster.command(python);
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/kubeseal-auto/answer.py"))
            .args(flags)
            .env("PATH", &self.path)
            .env("XDG_DATA_HOME", self.laptop.path("data"))
            .current_dir(self.laptop.folder.path());
        run_with_input(&mut command, json!(answers).to_string().as_bytes())?.success()
    }

    fn text(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.laptop.path(name)).with_context(|| format!("{name} was not written"))
    }

    /// Applies the file and waits for its Secret to be this.
    fn becomes(&self, name: &str, expected: &Value) -> Result<()> {
        let cluster: &Cluster = &self.laptop.cluster;
        cluster.apply(&self.text(name)?)?;
        cluster.eventually(SOON, "the Secret", || {
            let secret = cluster.get_json(&["secret", "db"])?;
            ensure!(secret["data"] == *expected, "{}", secret["metadata"]);
            Ok(())
        })
    }
}

/// The answers that make a generic Secret `db` in `default`.
fn new_secret(namespace: &'static str, item: &'static str) -> Vec<Answer> {
    let mut answers = vec![
        (namespace, "default\r"),
        ("Select secret type to create", "\r"),
        ("Provide name for the new secret", "db\r"),
    ];
    answers.extend(ONE_ITEM.map(|answer| answer(item)));
    answers
}

#[test]
fn kubeseal_auto_seals_edits_reseals_fetches_and_saves_with_our_program() -> Result<()> {
    let laptop = Laptop::new()?;
    let _controller = laptop.controller()?;
    // As the Helm charts label it: by this kubeseal-auto finds the controller, and the version of kubeseal that it takes.
    laptop.cluster.kubectl_ok(&[
        "label",
        "service",
        "sealed-secrets-controller",
        "-n",
        NAMESPACE,
        "app.kubernetes.io/name=sealed-secrets",
        "app.kubernetes.io/version=0.40.0",
    ])?;
    let wrapped = Wrapped::new(laptop)?;

    let told = wrapped.run(&[], &new_secret("Select or type namespace", "password=hunter2\r"))?;
    ensure!(told.stdout.contains("Sealed Secret Created"), "{told:?}");
    wrapped.becomes("db.yaml", &json!({"password": "aHVudGVyMg=="}))?;
    wrapped.run(&["--edit", "db.yaml"], &ONE_ITEM.map(|answer| answer("token=abc\r")))?;
    let both = json!({"password": "aHVudGVyMg==", "token": "YWJj"});
    wrapped.becomes("db.yaml", &both)?;

    let before = wrapped.text("db.yaml")?;
    fs::create_dir(wrapped.laptop.path("repo"))?;
    fs::copy(wrapped.laptop.path("db.yaml"), wrapped.laptop.path("repo/db.yaml"))?;
    wrapped.run(&["--re-encrypt", "repo"], &[])?;
    ensure!(wrapped.text("repo/db.yaml")? != before, "nothing was sealed again");
    wrapped.becomes("repo/db.yaml", &both)?;
    ensure!(
        fs::read_dir(wrapped.laptop.path("repo"))?.count() == 1,
        "a file is left"
    );

    wrapped.run(&["--fetch"], &[])?;
    ensure!(wrapped.text("test-kubeseal-cert.crt")? == wrapped.laptop.certificate()?);
    let away = new_secret("Provide namespace", "password=away\r");
    wrapped.run(&["--cert", "test-kubeseal-cert.crt"], &away)?;
    wrapped.becomes("db.yaml", &json!({"password": "YXdheQ=="}))?;

    wrapped.run(&["--backup"], &[])?;
    let keys = "--recovery-unseal --recovery-private-key test-secret-backup.yaml";
    let opened = wrapped.laptop.ok(keys, &before)?;
    ensure!(opened.contains("\"token\": \"YWJj\""), "{opened}");
    Ok(())
}
