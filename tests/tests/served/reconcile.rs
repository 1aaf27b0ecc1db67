//! SealedSecrets become Secrets, and stay so.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::cluster::Request;
use harness::implementation::Implementation;
use harness::namespace::TempNamespace;
use harness::peers;
use harness::samples;
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of};

#[test]
fn created_edited_deleted() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let secret = samples::secret(space.name(), "one");
    let sealed = lab.cluster.seal(Implementation::Reference, &[], &secret)?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.cluster.eventually(SOON, "every item, byte for byte", || {
        let found = lab.cluster.get_json(&["secret", "one", "-n", space.name()])?;
        ensure!(found["data"] == secret["data"] && found["type"] == "Opaque", "{found}");
        ensure!(found["metadata"]["ownerReferences"][0]["name"] == "one", "{found}");
        Ok(())
    })?;
    lab.unseal(space.name(), "one", &json!({"edited": "yes"}))?;
    lab.cluster
        .kubectl_ok(&["delete", "sealedsecret", "one", "-n", space.name()])?;
    lab.cluster.eventually(SOON, "garbage collection", || {
        ensure!(lab.is_absent(space.name(), "one")?);
        Ok(())
    })
}

#[test]
fn a_deleted_secret_comes_back_at_once() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let items = json!({"a": "1"});
    lab.unseal(space.name(), "one", &items)?;
    lab.cluster
        .kubectl_ok(&["delete", "secret", "one", "-n", space.name()])?;
    let start = Instant::now();
    lab.await_items(space.name(), "one", &items)?;
    ensure!(
        start.elapsed() < Duration::from_secs(5),
        "it took {:?}",
        start.elapsed()
    );
    Ok(())
}

#[test]
fn a_foreign_secret_is_not_touched_and_its_place_is_taken_only_when_it_is_free() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let foreign = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": space.name()},
        "stringData": {"a": "theirs"},
    });
    lab.cluster.apply(&foreign.to_string())?;
    let items = json!({"a": "ours"});
    lab.cluster
        .apply(&lab.seal(space.name(), "one", &items, "strict")?.to_string())?;
    let sealed = lab.await_condition(space.name(), "one", "Synced", "False")?;
    let synced = condition_of(&sealed, "Synced");
    ensure!(synced["reason"] == "NotManaged", "{synced}");
    ensure!(
        condition_of(&sealed, "Stalled").is_null() && condition_of(&sealed, "Reconciling")["status"] == "True",
        "it is tried again: {}",
        sealed["status"]
    );
    ensure!(lab.items(space.name(), "one")? == json!({"a": "theirs"}));

    lab.cluster
        .kubectl_ok(&["delete", "secret", "one", "-n", space.name()])?;
    lab.throughout(Duration::from_millis(1500), || {
        ensure!(lab.is_absent(space.name(), "one")?, "its place was taken at once");
        Ok(())
    })?;
    lab.await_items(space.name(), "one", &items)?;
    lab.await_condition(space.name(), "one", "Synced", "True").map(drop)
}

/// A foreign Secret in the way, and a template without an owner: in both cases the templates are rendered once.
#[test]
fn blocked_objects_are_not_rendered_again() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let foreign = |value: usize| {
        let object = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs", "namespace": space.name()},
            "stringData": {"a": format!("theirs {value}")},
        });
        lab.cluster.apply(&object.to_string())
    };
    foreign(0)?;
    let object = |name: &str, annotations: Value| {
        json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"name": name, "namespace": space.name()},
            "spec": {"encryptedData": {}, "template": {
                "metadata": {"annotations": annotations}, "data": {"a": "{{ randAlphaNum 8 }}"}}},
        })
    };
    let nobodys = json!({"sealedsecrets.bitnami.com/skip-set-owner-references": "true"});
    lab.cluster.apply(&object("theirs", json!({})).to_string())?;
    lab.cluster.apply(&object("nobodys", nobodys).to_string())?;
    for name in ["theirs", "nobodys"] {
        lab.await_condition(space.name(), name, "Synced", "False")?;
    }
    // Retries come after 2, 4 and 8 s, and each change of a Secret wakes its object.
    for value in 1..6 {
        std::thread::sleep(Duration::from_secs(2));
        foreign(value)?;
    }
    let log = lab.controller.log()?;
    for name in ["theirs", "nobodys"] {
        let key = format!("key={}/{name}", space.name());
        let opened = log
            .lines()
            .filter(|line| line.contains("Updating") && line.contains(&key))
            .count();
        ensure!((1..=2).contains(&opened), "{name} was opened {opened} times");
    }
    lab.cluster
        .kubectl_ok(&["delete", "secret", "theirs", "-n", space.name()])?;
    lab.await_condition(space.name(), "theirs", "Synced", "True").map(drop)
}

#[test]
fn a_patched_secret_that_is_deleted_stays_away() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let patched = json!({
        "apiVersion": "v1", "kind": "Secret", "stringData": {"b": "theirs"},
        "metadata": {
            "name": "one", "namespace": space.name(), "annotations": {"sealedsecrets.bitnami.com/patch": "true"},
        },
    });
    lab.cluster.apply(&patched.to_string())?;
    lab.cluster.apply(
        &lab.seal(space.name(), "one", &json!({"a": "ours"}), "strict")?
            .to_string(),
    )?;
    lab.await_items(space.name(), "one", &json!({"a": "ours", "b": "theirs"}))?;
    lab.await_condition(space.name(), "one", "Synced", "True")?;
    lab.cluster
        .kubectl_ok(&["delete", "secret", "one", "-n", space.name()])?;
    lab.throughout(Duration::from_secs(4), || {
        ensure!(lab.is_absent(space.name(), "one")?, "it came back");
        Ok(())
    })
}

#[test]
fn a_sealed_secret_made_anew_gets_its_secret_when_the_old_one_has_gone() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    lab.unseal(space.name(), "one", &json!({"a": "old"}))?;
    let old = lab.sealed(space.name(), "one")?["metadata"]["uid"].clone();
    lab.cluster
        .kubectl_ok(&["delete", "sealedsecret", "one", "-n", space.name(), "--wait=false"])?;
    lab.unseal(space.name(), "one", &json!({"a": "new"}))?;
    let new = lab.sealed(space.name(), "one")?["metadata"]["uid"].clone();
    ensure!(new != old, "made anew");
    // The garbage collector may have been slower than the edit: what counts is the end.
    lab.cluster.eventually(SOON, "Secret of the new one", || {
        let secret = lab.cluster.get_json(&["secret", "one", "-n", space.name()])?;
        ensure!(secret["metadata"]["ownerReferences"][0]["uid"] == new, "{secret}");
        Ok(())
    })?;
    lab.await_items(space.name(), "one", &json!({"a": "new"}))
}

#[test]
fn drift_is_repaired_and_what_others_added_stays() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let items = json!({"a": "1"});
    lab.unseal(space.name(), "one", &items)?;
    lab.cluster
        .kubectl_ok(&["label", "secret", "one", "-n", space.name(), "added=by-somebody"])?;
    let drift = json!({"stringData": {"a": "wrong", "b": "more"}});
    lab.patch_secret(space.name(), "one", &drift)?;
    lab.await_items(space.name(), "one", &items)?;
    let secret = lab.cluster.get_json(&["secret", "one", "-n", space.name()])?;
    ensure!(secret["metadata"]["labels"]["added"] == "by-somebody", "{secret}");
    Ok(())
}

#[test]
fn a_change_of_the_scope_annotation_alone_counts() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let items = json!({"a": "1"});
    let mut sealed = lab.seal("elsewhere", "other", &items, "cluster-wide")?;
    sealed["metadata"] = json!({"name": "one", "namespace": space.name()});
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_condition(space.name(), "one", "Stalled", "True")?;
    let annotation = "sealedsecrets.bitnami.com/cluster-wide=true";
    lab.cluster
        .kubectl_ok(&["annotate", "sealedsecret", "one", "-n", space.name(), annotation])?;
    lab.await_items(space.name(), "one", &items)?;
    let sealed = lab.await_condition(space.name(), "one", "Synced", "True")?;
    ensure!(sealed["metadata"]["generation"] == 1, "the spec did not change");
    ensure!(condition_of(&sealed, "Stalled").is_null(), "{}", sealed["status"]);
    Ok(())
}

#[test]
fn each_broken_item_is_named_and_no_secret_is_made() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let mut sealed = lab.seal(space.name(), "one", &json!({"good": "1", "moved": "2"}), "strict")?;
    let elsewhere = lab.seal(space.name(), "another", &json!({"moved": "2"}), "strict")?;
    sealed["spec"]["encryptedData"]["moved"] = elsewhere["spec"]["encryptedData"]["moved"].clone();
    sealed["spec"]["encryptedData"]["placeholder"] = json!("AgBy3i4OJSWK+PiTySYZZA9rO43cGDEq...");
    sealed["spec"]["encryptedData"]["short"] = json!("AQ==");
    lab.cluster.apply(&sealed.to_string())?;
    let sealed = lab.await_condition(space.name(), "one", "Stalled", "True")?;
    let message = condition_of(&sealed, "Synced")["message"].to_string();
    for item in ["moved", "placeholder", "short"] {
        ensure!(message.contains(&format!("({item})")), "{item} in {message}");
    }
    ensure!(!message.contains("good"), "{message}");
    ensure!(lab.is_absent(space.name(), "one")?);
    Ok(())
}

#[test]
fn an_immutable_secret_is_made_and_never_fought_with() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let immutable = |items: Value| -> Result<()> {
        let mut sealed = lab.seal(space.name(), "one", &items, "strict")?;
        sealed["spec"]["template"]["immutable"] = json!(true);
        lab.cluster.apply(&sealed.to_string()).map(drop)
    };
    immutable(json!({"a": "1"}))?;
    lab.await_items(space.name(), "one", &json!({"a": "1"}))?;
    lab.await_condition(space.name(), "one", "Synced", "True")?;
    immutable(json!({"a": "2"}))?;
    let sealed = lab.await_condition(space.name(), "one", "Synced", "False")?;
    ensure!(
        condition_of(&sealed, "Synced")["reason"] == "SecretImmutable",
        "{}",
        sealed["status"]
    );
    lab.cluster
        .kubectl_ok(&["delete", "secret", "one", "-n", space.name()])?;
    lab.await_items(space.name(), "one", &json!({"a": "2"}))?;
    lab.await_condition(space.name(), "one", "Synced", "True").map(drop)
}

#[test]
fn only_the_labelled_ones_of_the_listed_namespaces_are_served() -> Result<()> {
    let lab = Lab::start(&["--additional-namespaces=served", "--label-selector=serve=yes"])?;
    for space in ["served", "not-served"] {
        lab.cluster.kubectl_ok(&["create", "namespace", space])?;
        for (name, label) in [("labelled", "yes"), ("not-labelled", "no")] {
            let mut sealed = lab.seal(space, name, &json!({"a": "1"}), "strict")?;
            sealed["metadata"]["labels"] = json!({"serve": label});
            lab.cluster.apply(&sealed.to_string())?;
        }
    }
    // The namespace did not exist when the controller started.
    lab.await_items("served", "labelled", &json!({"a": "1"}))?;
    lab.throughout(Duration::from_secs(2), || {
        for (space, name) in [
            ("served", "not-labelled"),
            ("not-served", "labelled"),
            ("not-served", "not-labelled"),
        ] {
            ensure!(lab.is_absent(space, name)?, "{space}/{name}");
        }
        Ok(())
    })
}

/// Another controller that wants another Secret: both would write without end, as fast as the API server answers.
#[test]
fn a_secret_that_somebody_writes_back_at_once_is_put_right_at_growing_pauses() -> Result<()> {
    let lab = Lab::shared()?;
    let space = TempNamespace::create(&lab.cluster)?;
    let items = json!({"a": "ours"});
    lab.unseal(space.name(), "one", &items)?;
    let kubectl = lab.cluster.peer(&peers::KUBECTL)?.display().to_string();
    let theirs = format!(
        r#"while :; do '{kubectl}' patch secret one -n {} --type=merge -p '{{"data": {{"a": "dGhlaXJz"}}}}'; done"#,
        space.name()
    );
    let other = lab
        .cluster
        .launch("other", "sh")
        .env("KUBECONFIG", lab.cluster.admin_kubeconfig())
        .args(["-c", &theirs])
        .spawn()?;
    let sealed = lab.await_condition(space.name(), "one", "Synced", "False")?;
    let synced = condition_of(&sealed, "Synced");
    ensure!(synced["reason"] == "SecretContested", "{synced}");
    let message = synced["message"].as_str().unwrap_or_default();
    ensure!(message.contains("\"kubectl-patch\""), "who it is: {message}");
    ensure!(
        condition_of(&sealed, "Reconciling")["status"] == "True",
        "{}",
        sealed["status"]
    );
    // Five at once, then after 2 s, 4 s, …
    std::thread::sleep(Duration::from_secs(5));
    let (written, patched) = (
        count_updates(lab, space.name())?,
        other.log()?.matches("patched").count(),
    );
    ensure!(
        (6..=9).contains(&written) && patched > 2 * written,
        "{written} writes against {patched}"
    );

    drop(other);
    lab.await_items(space.name(), "one", &items)?;
    ensure_managed_by_the_references_name(lab, space.name())?;
    lab.await_condition(space.name(), "one", "Synced", "True").map(drop)
}

/// How often the controller has updated the Secret `one`.
fn count_updates(lab: &Lab, namespace: &str) -> Result<usize> {
    let object = format!("{namespace}/one");
    let requests = lab.cluster.controller_requests()?;
    let is_put = |request: &&Request| request.verb == "update" && request.resource == "secrets";
    Ok(requests
        .iter()
        .filter(is_put)
        .filter(|put| put.object == object)
        .count())
}

fn ensure_managed_by_the_references_name(lab: &Lab, namespace: &str) -> Result<()> {
    let get = [
        "get",
        "secret",
        "one",
        "-n",
        namespace,
        "--show-managed-fields",
        "-o",
        "json",
    ];
    let secret = lab.cluster.kubectl_ok(&get)?.json()?;
    let managers: Vec<_> = secret["metadata"]["managedFields"]
        .as_array()
        .context("managers")?
        .iter()
        .map(|entry| &entry["manager"])
        .collect();
    ensure!(
        managers.contains(&&json!("controller")),
        "the reference's name: {managers:?}"
    );
    Ok(())
}
