//! What administrators put into key Secrets.

use anyhow::{Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::Implementation;
use harness::sealing_keys::SealingKey;
use serde_json::{Value, json};

use crate::keys::await_event;
use crate::lab::{Lab, SOON, get};

#[test]
fn a_key_secret_that_comes_to_hold_another_key_does_not_lose_the_former() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    let sealed = lab.seal("default", "one", &json!({"a": "1"}), "strict")?;
    let [name] = &lab.key_names()?[..] else {
        anyhow::bail!("one key")
    };
    let folder = tempfile::tempdir()?;
    let own = SealingKey::generate(folder.path(), 2048)?;
    let renewed = json!({"data": own.secret()?["data"]}).to_string();
    lab.key("patch", name, &["--type=merge", "-p", &renewed])?;
    let certificate = std::fs::read_to_string(&own.certificate)?;
    lab.cluster.eventually(SOON, "certificate of the other key", || {
        ensure!(lab.certificate()?.trim() == certificate.trim());
        Ok(())
    })?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    lab.unseal("default", "two", &json!({"a": "2"}))?;
    ensure!(lab.metric("sealed_secrets_controller_held_keys")? == 2.0);
    lab.await_log(&["level=WARN", "a key Secret holds another key now"])?;
    await_event(&lab, name, "SealingKeyGone")?;
    lab.key("delete", name, &[])?;
    lab.await_log(&["level=WARN", "a key Secret was deleted"]).map(drop)
}

/// `tls.crt` with the CA in front of the key's own certificate: both open what was sealed for the key.
#[test]
fn a_chain_that_begins_with_its_ca_is_loaded() -> Result<()> {
    let (folder, ca_folder) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let own = SealingKey::generate(folder.path(), 2048)?;
    let ca = SealingKey::generate(ca_folder.path(), 2048)?;
    let certificate = std::fs::read_to_string(&own.certificate)?;
    let chain = format!("{}{certificate}", std::fs::read_to_string(&ca.certificate)?);
    let mut secret = own.secret()?;
    secret["data"]["tls.crt"] = Value::Null;
    secret["stringData"] = json!({"tls.crt": chain});
    let items = json!({"a": "1"});
    let sealed = Lab::seal_with(&certificate, "default", "one", &items, "strict")?;
    for implementation in [Implementation::Reference, Implementation::Ours] {
        let cluster = Cluster::start()?;
        cluster.install(implementation)?;
        cluster.apply(&secret.to_string())?;
        let _controller = cluster.start_controller(implementation, &[])?;
        cluster.apply(&sealed.to_string())?;
        cluster.eventually(SOON, &format!("Secret by {implementation:?}"), || {
            let found = Lab::items_in(&cluster, "default", "one")?;
            ensure!(found == items, "it has {found}");
            Ok(())
        })?;
        let served = get(&cluster, "/v1/cert.pem")?.1;
        let is_own = served.trim() == certificate.trim();
        // The reference serves the CA's, whose values nothing opens.
        ensure!(
            is_own == (implementation == Implementation::Ours),
            "{implementation:?} serves {served}"
        );
    }
    Ok(())
}
