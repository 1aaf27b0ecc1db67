//! An API server that is not what it should be.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;

use crate::fixture::{Lab, SOON, get};
use harness::sealing_keys::SealingKey;

#[test]
fn an_api_server_that_goes_away_for_a_minute_is_survived() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    let certificate = lab.certificate()?;
    let sealed = lab.seal("default", "two", &json!({"a": "2"}), "strict")?;
    lab.cluster.stop_apiserver()?;
    lab.throughout(Duration::from_secs(60), || {
        lab.controller.check_running()?;
        let (code, body) = get(&lab.cluster, "/v1/cert.pem")?;
        ensure!(
            code == 200 && body == certificate,
            "the certificate is served all the same"
        );
        ensure!(get(&lab.cluster, "/livez")?.0 == 200, "a restart would not help");
        Ok(())
    })?;
    ensure!(get(&lab.cluster, "/readyz")?.0 == 200, "what it has, it serves");
    lab.cluster.start_apiserver()?;
    lab.cluster.apply(&sealed.to_string())?;
    lab.await_items("default", "two", &json!({"a": "2"}))?;
    lab.cluster.kubectl_ok(&["delete", "secret", "one"])?;
    lab.await_items("default", "one", &json!({"a": "1"}))?;
    ensure!(
        lab.certificate()? == certificate && lab.key_names()?.len() == 1,
        "no key was made"
    );
    let log = lab.controller.log()?;
    let warnings = log
        .lines()
        .filter(|line| line.contains("level=WARN") || line.contains("level=ERROR"))
        .count();
    ensure!(warnings <= 12, "{warnings} lines about one outage:\n{log}");
    lab.await_log(&["SealedSecrets are watched again"])?;

    // Keys are watched as before, not listed every 10 s: after the first, the second would come too late.
    let folder = tempfile::tempdir()?;
    for (number, within) in [(0u8, SOON), (1, Duration::from_secs(6))] {
        let mut secret = SealingKey::generate(folder.path(), 2048)?.secret()?;
        secret["metadata"]["name"] = json!(format!("brought-{number}"));
        lab.cluster.apply(&secret.to_string())?;
        lab.cluster.eventually(within, "the key that was brought", || {
            let held = lab.metric("sealed_secrets_controller_held_keys")?;
            ensure!(held == f64::from(number + 2), "{held} keys are held");
            Ok(())
        })?;
    }
    let log = lab.controller.log()?;
    ensure!(!log.contains("key Secrets cannot be watched"), "{log}");
    Ok(())
}

#[test]
fn a_missing_definition_at_the_start_is_waited_for() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let crd = "sealedsecrets.bitnami.com";
    let mut definition = lab.cluster.get_json(&["crd", crd])?;
    lab.cluster.kubectl_ok(&["delete", "crd", crd])?;
    lab.restart(&["--key-size=2048"])?;
    let (code, _) = get(&lab.cluster, "/readyz")?;
    ensure!(code == 503, "{code} without the definition of what it serves");
    lab.await_log(&["level=WARN", "SealedSecrets cannot be watched"])?;

    definition["metadata"] = json!({"name": crd});
    definition["status"] = json!(null);
    lab.cluster.apply(&definition.to_string())?;
    lab.cluster.await_crd(crd)?;
    lab.unseal("default", "one", &json!({"a": "1"}))?;
    ensure!(get(&lab.cluster, "/readyz")?.0 == 200, "it serves and is not ready");
    Ok(())
}

#[test]
fn a_write_that_is_refused_is_tried_again_for_as_long_as_it_is() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048", "--max-unseal-retries=2"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "full"])?;
    let name = json!({"name": "no-secrets"});
    let of = |kind: &str, spec: serde_json::Value| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": name, "spec": spec});
    let in_namespace = json!({"matchLabels": {"kubernetes.io/metadata.name": "full"}});
    let secrets =
        json!([{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}]);
    let rule = json!([{"expression": "false", "message": "no more secrets here"}]);
    let policy = of(
        "ValidatingAdmissionPolicy",
        json!({"matchConstraints": {"resourceRules": secrets}, "validations": rule}),
    );
    let binding = of(
        "ValidatingAdmissionPolicyBinding",
        json!({
            "policyName": "no-secrets", "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": in_namespace},
        }),
    );
    lab.cluster.apply(&policy.to_string())?;
    lab.cluster.apply(&binding.to_string())?;
    lab.cluster.eventually(SOON, "policy in force", || {
        let probe = lab
            .cluster
            .kubectl(&["create", "secret", "generic", "probe", "-n", "full", "--dry-run=server"])?;
        ensure!(probe.stderr.contains("no more secrets here"), "{probe}");
        Ok(())
    })?;
    lab.cluster
        .apply(&lab.seal("full", "one", &json!({"a": "1"}), "strict")?.to_string())?;
    let sealed = lab.await_condition("full", "one", "Synced", "False")?;
    let status = sealed["status"].to_string();
    ensure!(
        status.contains("no more secrets here") && status.contains("UpdateFailed"),
        "{status}"
    );
    ensure!(!status.contains("Stalled"), "a timer tries again: {status}");
    lab.cluster
        .kubectl_ok(&["delete", "validatingadmissionpolicybinding", "no-secrets"])?;
    lab.await_items("full", "one", &json!({"a": "1"}))?;
    lab.await_condition("full", "one", "Synced", "True")?;
    let warnings: Vec<_> = lab
        .events("full", "one")?
        .into_iter()
        .filter(|event| event.starts_with("Warning"))
        .collect();
    ensure!(warnings.len() == 1, "said once: {warnings:?}");
    Ok(())
}

/// A policy refuses them; the object may also be so large that etcd takes no status beside it.
#[test]
fn statuses_that_cannot_be_written_have_nothing_rendered_again() -> Result<()> {
    let lab = Lab::start(&["--key-size=2048"])?;
    lab.cluster.kubectl_ok(&["create", "namespace", "mute"])?;
    refuse_statuses(&lab)?;
    let name = apply_until_refused(&lab)?;
    // Permanent failures: of the template, and of the Secret.
    let mut failing = random_object("failing");
    failing["spec"]["template"]["data"]["a"] = json!("{{ fail \"a\" }}");
    let mut refused = random_object("refused");
    refused["spec"]["template"]["type"] = json!("kubernetes.io/service-account-token");
    let names = [name.as_str(), "failing", "refused"];
    for object in [failing, refused] {
        lab.cluster.apply(&object.to_string())?;
    }
    let all = || {
        let log = lab.controller.log()?;
        anyhow::Ok(names.map(|name| rendered(&log, name)))
    };
    lab.cluster.eventually(SOON, "the first passes", || {
        let rendered = all()?;
        ensure!(rendered.iter().all(|times| *times >= 1), "{rendered:?}");
        Ok(())
    })?;
    std::thread::sleep(Duration::from_secs(8));
    ensure!(all()? == [1; 3], "{names:?}: {:?}", all()?);
    lab.cluster
        .kubectl_ok(&["delete", "validatingadmissionpolicybinding", "no-status"])?;
    for (name, synced) in names.into_iter().zip(["True", "False", "False"]) {
        lab.await_condition("mute", name, "Synced", synced)?;
    }
    ensure!(all()? == [1; 3], "{names:?}: {:?}", all()?);
    let version = lab.cluster.get_json(&["secret", &name, "-n", "mute"])?["metadata"]["resourceVersion"].clone();
    let status = lab.cluster.get_json(&["sealedsecret", &name, "-n", "mute"])?["status"].clone();
    ensure!(status["written"]["resourceVersion"] == version, "{status}");
    Ok(())
}

/// A policy that refuses statuses in the namespace `mute`.
fn refuse_statuses(lab: &Lab) -> Result<()> {
    let of = |kind: &str, spec: serde_json::Value| {
        json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "no-status"}, "spec": spec,
        })
    };
    let statuses = json!([{
        "apiGroups": ["bitnami.com"], "apiVersions": ["v1alpha1"], "operations": ["UPDATE"], "resources": ["sealedsecrets/status"],
    }]);
    let rule = json!([{"expression": "false", "message": "no statuses here"}]);
    let policy = json!({"matchConstraints": {"resourceRules": statuses}, "validations": rule});
    let binding = json!({
        "policyName": "no-status", "validationActions": ["Deny"],
        "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "mute"}}},
    });
    lab.cluster
        .apply(&of("ValidatingAdmissionPolicy", policy).to_string())?;
    lab.cluster
        .apply(&of("ValidatingAdmissionPolicyBinding", binding).to_string())
        .map(drop)
}

/// How often the object was rendered, by the log.
fn rendered(log: &str, name: &str) -> usize {
    let key = format!("key=mute/{name}");
    log.lines()
        .filter(|line| line.contains("Updating") && line.contains(&key))
        .count()
}

/// An object whose Secret differs each time that it is rendered.
fn random_object(name: &str) -> serde_json::Value {
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": name, "namespace": "mute"},
        "spec": {"encryptedData": {}, "template": {"data": {"a": "{{ randAlphaNum 8 }}"}}},
    })
}

/// Applies objects until the policy is in force; gives the name of the first whose status was refused.
fn apply_until_refused(lab: &Lab) -> Result<String> {
    let mut made = 0;
    lab.cluster.eventually(4 * SOON, "policy in force", || {
        made += 1;
        let name = format!("one-{made}");
        lab.cluster.apply(&random_object(&name).to_string())?;
        std::thread::sleep(Duration::from_secs(2));
        let log = lab.controller.log()?;
        ensure!(
            log.lines()
                .any(|line| line.contains("no statuses here") && line.contains(&name))
        );
        Ok(name)
    })
}

#[test]
fn requests_are_paced_where_a_rate_is_asked_for() -> Result<()> {
    let mut lab = Lab::start(&["--key-size=2048"])?;
    let mut sealed = lab.seal("default", "any", &json!({"a": "1"}), "cluster-wide")?;
    let many: Vec<String> = (0..15).map(|number| format!("one-{number}")).collect();
    let status = lab.controller.terminate(SOON)?;
    ensure!(status.success(), "{status}");
    let mut manifests = String::new();
    for name in &many {
        sealed["metadata"]["name"] = json!(name);
        manifests.push_str(&format!("---\n{sealed}\n"));
    }
    lab.cluster.apply(&manifests)?;
    let time_with = |lab: &mut Lab, flags: &[&str]| -> Result<Duration> {
        lab.controller = lab
            .cluster
            .start_controller(harness::implementation::Implementation::Ours, flags)?;
        let start = std::time::Instant::now();
        for name in &many {
            lab.await_condition("default", name, "Synced", "True")?;
        }
        let status = lab.controller.terminate(SOON)?;
        ensure!(status.success(), "{status}");
        Ok(start.elapsed())
    };
    // At least a Secret and a status for each.
    let paced = time_with(&mut lab, &["--kubeclient-qps=5", "--kubeclient-burst=5"])?;
    ensure!(
        paced > Duration::from_secs(4),
        "30 requests at 5 a second took {paced:?}"
    );
    lab.cluster.kubectl_ok(&["delete", "sealedsecrets", "--all"])?;
    lab.cluster.eventually(SOON, "garbage collection", || {
        ensure!(lab.is_absent("default", "one-0")? && lab.is_absent("default", "one-14")?);
        Ok(())
    })?;
    lab.cluster.apply(&manifests)?;
    let free = time_with(&mut lab, &[])?;
    ensure!(free < paced, "without a rate it took {free:?}, with one {paced:?}");
    Ok(())
}
