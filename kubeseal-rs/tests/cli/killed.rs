//! `kill -9` at any moment: every file is the old or the new one, whole, and the next run leaves nothing else behind.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::items::{CERT, file};
use crate::program::{Folder, command};

/// Kills of each command, spread evenly over the time that it takes.
const KILLS: u32 = 10;

/// Starts the program and kills it when `is_time` says so of the time that it has run for; whether it was still there to be
/// killed.
fn killed(folder: &Folder, line: &str, input: &str, is_time: impl Fn(Duration) -> bool) -> bool {
    let mut child = command(&folder.path(""))
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    while !is_time(start.elapsed()) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    let _ = child.kill();
    child.wait().unwrap().code().is_none()
}

fn is_left_over(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".unfinished")
}

/// Nothing is there but what was there before, `new`, and what a kill may leave of the file that it replaces: for the eyes
/// of those alone who could read that one.
fn only_known(folder: &Folder, before: &BTreeMap<PathBuf, Vec<u8>>, new: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let others = |path: &Path| folder.path("").join(path).metadata().unwrap().permissions().mode() & 0o077;
    for path in folder.tree().into_keys() {
        if is_left_over(&path) {
            let beside = before.keys().filter(|other| other.parent() == path.parent());
            assert!(
                beside.map(|path| others(path)).any(|mode| mode == others(&path)),
                "{}",
                path.display()
            );
        } else {
            assert!(
                before.contains_key(&path) || path.as_path() == Path::new(new),
                "{}",
                path.display()
            );
        }
    }
}

/// Kills the command again and again, then lets it end. `is_whole` judges what it found in the file `name`, which each run
/// finds as it was.
fn old_or_new(name: &str, line: &str, input: &str, prepare: impl Fn(&Folder), is_new: impl Fn(&Folder, &str) -> bool) {
    let folder = Folder::with_keys();
    prepare(&folder);
    let before = folder.tree();
    let old = before.get(&PathBuf::from(name));
    let start = Instant::now();
    folder.run(line, input).ok();
    let takes = start.elapsed();
    let mut caught = 0;
    for kill in 0..KILLS {
        match old {
            Some(old) => fs::write(folder.path(name), old).unwrap(),
            // A new file has no name before it is complete, so that nothing is left of it.
            None => {
                assert!(!folder.tree().keys().any(|path| is_left_over(path)));
                fs::remove_file(folder.path(name)).unwrap_or_default();
            }
        }
        caught += u32::from(killed(&folder, line, input, |time| time >= takes * kill / KILLS));
        let found = folder.tree().remove(&PathBuf::from(name));
        if found.as_ref() != old {
            let found = String::from_utf8(found.unwrap()).unwrap();
            assert!(is_new(&folder, &found), "{line}: {found}");
        }
        only_known(&folder, &before, name);
    }
    assert!(caught > 0, "{line}: it was never killed in time");
    folder.run(line, input).ok();
    assert!(
        !folder.tree().keys().any(|path| is_left_over(path)),
        "{line}: something is left"
    );
}

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: new}\n";

fn opens(folder: &Folder, text: &str) -> bool {
    let flags = "--recovery-unseal --recovery-private-key test-only.key";
    folder.run(flags, text).code == 0
}

/// All SealedSecrets of the file of [`file`] are there and open.
fn all_open(folder: &Folder, text: &str) -> bool {
    let sealed: Vec<_> = text.split("---").filter(|part| part.contains("SealedSecret")).collect();
    sealed.len() == 2 && opens(folder, &sealed.join("\n---\n"))
}

#[test]
fn a_sealed_file_is_the_old_or_the_new_one() {
    let line = format!("{CERT} -w out.yaml");
    old_or_new(
        "out.yaml",
        &line,
        SECRET,
        |folder| folder.put("out.yaml", "old\n"),
        opens,
    );
    old_or_new("out.yaml", &line, SECRET, |_| {}, opens);
}

#[test]
fn a_file_that_is_changed_in_place_is_the_old_or_the_new_one() {
    let prepare = |folder: &Folder| drop(file(folder));
    let set = format!("set {CERT} --name db sealed.yaml password");
    old_or_new("sealed.yaml", &set, "new", prepare, all_open);
    let merge = format!("{CERT} --merge-into sealed.yaml");
    old_or_new("sealed.yaml", &merge, SECRET, prepare, all_open);
}

#[test]
fn clear_text_is_in_its_own_file_or_nowhere() {
    let prepare = |folder: &Folder| folder.put("sealed.json", &folder.run(CERT, SECRET).ok());
    let is_whole = |_: &Folder, text: &str| text.contains("bmV3") && text.trim_end().ends_with('}');
    let line = "--recovery-unseal --recovery-private-key test-only.key -f sealed.json -w clear.json";
    old_or_new("clear.json", line, "", prepare, is_whole);
}

#[test]
fn of_a_whole_repository_every_file_is_the_old_or_the_new_one() {
    const FILES: usize = 40;
    let folder = Folder::with_keys();
    let old = folder.run("--cert test-only-other.crt -o yaml", SECRET).ok();
    let restore = || (0..FILES).for_each(|number| folder.put(&format!("repo/{}/{number}.yaml", number % 3), &old));
    restore();
    let line = "reseal --recovery-private-key test-only-keys.yaml --cert test-only.crt repo";
    let before = folder.tree();
    let differs =
        |(path, text): &(&PathBuf, &Vec<u8>)| fs::read(folder.path("").join(path)).is_ok_and(|now| now != **text);
    let changed = || before.iter().filter(differs).count();
    let mut in_the_middle = 0;
    for kill in 0..KILLS {
        restore();
        let enough = FILES * kill as usize / KILLS as usize;
        killed(&folder, line, "", |_| changed() > enough);
        only_known(&folder, &before, "");
        // All of them open, whoever sealed them last; one that is cut off or empty would be an error or missing.
        let clear = folder
            .run("unseal --recovery-private-key test-only-keys.yaml -o json repo", "")
            .ok();
        assert_eq!(clear.matches("\"bmV3\"").count(), FILES);
        in_the_middle += usize::from((1..FILES).contains(&changed()));
        // What a kill has left is nobody's manifest.
        let lint = folder.run("lint repo", "");
        assert!(!lint.stdout.contains(".unfinished"), "{}", lint.stdout);
    }
    assert!(in_the_middle > 0, "no kill came in the middle");
    restore();
    folder.run(line, "").ok();
    assert!(!folder.tree().keys().any(|path| is_left_over(path)));
}
