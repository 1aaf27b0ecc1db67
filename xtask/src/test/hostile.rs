//! Tests under an odd umask, time zone, locale, Git configuration and environment, which must not change the results.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use harness::implementation::repository;

use super::cargo;
use super::step::{Step, Steps};

/// Settings of Git that change what a plain `git init`, `add` and `commit` do, and which files there are for it.
const GIT_CONFIG: &str = "[core]\n\tautocrlf = true\n\thooksPath = /nowhere\n\texcludesFile = ~/ignored\n[commit]\n\tgpgSign = true\n\
    [init]\n\ttemplateDir = /nowhere\n[user]\n\tuseConfigOnly = true\n[status]\n\tshort = true\n";

/// The environment of a test: missing files, dead proxies, unusual settings, and all signs of a Pod.
const VARIABLES: &str = "TZ=XXX-5:45 LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 TERM=dumb COLUMNS=20 CLICOLOR_FORCE=1 CI=true \
    GITHUB_ACTIONS=true EDITOR=false VISUAL=false SSL_CERT_FILE=/nowhere KUBERNETES_SERVICE_HOST=127.0.0.1 \
    KUBERNETES_SERVICE_PORT=1 HTTP_PROXY=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 \
    http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1 SEALED_SECRETS_CERT=/nowhere \
    SEALED_SECRETS_RECOVERY_PRIVATE_KEY=/nowhere SEALED_SECRETS_IDENTITY=/nowhere SEALED_SECRETS_NAMESPACE=x \
    SEALED_SECRETS_CONTROLLER_NAME=x SEALED_SECRETS_FORMAT=x SEALED_SECRETS_SCOPE=x GIT_DIR=/nowhere GIT_WORK_TREE=/nowhere \
    GIT_INDEX_FILE=/nowhere";

/// Runs tests of the programs in such an environment; `targets` are those of `cargo test`. Cargo itself runs in the usual one, so
/// nothing is built again.
pub(super) fn run(steps: &mut Steps, name: &'static str, targets: &[&str]) -> Result<()> {
    // In no work tree of Git: what is ignored there is not ignored for these.
    let home = tempfile::Builder::new().prefix("strange home ").tempdir()?;
    steps.run(Step::tests(name, tests(targets, home.path())?));
    Ok(())
}

fn tests(targets: &[&str], home: &Path) -> Result<Command> {
    std::fs::create_dir(home.join("t mp"))?;
    std::fs::write(home.join(".gitconfig"), GIT_CONFIG)?;
    std::fs::write(home.join("ignored"), "*\n")?;
    std::fs::write(home.join("kubeconfig"), "kind: [")?;
    let home = home.display();
    let mut words = vec!["env".to_owned()];
    words.extend(VARIABLES.split_whitespace().map(str::to_owned));
    words.extend(["HOME", "XDG_CONFIG_HOME"].map(|name| format!("{name}={home}")));
    words.extend([
        format!("TMPDIR={home}/t mp"),
        format!("KUBECONFIG={home}/kubeconfig"),
        // Where the snapshots are would be asked of cargo, which has no home there.
        format!("INSTA_WORKSPACE_ROOT={}", repository().canonicalize()?.display()),
    ]);
    words.extend(["sh", "-c", r#"umask 077; exec "$0" "$@""#].map(str::to_owned));
    // TOML writes a list of texts as JSON does.
    let runner = format!("target.'cfg(all())'.runner = {}", serde_json::to_string(&words)?);
    let mut command = cargo(["test", "--no-fail-fast"]);
    command.args(targets).args(["--config", &runner]);
    Ok(command)
}
