//! kubectl on our objects: columns, explain, diff, apply.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use harness::implementation::reference_crd;
use harness::namespace::TempNamespace;
use harness::output::Captured;
use serde_json::{Value, json};

use crate::fixture::Lab;

/// A namespace in which kubectl is typed.
struct Desk<'a> {
    lab: &'a Lab,
    space: TempNamespace<'a>,
    folder: tempfile::TempDir,
}

impl Desk<'_> {
    fn new() -> Result<Desk<'static>> {
        let lab = Lab::shared()?;
        Ok(Desk {
            lab,
            space: TempNamespace::create(&lab.cluster)?,
            folder: tempfile::tempdir()?,
        })
    }

    /// `kubectl LINE -n NAMESPACE`; how it ended is the caller's to judge.
    fn try_kubectl(&self, line: &str) -> Result<Captured> {
        let mut arguments: Vec<&str> = line.split_whitespace().collect();
        arguments.extend(["-n", self.space.name()]);
        self.lab.cluster.kubectl(&arguments)
    }

    fn kubectl(&self, line: &str) -> Result<String> {
        Ok(self.try_kubectl(line)?.success()?.stdout)
    }

    fn sealed(&self, name: &str, items: &Value) -> Result<Value> {
        self.lab.seal(self.space.name(), name, items, "strict")
    }

    /// One that does not open: it was sealed under another name.
    fn broken(&self, name: &str) -> Result<Value> {
        let mut sealed = self.sealed("another", &json!({"a": "1"}))?;
        sealed["metadata"]["name"] = json!(name);
        Ok(sealed)
    }

    /// Writes an object to a file; gives the file's path as a word for [`Desk::kubectl`].
    fn file(&self, name: &str, object: &Value) -> Result<String> {
        let path: PathBuf = self.folder.path().join(format!("{name}.json"));
        std::fs::write(&path, object.to_string())?;
        Ok(path.display().to_string())
    }

    fn items(&self, name: &str) -> Result<Value> {
        self.lab.items(self.space.name(), name)
    }
}

#[test]
fn wait_ends_when_the_secret_is_there_and_not_before() -> Result<()> {
    let desk = Desk::new()?;
    for round in ["1", "2", "3", "4"] {
        let items = json!({"a": round});
        desk.lab.cluster.apply(&desk.sealed("one", &items)?.to_string())?;
        // The condition of the round before is true still, and must not count.
        for condition in ["Synced", "Ready", "synced"] {
            desk.kubectl(&format!(
                "wait --for=condition={condition} --timeout=30s sealedsecret/one"
            ))?;
            ensure!(
                desk.items("one")? == items,
                "{condition} before its time: {}",
                desk.items("one")?
            );
        }
    }
    desk.lab.cluster.apply(&desk.broken("two")?.to_string())?;
    desk.kubectl("wait --for=condition=Synced=False --timeout=30s sealedsecret/two")?;
    desk.kubectl("wait --for=condition=Stalled --timeout=30s sealedsecret/two")?;
    for condition in ["Synced", "Ready"] {
        let waited = desk.try_kubectl(&format!(
            "wait --for=condition={condition} --timeout=1s sealedsecret/two"
        ))?;
        ensure!(
            waited.code() == 1 && waited.stderr.contains("timed out waiting"),
            "{waited}"
        );
    }
    Ok(())
}

#[test]
fn get_has_the_references_columns() -> Result<()> {
    let desk = Desk::new()?;
    desk.lab
        .cluster
        .apply(&desk.sealed("good", &json!({"a": "1"}))?.to_string())?;
    desk.lab.cluster.apply(&desk.broken("wrong")?.to_string())?;
    desk.kubectl("wait --for=condition=Synced --timeout=30s sealedsecret/good")?;
    desk.kubectl("wait --for=condition=Stalled --timeout=30s sealedsecret/wrong")?;
    let table = desk.kubectl("get sealedsecrets")?;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    ensure!(lines[0] == ["NAME", "STATUS", "SYNCED", "AGE"], "{table}");
    ensure!(lines[1][..2] == ["good", "True"], "{table}");
    ensure!(
        lines[2][0] == "wrong" && table.contains("no key could decrypt secret (a)"),
        "{table}"
    );
    ensure!(lines[2].contains(&"False"), "{table}");

    let reference = &desk.lab.cluster.objects_at(&reference_crd()?)?[0];
    let ours: Value = serde_json::from_str(&desk.kubectl("get crd sealedsecrets.bitnami.com -o json")?)?;
    let columns = "/spec/versions/0/additionalPrinterColumns";
    ensure!(
        ours.pointer(columns).is_some() && ours.pointer(columns) == reference.pointer(columns),
        "{ours}"
    );
    Ok(())
}

#[test]
fn describe_shows_why_and_when() -> Result<()> {
    let desk = Desk::new()?;
    desk.lab.cluster.apply(&desk.broken("one")?.to_string())?;
    desk.lab.await_condition(desk.space.name(), "one", "Stalled", "True")?;
    desk.lab
        .cluster
        .apply(&desk.sealed("one", &json!({"a": "1"}))?.to_string())?;
    desk.kubectl("wait --for=condition=Synced --timeout=30s sealedsecret/one")?;
    desk.lab
        .cluster
        .eventually(crate::fixture::SOON, "events in the description", || {
            let description = desk.kubectl("describe sealedsecret one")?;
            for part in [
                "Type:                  Synced",
                "Type:                  Ready",
                "Observed Generation:",
                "ErrUnsealFailed",
                "no key could decrypt secret (a)",
                "SealedSecret unsealed successfully",
            ] {
                ensure!(description.contains(part), "no {part:?} in\n{description}");
            }
            Ok(())
        })
}

/// A unit test of the types holds that every field has a text; here it comes out of kubectl.
#[test]
fn explain_has_something_to_say_of_every_level() -> Result<()> {
    let desk = Desk::new()?;
    for (field, text) in [
        ("sealedsecret", "sealed (encrypted)"),
        ("sealedsecret.spec", "ciphertexts by item name"),
        ("sealedsecret.spec.encryptedData", "base64"),
        ("sealedsecret.spec.template.metadata.labels", "Labels of the Secret"),
        ("sealedsecret.status.conditions.reason", "CamelCase"),
    ] {
        let explained = desk.kubectl(&format!("explain {field}"))?;
        ensure!(explained.contains(text), "{field}: {explained}");
    }
    let fields = desk.kubectl("explain sealedsecret --recursive")?;
    for field in [
        "encryptedData",
        "immutable",
        "observedGeneration",
        "openedBy",
        "lastTransitionTime",
    ] {
        ensure!(fields.contains(field), "no {field} in\n{fields}");
    }
    Ok(())
}

#[test]
fn diff_shows_our_changes_and_not_the_controllers() -> Result<()> {
    let desk = Desk::new()?;
    for (side, name) in [("", "client"), ("--server-side", "server")] {
        let file = desk.file(name, &desk.sealed(name, &json!({"a": "1"}))?)?;
        let edited = desk.file("edited", &desk.sealed(name, &json!({"a": "2"}))?)?;
        desk.kubectl(&format!("apply {side} -f {file}"))?;
        desk.kubectl(&format!(
            "wait --for=condition=Synced --timeout=30s sealedsecret/{name}"
        ))?;
        let same = desk.try_kubectl(&format!("diff {side} -f {file}"))?;
        ensure!(same.code() == 0 && same.stdout.is_empty(), "{name}: {same}");
        let other = desk.try_kubectl(&format!("diff {side} -f {edited}"))?;
        let changed: Vec<&str> = other
            .stdout
            .lines()
            .filter(|line| (line.starts_with("+ ") || line.starts_with("- ")) && !line.contains("generation:"))
            .collect();
        ensure!(other.code() == 1, "{name}: {other}");
        ensure!(
            changed.len() == 2 && changed.iter().all(|line| line.contains(" a: ")),
            "{name}: {changed:#?}"
        );
    }
    Ok(())
}

#[test]
fn two_managers_and_the_controller_own_what_is_theirs() -> Result<()> {
    let desk = Desk::new()?;
    let whole = desk.sealed("one", &json!({"a": "1", "b": "2", "c": "3"}))?;
    let only = |items: &[&str]| {
        let mut part = whole.clone();
        let all = part["spec"]["encryptedData"].as_object_mut().context("items")?;
        all.retain(|item, _| items.contains(&item.as_str()));
        anyhow::Ok(part)
    };
    let of_flux = desk.file("flux", &only(&["a", "b"])?)?;
    let of_team = desk.file("team", &only(&["c"])?)?;
    let mut stranger = only(&["b"])?;
    stranger["spec"]["encryptedData"]["b"] =
        desk.sealed("one", &json!({"b": "4"}))?["spec"]["encryptedData"]["b"].clone();
    let of_stranger = desk.file("stranger", &stranger)?;
    let apply = |manager: &str, file: &str| {
        desk.try_kubectl(&format!("apply --server-side --field-manager={manager} -f {file}"))
    };
    let synced = "wait --for=condition=Synced --timeout=30s sealedsecret/one";

    apply("flux", &of_flux)?.success()?;
    apply("team", &of_team)?.success()?;
    desk.kubectl(synced)?;
    ensure!(
        desk.items("one")? == json!({"a": "1", "b": "2", "c": "3"}),
        "{}",
        desk.items("one")?
    );
    // The controller's writes cause no conflict.
    apply("flux", &of_flux)?.success()?;
    let refused = apply("stranger", &of_stranger)?;
    ensure!(
        refused.code() == 1
            && refused.stderr.contains("conflict with \"flux\"")
            && refused.stderr.contains("encryptedData.b"),
        "{refused}"
    );
    desk.kubectl(&format!(
        "apply --server-side --force-conflicts --field-manager=stranger -f {of_stranger}"
    ))?;
    desk.kubectl(synced)?;
    ensure!(
        desk.items("one")? == json!({"a": "1", "b": "4", "c": "3"}),
        "{}",
        desk.items("one")?
    );

    let controller = controller_of_the_status(&desk)?;
    // The controller owns the items of the Secret.
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one"}, "data": {"a": "eA=="}});
    let refused = apply("stranger", &desk.file("secret", &secret)?)?;
    ensure!(
        refused.code() == 1 && refused.stderr.contains(&format!("conflict with \"{controller}\"")),
        "{refused}"
    );
    Ok(())
}

/// The manager that owns the status of the SealedSecret, and nothing else of it, beside the three others.
fn controller_of_the_status(desk: &Desk<'_>) -> Result<String> {
    let sealed: Value = serde_json::from_str(&desk.kubectl("get sealedsecret one -o json --show-managed-fields")?)?;
    let owners = owners(&sealed)?;
    ensure!(owners.len() == 4, "flux, team, stranger, the controller: {owners:?}");
    let (controller, fields) = owners
        .iter()
        .find(|(_, entry)| entry["subresource"] == "status")
        .context("the controller writes the status")?;
    ensure!(
        !["flux", "team", "stranger"].contains(&controller.as_str()),
        "{controller}"
    );
    let fields: Vec<_> = fields["fieldsV1"].as_object().context("fields")?.keys().collect();
    ensure!(
        fields == ["f:status"],
        "the controller owns {fields:?} of the SealedSecret"
    );
    Ok(controller.clone())
}

/// Manager → its entry of `managedFields`.
fn owners(object: &Value) -> Result<Vec<(String, &Value)>> {
    object["metadata"]["managedFields"]
        .as_array()
        .context("managed fields")?
        .iter()
        .map(|entry| Ok((entry["manager"].as_str().context("a manager")?.to_owned(), entry)))
        .collect()
}

#[test]
fn client_side_apply_takes_items_out_and_its_annotation_stays_where_it_is() -> Result<()> {
    let desk = Desk::new()?;
    let last_applied = "kubectl.kubernetes.io/last-applied-configuration";
    let whole = desk.sealed("one", &json!({"a": "1", "b": "2"}))?;
    let file = desk.file("one", &whole)?;
    let synced = "wait --for=condition=Synced --timeout=30s sealedsecret/one";
    desk.kubectl(&format!("apply -f {file}"))?;
    desk.kubectl(synced)?;
    let again = desk.kubectl(&format!("apply -f {file}"))?;
    ensure!(again.contains("unchanged"), "{again}");
    let sealed = desk.lab.sealed(desk.space.name(), "one")?;
    ensure!(sealed["metadata"]["annotations"][last_applied].is_string(), "{sealed}");
    let secret: Value = serde_json::from_str(&desk.kubectl("get secret one -o json")?)?;
    ensure!(
        secret["metadata"]["annotations"][last_applied].is_null(),
        "{}",
        secret["metadata"]
    );

    let mut less = whole;
    less["spec"]["encryptedData"]
        .as_object_mut()
        .context("items")?
        .remove("b");
    desk.kubectl(&format!("apply -f {}", desk.file("less", &less)?))?;
    desk.kubectl(synced)?;
    ensure!(desk.items("one")? == json!({"a": "1"}), "{}", desk.items("one")?);
    Ok(())
}
