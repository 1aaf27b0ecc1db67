//! Format v2: this implementation on both of its backends, and Go's standard library. Nothing else speaks it yet, so what
//! is asked are programs for the purpose (`sealing/examples`, `tests/peers/format-v2`), line by line in JSON.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use harness::binaries::example;
use harness::cluster::Cluster;
use harness::implementation::{Implementation, NAMESPACE};
use harness::output::{run, run_with_input};
use harness::peers::{self, PeerSet};
use harness::samples;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::{SCOPES, Scope};

/// The programs of all cells.
struct Programs {
    aws_lc: PathBuf,
    pure_rust: PathBuf,
    go: PathBuf,
}

type Choice = fn(&Programs) -> &Path;

const OURS: (&str, Choice) = ("ours", |programs| &programs.aws_lc);
const PURE_RUST: (&str, Choice) = ("ours in pure Rust", |programs| &programs.pure_rust);
const GO: (&str, Choice) = ("Go", |programs| &programs.go);

/// A sealing key with a hybrid key, under those who know nothing of it: its certificate, and its Secret.
fn hybrid_key_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let made = ask(&programs()?.aws_lc, &json!({}), [json!({"key": NAMESPACE})].into_iter())?;
    let made = made.first().context("no key")?;
    let item = |name: &str| Ok::<_, anyhow::Error>(STANDARD.decode(made["data"][name].as_str().context("no item")?)?);
    ensure!(item("hybrid.seed")?.len() == 32, "no seed: the test would show nothing");
    let certificate = folder.path().join("tls.crt");
    std::fs::write(&certificate, item("tls.crt")?)?;

    // Python reads no extensions of sealing certificates, those of the reference either: it knows encipher-only with another usage alone.
    let openssl = run(Command::new("openssl")
        .args(["x509", "-noout", "-text", "-in"])
        .arg(&certificate))?
    .success()?;
    ensure!(openssl.stdout.contains("2048 bit"), "openssl: {}", openssl.stdout);
    let kubesealpy = PeerSet::installed(&[peers::KUBESEALPY])?;
    let script = "import sys; from cryptography import x509; \
        cert = x509.load_pem_x509_certificate(open(sys.argv[1], 'rb').read()); \
        print(cert.public_key().key_size)";
    let mut python = Command::new(kubesealpy.path(&peers::KUBESEALPY)?.join("bin/python"));
    let python = run(python.args(["-c", script]).arg(&certificate))?.success()?;
    ensure!(python.stdout == "2048\n", "{}", python.stdout);

    let key_file = folder.path().join("key.json");
    std::fs::write(&key_file, made.to_string())?;
    let secret = samples::secret("default", "hybrid-key");
    ensure!(secret["data"]["keyfile"].is_string(), "the sample has another item");
    for implementation in [Implementation::Reference, Implementation::Ours] {
        let kubeseal = implementation.programs()?.kubeseal;
        let mut seal = Command::new(&kubeseal);
        seal.args(["--format", "json", "--cert"]).arg(&certificate);
        let sealed = run_with_input(&mut seal, secret.to_string().as_bytes())?.success()?;
        let mut unseal = Command::new(&kubeseal);
        unseal
            .args(["--recovery-unseal", "--recovery-private-key"])
            .arg(&key_file);
        let opened = run_with_input(&mut unseal, &sealed.bytes)?.success()?.json()?;
        ensure!(opened["data"]["keyfile"] == secret["data"]["keyfile"], "{opened:#}");

        let cluster = Cluster::start()?;
        cluster.install(implementation)?;
        cluster.apply(&made.to_string())?;
        let controller = cluster.start_controller(implementation, &[])?;
        cluster.apply(&sealed.stdout)?;
        let served = cluster.eventually(Duration::from_secs(60), "the Secret", || {
            controller.check_running()?;
            cluster.get_json(&["secret", "hybrid-key", "-n", "default"])
        })?;
        ensure!(served["data"]["keyfile"] == secret["data"]["keyfile"], "{served:#}");
        let kept = cluster.get_json(&["secret", "sealed-secrets-key-hybrid", "-n", NAMESPACE])?;
        ensure!(
            kept["data"] == made["data"],
            "{}: the key Secret has changed",
            implementation.name()
        );
    }
    Ok(())
}

/// Every cell: who seals × who opens × scope × number of recipients.
pub(crate) fn trials() -> Vec<Trial> {
    let elsewhere = || hybrid_key_elsewhere().map_err(|error| format!("{error:#}").into());
    let mut trials = vec![Trial::test(
        "v2: a hybrid key under those who know RSA alone",
        elsewhere,
    )];
    for sealer in [OURS, PURE_RUST, GO] {
        for opener in [OURS, GO] {
            for scope in SCOPES {
                for recipients in [1, 2, 16] {
                    let name = format!(
                        "v2: {} seals, {} opens, {}, {recipients} recipients",
                        sealer.0, opener.0, scope.0
                    );
                    let run = move || {
                        let programs = programs()?;
                        cell(sealer.1(programs), opener.1(programs), scope, recipients)
                    };
                    trials.push(Trial::test(name, move || {
                        run().map_err(|error| format!("{error:#}").into())
                    }));
                }
            }
        }
    }
    trials
}

fn cell(sealer: &Path, opener: &Path, scope: Scope, recipients: u8) -> Result<()> {
    let place = json!({"scope": scope.0, "namespace": "kafka", "name": "db", "item": "passwörd"});
    let seeds: Vec<String> = (1..=recipients).map(|number| STANDARD.encode([number; 32])).collect();
    let public = ask(opener, &place, seeds.iter().map(|seed| json!({"seed": seed})))?;
    let public: Vec<&Value> = public.iter().map(|answer| &answer["public"]).collect();
    let plaintexts = [&b""[..], b"hunter2", &[0; 100]].map(|plaintext| STANDARD.encode(plaintext));
    let wanted = plaintexts
        .iter()
        .map(|plaintext| json!({"plaintext": plaintext, "recipients": public}));
    let sealed = ask(sealer, &place, wanted)?;
    let questions = sealed.iter().flat_map(|value| {
        seeds
            .iter()
            .map(|seed| json!({"sealed": value["sealed"], "seed": seed}))
    });
    let opened = ask(opener, &place, questions.clone())?;
    ensure!(opened.len() == plaintexts.len() * seeds.len(), "opened: {opened:?}");
    for (index, opened) in opened.iter().enumerate() {
        let expected = plaintexts.get(index / seeds.len());
        ensure!(*opened == json!({"plaintext": expected}), "opened: {opened}");
    }
    let mut elsewhere = place;
    elsewhere["item"] = json!("password");
    for refused in ask(opener, &elsewhere, questions)? {
        ensure!(refused["error"].is_string(), "opened as another item: {refused}");
    }
    Ok(())
}

/// Asks all questions about one place at once.
fn ask(program: &Path, place: &Value, questions: impl Iterator<Item = Value>) -> Result<Vec<Value>> {
    let mut lines = String::new();
    for question in questions {
        let (Value::Object(mut asked), Value::Object(question)) = (place.clone(), question) else {
            bail!("a question is an object");
        };
        asked.extend(question);
        lines += &format!("{}\n", Value::Object(asked));
    }
    let answered = run_with_input(&mut Command::new(program), lines.as_bytes())?.success()?;
    let answers = answered.stdout.lines().map(serde_json::from_str);
    Ok(answers.collect::<Result<_, _>>()?)
}

fn programs() -> Result<&'static Programs> {
    static PROGRAMS: OnceLock<Result<Programs>> = OnceLock::new();
    PROGRAMS
        .get_or_init(build)
        .as_ref()
        .map_err(|error| anyhow!("{error:#}"))
}

fn build() -> Result<Programs> {
    let found = PeerSet::installed(&[peers::FORMAT_V2])?;
    Ok(Programs {
        aws_lc: example("v2", &["--workspace"])?,
        pure_rust: example(
            "v2-pure-rust",
            &["-p", "sealing", "--no-default-features", "--features", "pure-rust"],
        )?,
        go: found.path(&peers::FORMAT_V2)?.to_owned(),
    })
}
