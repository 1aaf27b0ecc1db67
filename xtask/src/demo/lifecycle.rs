//! The life of a sealed credential: renewed keys, changed values, deleted objects.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::credentials::{self, Credential};
use super::laptop::Laptop;
use super::report::Report;
use super::stage::Stage;

/// Longer than anything here takes on a busy machine of two cores.
const DEADLINE: Duration = Duration::from_secs(60);

/// Plays all of it.
pub(crate) fn run(stage: &Stage, laptop: &mut Laptop, mut secrets: Vec<Credential>, report: &mut Report) -> Result<()> {
    report.step(
        "a renewed key: the controller makes one (SIGUSR1) and serves its certificate",
        || renew(stage, laptop),
    )?;

    let (edited, item) = (find(&secrets, "connect-operator-secrets")?, "MYSQL_CONNECTION_PASSWORD");
    report.step(
        "an edited value: sealed with the new key, committed, applied; the Secret follows",
        || edit(stage, laptop, &mut secrets, edited, item),
    )?;

    let deleted = secrets.get(find(&secrets, "cc.ccloud-secrets")?).context("there")?;
    report.step("a deleted Secret comes back, opened with the old key", || {
        come_back(stage, deleted)
    })?;

    let gone = secrets
        .get(find(&secrets, "orders-bq-sink-keyfile")?)
        .context("there")?;
    if stage.collects_garbage() {
        report.step("a deleted SealedSecret takes its Secret with it", || go(stage, gone))?;
    } else {
        report.note("left out: a deleted SealedSecret takes its Secret with it (there is no kube-controller-manager)");
    }

    report.step("no line of the controller's log holds a value", || {
        let log = stage.controller_log()?;
        ensure!(
            log.contains("Starting sealed-secrets controller"),
            "the log is not the controller's"
        );
        for (secret, item, value) in values(&secrets) {
            ensure!(!log.contains(value), "the value of {secret}/{item} is in the log");
        }
        Ok(())
    })
}

fn renew(stage: &Stage, laptop: &Laptop) -> Result<()> {
    let before = laptop.fetch_certificate(stage)?;
    stage.renew_key()?;
    stage.eventually(DEADLINE, "certificate of the new key", || {
        let now = laptop.fetch_certificate(stage)?;
        ensure!(now != before, "still the old one");
        Ok(())
    })
}

fn edit(stage: &Stage, laptop: &Laptop, secrets: &mut [Credential], at: usize, item: &str) -> Result<()> {
    let secret = secrets.get_mut(at).context("there")?;
    secret
        .items
        .insert(item.to_owned(), format!("rotated-{}", credentials::word(20)?).into());
    let edited = std::slice::from_ref(secret);
    laptop.create_clear(stage, edited)?;
    laptop.seal_all(stage, edited)?;
    laptop.commit(edited, "Rotate the password of MySQL")?;
    laptop.apply_commit(stage)?;
    laptop.wait_synced(stage, edited)?;
    edited.iter().try_for_each(|secret| stage.check_secret(secret))
}

fn come_back(stage: &Stage, secret: &Credential) -> Result<()> {
    let uid = stage.uid("secret", &secret.name)?.context("the Secret is there")?;
    stage.delete("secret", &secret.name)?;
    stage.eventually(DEADLINE, "Secret that comes back", || {
        let now = stage.uid("secret", &secret.name)?.context("not there")?;
        ensure!(now != uid, "still the old one");
        Ok(())
    })?;
    stage.check_secret(secret)
}

fn go(stage: &Stage, secret: &Credential) -> Result<()> {
    stage.delete("sealedsecret", &secret.name)?;
    stage.eventually(DEADLINE, "Secret that goes", || {
        ensure!(stage.uid("secret", &secret.name)?.is_none(), "still there");
        Ok(())
    })
}

fn find(secrets: &[Credential], name: &str) -> Result<usize> {
    secrets
        .iter()
        .position(|secret| secret.name == name)
        .context("a credential of the demo")
}

fn values(secrets: &[Credential]) -> impl Iterator<Item = (&str, &str, &str)> {
    let long_enough = |value: &&str| value.len() >= 8;
    secrets.iter().flat_map(move |secret| {
        secret.items.iter().filter_map(move |(item, value)| {
            let value = std::str::from_utf8(value).ok().filter(long_enough)?;
            Some((secret.name.as_str(), item.as_str(), value.trim_end()))
        })
    })
}
