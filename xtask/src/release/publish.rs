//! Pushes and signs what was made. Each step is one command of a well-kept tool, and is shown before it runs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use harness::output::run;
use harness::peers;

use super::{Args, Artifacts, VERSION, checksums_name};
use crate::bench::release as built;

/// The programs that must be on the PATH.
const TOOLS: [(&str, &str); 3] = [
    ("gh", "GitHub's command line"),
    ("cosign", "Sigstore's cosign"),
    ("oras", "the command line of ORAS"),
];

/// # Errors
/// One is missing: better known before an hour of building.
pub(super) fn tools_are_there() -> Result<()> {
    for (tool, what) in TOOLS {
        let found = Command::new(tool).arg("version").output();
        found
            .with_context(|| format!("{tool} is not on the PATH: install {what}, or make everything with --dry-run"))?;
    }
    Ok(())
}

/// # Errors
/// The tag of this version does not exist or names another commit. Otherwise a push of any tag, such as `v0.40.0-test`, would have
/// another tree signed as this version.
pub(super) fn check_tag(repository: &Path) -> Result<()> {
    let commit = |name: &str| -> Result<String> {
        let mut git = Command::new("git");
        git.current_dir(repository)
            .args(["rev-parse", "--verify", "--quiet"])
            .arg(format!("{name}^{{commit}}"));
        Ok(run(&mut git)?.success()?.stdout)
    };
    let tag = format!("v{VERSION}");
    let tagged = commit(&tag).map_err(|_| anyhow!("there is no tag {tag}: git tag -s {tag}"))?;
    ensure!(
        commit("HEAD")? == tagged,
        "this is not the commit of {tag}: git switch --detach {tag}, or raise the version"
    );
    Ok(())
}

/// # Errors
/// Another image has this version already.
fn check_image_is_new(image: &str, digest: &str) -> Result<()> {
    let found = run(Command::new("oras").args(["resolve", image]))?;
    // Any other error may hide one that is there.
    if found.code() != 0 && found.stderr.contains("not found") {
        return Ok(());
    }
    let found = found.success()?.stdout;
    ensure!(
        found.trim() == digest,
        "{image} is another image already ({}): raise the version",
        found.trim()
    );
    Ok(())
}

/// Runs the steps; where it is not `for_real`, only prints them.
pub(super) fn publish(artifacts: &Artifacts, args: &Args, for_real: bool) -> Result<()> {
    let folder = artifacts.folder.display().to_string();
    let digest = std::fs::read_to_string(artifacts.path("image.digest"))?;
    let helm = match for_real {
        true => peers::ensure(&[peers::HELM], &|_| ())?
            .path(&peers::HELM)?
            .display()
            .to_string(),
        false => "helm".to_owned(),
    };
    let chart = artifacts.files()?.into_iter().find(|name| name.ends_with(".tgz"));
    let chart = format!("{folder}/{}", chart.context("there is no chart")?);
    let (sums, image) = (
        format!("{folder}/{}", checksums_name()),
        format!("{}:{VERSION}", args.image),
    );
    if for_real {
        check_image_is_new(&image, digest.trim())?;
    }
    let bundle = format!("{sums}.sigstore.json");
    let signed = format!("{}@{}", args.image, digest.trim());
    let layout = format!("{folder}/image:{VERSION}");
    let mut steps: Vec<Vec<&str>> = vec![
        vec!["oras", "cp", "--recursive", "--from-oci-layout", &layout, &image],
        vec!["cosign", "sign", "--yes", "--recursive", &signed],
        vec![&helm, "push", &chart, &args.charts],
        // The file of checksums speaks for all files.
        vec!["cosign", "sign-blob", "--yes", "--bundle", &bundle, &sums],
    ];
    let mut files: Vec<String> = artifacts
        .files()?
        .iter()
        .map(|name| format!("{folder}/{name}"))
        .collect();
    files.push(bundle.clone());
    let tag = format!("v{VERSION}");
    let mut release = vec!["gh", "release", "create", &tag, "--draft", "--verify-tag"];
    release.extend(["--title", &tag, "--notes", "See CHANGELOG.md and docs/install.md."]);
    release.extend(files.iter().map(String::as_str));
    steps.push(release);
    for step in steps {
        if for_real {
            run_step(&step)?;
        } else {
            let shown = step.join(" ").replace(&folder, "target/release-artifacts");
            println!("would run: {shown}");
        }
    }
    Ok(())
}

/// Shows one command and runs it.
fn run_step(step: &[&str]) -> Result<()> {
    println!("{}", step.join(" "));
    let [program, arguments @ ..] = step else {
        return Ok(());
    };
    let status = Command::new(program)
        .args(arguments)
        .current_dir(built::target()?)
        .status()
        .with_context(|| format!("cannot run {program}"))?;
    ensure!(
        status.success(),
        "{program} failed; what it had done stays, and this can be run again"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_commit_of_the_versions_tag_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let git = |words: &str| {
            let mut git = Command::new("git");
            git.current_dir(folder.path())
                .args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
            git.args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"])
                .args(words.split(' '));
            run(&mut git).unwrap().success().unwrap();
        };
        let told = || check_tag(folder.path()).map_err(|error| error.to_string());
        git("init --quiet");
        git("commit --quiet --allow-empty --no-verify -m one");
        assert!(told().unwrap_err().contains("there is no tag"));
        git(&format!("tag -m one v{VERSION}"));
        assert_eq!(told(), Ok(()));
        git("commit --quiet --allow-empty --no-verify -m two");
        git(&format!("tag v{VERSION}-test"));
        assert!(told().unwrap_err().contains("is not the commit of"));
    }
}
