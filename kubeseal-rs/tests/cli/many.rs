//! Repositories of thousands of files.

use std::fs;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::items::CERT;
use crate::program::{Folder, command};

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: some-name, namespace: shop}\nstringData: {password: p}\n";

/// Bytes of a file beside its object.
const FILLING: usize = 16 << 10;

/// A folder `repo` with so many large files.
fn repository(text: &str, files: usize) -> Folder {
    let folder = Folder::with_keys();
    let filling = format!("# {}\n", "x".repeat(62)).repeat(FILLING / 65);
    for number in 0..files {
        let text = text.replace("some-name", &format!("n{number}"));
        folder.put(&format!("repo/{number}.yaml"), &format!("{filling}{text}"));
    }
    folder
}

/// The most bytes that a program had resident until it ended, by what the kernel said a moment before.
fn peak(mut child: Child) -> usize {
    let status = format!("/proc/{}/status", child.id());
    let mut kib = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        kib = high
            .and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok())
            .unwrap_or(kib);
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(child.wait().unwrap().code().is_some());
    kib * 1024
}

/// Memory holds names, and not the files.
fn grows_by_names_alone(text: &str, line: &str) {
    const FEW: usize = 100;
    const MANY: usize = 1_000;
    let run = |files| {
        let folder = repository(text, files);
        let child = command(&folder.path(""))
            .args(line.split_whitespace())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        peak(child.unwrap())
    };
    let a_file = run(MANY).saturating_sub(run(FEW)) / (MANY - FEW);
    assert!(a_file < FILLING / 4, "{line}: {a_file} bytes a file");
}

fn sealed() -> String {
    Folder::with_keys().run(&format!("{CERT} -o yaml"), SECRET).ok()
}

#[test]
fn lint_does_not_hold_the_files() {
    grows_by_names_alone(&sealed(), "lint repo");
}

#[test]
fn seal_does_not_hold_the_files() {
    grows_by_names_alone(SECRET, "seal --check repo");
}

const RESEAL: &str = "reseal --recovery-private-key test-only-keys.yaml --cert test-only.crt repo";

#[test]
fn ctrl_c_leaves_whole_files_and_the_next_run_goes_on() {
    const FILES: usize = 400;
    let folder = Folder::with_keys();
    let old = folder.run("--cert test-only-other.crt -o yaml", SECRET).ok();
    let names: Vec<_> = (0..FILES)
        .map(|number| format!("repo/{}/{number}.yaml", number % 7))
        .collect();
    names.iter().for_each(|name| folder.put(name, &old));
    let is_new = |name: &&String| folder.text(name) != old;
    let child = command(&folder.path(""))
        .args(RESEAL.split_whitespace())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Some of the first ones, so that most are left.
    while !names.iter().take(100).any(|name| is_new(&name)) {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let resealed = names.iter().filter(is_new).count();
    let left = FILES - resealed;
    let (told, errors) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!(output.status.code(), Some(130), "{errors}");
    assert!(
        told.ends_with(&format!("{FILES} files: {left} left, {resealed} resealed\n")),
        "{told}"
    );
    assert_eq!(
        errors,
        format!(
            "error: interrupted: {left} of the files are left as they were\nhint: kubeseal {RESEAL} goes on with them\n"
        )
    );
    let told = folder.run(RESEAL, "").ok();
    assert!(
        told.ends_with(&format!("{FILES} files: {resealed} current, {left} resealed\n")),
        "{told}"
    );
    let clear = folder
        .run("unseal --recovery-private-key test-only.key -o json repo", "")
        .ok();
    assert_eq!(clear.matches("\"some-name\"").count(), FILES);
    assert!(
        !folder
            .tree()
            .keys()
            .any(|path| path.to_string_lossy().ends_with(".unfinished"))
    );
}
