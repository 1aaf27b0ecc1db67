//! Our `kubeseal --re-encrypt` in front of both controllers: a file keeps everything but its ciphertexts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, UNLIMITED};
use harness::samples;

use Implementation::{Ours, Reference};

#[test]
fn of_a_file_only_ciphertexts_change_with_either_controller() -> Result<()> {
    for controller in [Reference, Ours] {
        let cluster = Cluster::start()?;
        cluster.install(controller)?;
        let flags = if controller == Reference { UNLIMITED } else { &[] };
        let _running = cluster.start_controller(controller, flags)?;
        changes_ciphertexts_only(&cluster).map_err(|error| cluster.with_logs(error.context(controller.name())))?;
    }
    Ok(())
}

const CONFIG_MAP: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name:   beside, namespace: default}\ndata: {a:   'x'}\n";

fn changes_ciphertexts_only(cluster: &Cluster) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("sealed.yaml");
    let path = file.to_str().context("a path")?;
    let sealed = |name: &str, scope: &str| {
        let secret = samples::secret("default", name).to_string();
        let flags = ["-o", "yaml", "--scope", scope];
        Ok::<_, anyhow::Error>(cluster.kubeseal(Ours, &flags, &secret)?.success()?.stdout)
    };
    let (one, two) = (sealed("one", "strict")?, sealed("two", "namespace-wide")?);
    // As people keep them: with a comment, a label of the object's own, an item that a template makes, an object of another
    // kind, CRLF, no break at the end.
    let templated = one.replace("  template:\n", "  template:\n    data: {made:   'as it is'}\n");
    let labelled = templated.replacen("metadata:\n", "metadata: # ours\n  labels: {of: object}\n", 1);
    let before = format!("# head\n{labelled}---\n{CONFIG_MAP}{two}")
        .replace('\n', "\r\n")
        .trim_end()
        .to_owned();
    ensure!(before.contains("made") && before.contains("of: object"), "{before}");
    std::fs::write(&file, &before)?;
    let said = cluster.kubeseal(Ours, &["--re-encrypt", "-f", path], "")?.success()?;
    ensure!(said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}");
    let after = std::fs::read_to_string(&file)?;
    let (old, new): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
    ensure!(old.len() == new.len(), "{before}\n=>\n{after}");
    let mut changed = 0;
    for (old, new) in old.iter().zip(&new).filter(|(old, new)| old != new) {
        let key = |line: &str| line.split(": Ag").next().unwrap_or_default().to_owned();
        ensure!(old.contains(": Ag") && key(old) == key(new), "{old}\n=>\n{new}");
        changed += 1;
    }
    ensure!(
        changed == before.matches(": Ag").count(),
        "{changed} of the ciphertexts changed"
    );
    cluster.kubeseal(Ours, &["--validate", "-f", path], "")?.success()?;
    // To stdout it is the result, in the format that is asked for.
    let printed = cluster.kubeseal(Ours, &["--re-encrypt"], &after)?.success()?;
    ensure!(
        printed.stdout.starts_with("{\n  \"kind\": \"SealedSecret\""),
        "{printed:?}"
    );
    cluster.apply(&after)?;
    for name in ["one", "two"] {
        let wanted = &samples::secret("default", name)["data"];
        cluster.eventually(Duration::from_secs(60), "Secret with its items", || {
            let secret = cluster.get_json(&["secret", name, "-n", "default"])?;
            for (item, value) in wanted.as_object().context("items")? {
                ensure!(&secret["data"][item] == value, "{item}");
            }
            Ok(())
        })?;
    }
    Ok(())
}
