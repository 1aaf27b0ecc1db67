//! Peers from Maven's repository: a folder of jars, each byte of them pinned.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use super::{Peer, cache};
use crate::output;

/// Which jars must come of `pom.xml`, in the form of `sha256sum`.
pub(super) const LOCK: &str = "jars.sha256";

/// What the pinned programs run on.
const OLDEST_JAVA: u32 = 17;

const INSTALL_JAVA: &str = "install Java 17 or later (Debian, Ubuntu: openjdk-17-jre-headless)";

/// Checks that Maven and a Java that is new enough are there.
pub(super) fn require() -> Result<()> {
    require_java()?;
    let found = Command::new("mvn").arg("--version").stdin(Stdio::null()).output();
    ensure!(
        found.is_ok_and(|output| output.status.success()),
        "mvn is not on the path, and it fetches peers: install Maven 3.6.3 or later (Debian, Ubuntu: maven)"
    );
    Ok(())
}

/// Checks that the `java` of the path is new enough for the peers that run on it.
pub fn require_java() -> Result<()> {
    let Ok(said) = output::run(Command::new("java").arg("-version")) else {
        bail!("java is not on the path, and Kafka runs on it: {INSTALL_JAVA}");
    };
    match java_version(&said.stderr) {
        Some(version) if version >= OLDEST_JAVA => Ok(()),
        Some(version) => bail!("java is version {version}, which is too old for Kafka: {INSTALL_JAVA}"),
        None => bail!("`java -version` said {:?}: {INSTALL_JAVA}", said.stderr.trim()),
    }
}

/// `openjdk version "17.0.15" 2025-04-15` → 17. The versions before 9 call themselves `1.8.0_452`: 1.
fn java_version(said: &str) -> Option<u32> {
    let quoted = said.split('"').nth(1)?;
    let digits: String = quoted.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Has Maven resolve the folder's `pom.xml`, and compares every jar with the lock.
pub(super) fn create(peer: &Peer) -> Result<()> {
    cache::fill(peer, |folder| {
        output::run(
            Command::new("mvn")
                .args(["--batch-mode", "--quiet", "--strict-checksums", "--file"])
                .arg(peer.pins().join("pom.xml"))
                .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
                .arg(format!("-DoutputDirectory={}", folder.display())),
        )?
        .success()?;
        let lock = fs::read_to_string(peer.pins().join(LOCK)).with_context(|| format!("cannot read {LOCK}"))?;
        compare(&locked(&lock), &digests(folder)?)
    })
}

/// File name → digest, of the lines of `sha256sum`.
fn locked(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect()
}

fn digests(folder: &Path) -> Result<BTreeMap<String, String>> {
    fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            let digest = format!("{:x}", Sha256::digest(fs::read(entry.path())?));
            Ok((entry.file_name().to_string_lossy().into_owned(), digest))
        })
        .collect()
}

fn compare(locked: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Result<()> {
    let names: std::collections::BTreeSet<_> = locked.keys().chain(found.keys()).collect();
    let differing: Vec<_> = names
        .into_iter()
        .filter(|name| locked.get(*name) != found.get(*name))
        .map(String::as_str)
        .collect();
    ensure!(
        differing.is_empty(),
        "these jars are not what {LOCK} says: {}",
        differing.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{compare, java_version, locked};

    #[test]
    fn java_says_its_version_in_quotes() {
        assert_eq!(java_version("openjdk version \"17.0.15\" 2025-04-15\n"), Some(17));
        assert_eq!(java_version("openjdk version \"25\" 2025-09-16\n"), Some(25));
        assert_eq!(java_version("java version \"1.8.0_452\"\n"), Some(1));
        assert_eq!(java_version("command not found"), None);
    }

    #[test]
    fn another_jar_one_more_and_one_less_are_told() {
        let lock = locked("aa  a.jar\nbb  b.jar\ncc  c.jar\n");
        assert!(compare(&lock, &lock).is_ok());
        let found = locked("aa  a.jar\nbX  b.jar\ndd  d.jar\n");
        let error = compare(&lock, &found).unwrap_err().to_string();
        assert_eq!(error, "these jars are not what jars.sha256 says: b.jar, c.jar, d.jar");
    }
}
