//! Templates whose results differ from one rendering to the next: made once, or refused.

use anyhow::{Context, Result, ensure};
use harness::cluster::Cluster;
use harness::implementation::Implementation::{Ours, Reference};
use serde_json::{Value, json};

use crate::fixture::{Lab, SOON, condition_of};

const FLAGS: &[&str] = &["--key-size=2048", "--key-renew-period=0"];

impl Lab {
    /// Applies `default/drawn`: a random password beside a text that is always the same.
    fn apply_drawn(&self, user: &str) -> Result<()> {
        let mut sealed = self.seal("default", "drawn", &json!({"user": user}), "strict")?;
        sealed["spec"]["template"]["data"] =
            json!({"fixed": "user={{ .user }}", "password": "{{ .user }}-{{ randAlphaNum 24 }}"});
        self.cluster.apply(&sealed.to_string()).map(drop)
    }

    /// The password, once the Secret is that of this user.
    fn password(&self, user: &str) -> Result<String> {
        self.cluster.eventually(SOON, &format!("the password of {user}"), || {
            let items = self.items("default", "drawn")?;
            ensure!(items["fixed"] == format!("user={user}"), "it has {items}");
            let password = items["password"].as_str().context("no password")?.to_owned();
            ensure!(password.len() == user.len() + 25, "{password}");
            Ok(password)
        })
    }

    /// Restarts the controller; when `marker` is unsealed, all that was found at the start has been worked through.
    fn restart_and_look(&mut self, marker: &str) -> Result<String> {
        self.restart(FLAGS)?;
        self.unseal("default", marker, &json!({"a": "1"}))?;
        self.password("one")
    }

    fn patch_password(&self, item: &Value) -> Result<()> {
        let patch = json!({"data": {"password": item}}).to_string();
        self.cluster
            .kubectl_ok(&["patch", "secret", "drawn", "--type=merge", "-p", &patch])
            .map(drop)
    }
}

/// The reference draws new random values on every pass; the last ones stay.
fn taken_over() -> Result<(Lab, String)> {
    let cluster = Cluster::start()?;
    cluster.install(Reference)?;
    let controller = cluster.start_controller(Reference, &[])?;
    let mut lab = Lab { controller, cluster };
    lab.apply_drawn("one")?;
    lab.password("one")?;
    lab.controller.terminate(SOON)?;
    let drawn = lab.password("one")?;
    lab.cluster.install(Ours)?;
    lab.controller = lab.cluster.start_controller(Ours, FLAGS)?;
    lab.unseal("default", "taken-over", &json!({"a": "1"}))?;
    Ok((lab, drawn))
}

#[test]
fn what_a_template_draws_stays_until_its_object_changes_or_it_is_missing() -> Result<()> {
    let (mut lab, drawn) = taken_over()?;
    ensure!(lab.password("one")? == drawn, "the take-over drew another one");
    lab.await_condition("default", "drawn", "Synced", "True")?;
    ensure!(
        lab.restart_and_look("restarted")? == drawn,
        "a restart drew another one"
    );
    let wipe = json!({"status": null}).to_string();
    let wipe = [
        "patch",
        "sealedsecret",
        "drawn",
        "--subresource=status",
        "--type=merge",
        "-p",
        &wipe,
    ];
    lab.cluster.kubectl_ok(&wipe)?;
    ensure!(
        lab.restart_and_look("wiped")? == drawn,
        "without its status another one was drawn"
    );
    // A new key: everything is looked at again with it.
    lab.restart(&["--key-size=2048", "--key-renew-period=5s"])?;
    let keys = lab.key_names()?.len();
    lab.cluster.eventually(SOON, "a renewed key", || {
        ensure!(lab.key_names()?.len() > keys);
        Ok(())
    })?;
    ensure!(
        lab.restart_and_look("renewed")? == drawn,
        "a renewed key drew another one"
    );

    lab.patch_password(&Value::Null)?;
    let missing = lab.password("one")?;
    ensure!(missing != drawn, "what was missing was not drawn anew");
    lab.cluster.kubectl_ok(&["delete", "secret", "drawn"])?;
    let deleted = lab.password("one")?;
    ensure!(deleted != missing, "the Secret was missing, and not drawn anew");
    lab.apply_drawn("two")?;
    let changed = lab.password("two")?;
    ensure!(
        changed.trim_start_matches("two-") != deleted.trim_start_matches("one-"),
        "the object changed, and nothing was drawn anew"
    );

    refused(&mut lab, &changed)
}

/// A template that draws fails, and what was drawn stays.
fn refused(lab: &mut Lab, drawn: &str) -> Result<()> {
    lab.restart(&[
        "--key-size=2048",
        "--key-renew-period=0",
        "--deny-nondeterministic-templates",
    ])?;
    lab.apply_drawn("three")?;
    let sealed = lab.await_condition("default", "drawn", "Synced", "False")?;
    let message = condition_of(&sealed, "Synced")["message"].to_string();
    ensure!(
        message.contains("randAlphaNum") && message.contains("password"),
        "{message}"
    );
    ensure!(lab.password("two")? == drawn, "a refused template changed the Secret");
    Ok(())
}
