//! kubeseal for six kinds of machines, each in an archive with its completions and manual pages.

use std::process::Command;

use anyhow::{Context, Result, bail};
use harness::implementation::repository;
use harness::output::run;

use super::VERSION;
use crate::archive::{self, File};
use crate::bench::release as built;
use crate::dist;

/// kubeseal for one kind of machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// As Rust names it.
    pub target: &'static str,
    /// As the reference's releases name it.
    name: &'static str,
}

/// Those that the reference's releases have.
const ALL: [Program; 6] = [
    Program {
        target: dist::TARGET,
        name: "linux-amd64",
    },
    Program {
        target: "aarch64-unknown-linux-gnu",
        name: "linux-arm64",
    },
    Program {
        target: "armv7-unknown-linux-gnueabihf",
        name: "linux-arm",
    },
    Program {
        target: "x86_64-apple-darwin",
        name: "darwin-amd64",
    },
    Program {
        target: "aarch64-apple-darwin",
        name: "darwin-arm64",
    },
    Program {
        target: "x86_64-pc-windows-gnu",
        name: "windows-amd64",
    },
];

/// The shells that completions are made for.
const SHELLS: [&str; 4] = ["bash", "fish", "powershell", "zsh"];

/// Those for the named targets; all where none is named.
///
/// # Errors
/// There is no such target.
pub(super) fn wanted(only: &[String]) -> Result<Vec<Program>> {
    if only.is_empty() {
        return Ok(ALL.to_vec());
    }
    only.iter()
        .map(|target| {
            let found = ALL.into_iter().find(|program| program.target == *target);
            let targets = ALL.map(|program| program.target).join(", ");
            found.with_context(|| format!("no program is made for {target}, but for {targets}"))
        })
        .collect()
}

/// Why nothing can be built for a target here; none where it can.
pub(super) fn why_not(target: &str) -> Option<String> {
    if !dist::has_library(target) {
        return Some(format!("rustup target add {target}"));
    }
    let linker = match target {
        dist::TARGET => return None,
        apple if apple.contains("apple") => {
            let why = "it is linked on macOS alone; run this there with --only and collect the files";
            return (!cfg!(target_os = "macos")).then(|| why.to_owned());
        }
        windows if windows.contains("windows") => "x86_64-w64-mingw32-gcc".to_owned(),
        linux => dist::debian_compiler(linux),
    };
    let found = Command::new(&linker).arg("--version").output().is_ok();
    (!found).then(|| {
        format!(
            "{linker} is not on the PATH (Debian: apt-get install {})",
            package(&linker)
        )
    })
}

/// The package that holds a cross-compiler in Debian.
fn package(compiler: &str) -> String {
    match compiler {
        "x86_64-w64-mingw32-gcc" => "gcc-mingw-w64-x86-64".to_owned(),
        other => format!("gcc-{}", other.trim_end_matches("-gcc")),
    }
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let said = run(Command::new("rustc").args(arguments))?.success()?;
    Ok(said.stdout.trim().to_owned())
}

impl Program {
    /// The archive to download.
    pub(super) fn archive(self) -> String {
        format!("kubeseal-{VERSION}-{}.tar.gz", self.name)
    }

    /// The list of what is in it.
    pub(super) fn list(self) -> String {
        format!("kubeseal-{VERSION}-{}.cdx.json", self.name)
    }

    /// The name of the program in its archive.
    pub(super) fn file_name(self) -> &'static str {
        if self.target.contains("windows") {
            "kubeseal.exe"
        } else {
            "kubeseal"
        }
    }

    /// Whether this machine runs it by itself.
    pub(super) fn runs_here(self) -> bool {
        rustc(&["--print", "host-tuple"]).is_ok_and(|host| host == self.target)
    }

    /// Builds it; gives the program, or why it cannot be built here.
    pub(super) fn build(self) -> Result<std::result::Result<Vec<u8>, String>> {
        if let Some(why) = why_not(self.target) {
            return Ok(Err(why));
        }
        let program = dist::build(self.target)?;
        if self.target.contains("linux") {
            dist::check_static(&program)?;
        }
        Ok(Ok(std::fs::read(&program)?))
    }

    /// The archive, not compressed.
    pub(super) fn files(self, program: &[u8]) -> Result<Vec<u8>> {
        let mut files = vec![(self.file_name().to_owned(), program.to_vec(), 0o755)];
        for name in ["LICENSE", "README.md"] {
            files.push((name.to_owned(), std::fs::read(repository().join(name))?, 0o644));
        }
        files.extend(texts()?.into_iter().map(|(path, bytes)| (path, bytes, 0o644)));
        let files: Vec<_> = files
            .iter()
            .map(|(path, bytes, mode)| File {
                path,
                bytes,
                mode: *mode,
            })
            .collect();
        archive::tar(&files)
    }
}

/// Completions and manual pages: the same for every machine, written by the program that is built for this one.
fn texts() -> Result<Vec<(String, Vec<u8>)>> {
    let kubeseal = built::build("kubeseal-rs", "kubeseal")?;
    let mut texts = Vec::new();
    for shell in SHELLS {
        let text = run(Command::new(&kubeseal).args(["completions", shell]))?.success()?;
        texts.push((format!("completions/kubeseal.{shell}"), text.bytes));
    }
    let folder = tempfile::tempdir()?;
    run(Command::new(&kubeseal).arg("man").arg(folder.path()))?.success()?;
    for page in std::fs::read_dir(folder.path())? {
        let page = page?.path();
        let name = page.file_name().context("a name")?.to_string_lossy().into_owned();
        texts.push((format!("man/{name}"), std::fs::read(&page)?));
    }
    if texts.len() == SHELLS.len() {
        bail!("kubeseal man wrote no page");
    }
    texts.sort();
    Ok(texts)
}
