//! `kubeseal keys`, and what a backup opens.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::implementation::NAMESPACE;
use serde_json::json;

use crate::fixture::{Laptop, secret, stop};

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
    list_current_key(&laptop)?;
    back_up(&laptop)?;
    open_with_backups(&laptop)?;

    // Another cluster: no key, no controller yet.
    stop(controller)?;
    laptop.wipe_keys()?;
    let names = restore(&laptop)?;
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

fn list_current_key(laptop: &Laptop) -> Result<()> {
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
    Ok(())
}

/// Writes `keys.yaml` in clear, which Git must ignore, and `keys.age`, which is encrypted.
fn back_up(laptop: &Laptop) -> Result<()> {
    laptop.git(&["init", "--quiet"])?;
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
    let (saved, warned) = laptop.redirected("keys backup --unencrypted", 0o644)?;
    ensure!(saved == std::fs::read_to_string(laptop.path("keys.yaml"))?);
    ensure!(warned.starts_with("warning: others may read the file"), "{warned}");
    let (_, warned) = laptop.redirected("keys backup --unencrypted", 0o600)?;
    ensure!(warned.is_empty(), "{warned}");
    laptop.ok(&format!("keys backup -r {RECIPIENT} -w keys.age"), "")?;
    let encrypted = std::fs::read_to_string(laptop.path("keys.age"))?;
    ensure!(
        encrypted.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"),
        "{encrypted}"
    );
    Ok(())
}

/// Either backup opens what was sealed; the encrypted one needs its identity.
fn open_with_backups(laptop: &Laptop) -> Result<()> {
    let sealed = laptop.ok("", &secret("default", "one").to_string())?;
    let opened = laptop.ok("--recovery-unseal --recovery-private-key keys.yaml", &sealed)?;
    ensure!(opened.contains("\"password\""), "the backup opens what was sealed");
    std::fs::write(laptop.path("identity.txt"), format!("# mine\n{IDENTITY}\n"))?;
    let by_age = "--recovery-unseal --recovery-private-key keys.age";
    ensure!(laptop.ok(&format!("{by_age} --identity identity.txt"), &sealed)? == opened);
    let refused = laptop.kubeseal(by_age, &sealed)?;
    ensure!(
        refused.stderr.contains("keys.age is encrypted with age") && refused.stdout.is_empty(),
        "{refused:?}"
    );
    Ok(())
}

/// Restores the encrypted backup into a cluster without keys; gives the names of the keys.
fn restore(laptop: &Laptop) -> Result<Vec<String>> {
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
    Ok(names)
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
