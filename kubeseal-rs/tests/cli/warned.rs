//! What could do harm, or leads nowhere, and is said.

use crate::items::CERT;
use crate::program::Folder;
use crate::seal_files::{SEAL, SECRET};

#[test]
fn a_value_at_a_switch_is_not_repeated() {
    let folder = Folder::with_keys();
    let run = folder.run(&format!("{CERT} --raw=hunter2 --name a -n b"), "");
    assert_eq!(
        run.stderr,
        "error: --raw is true or false (what was typed is not shown here, as it may be a value)\nhint: kubeseal --help shows \
         all flags\n"
    );
    let run = folder.run_in(&[("SEALED_SECRETS_RAW", "hunter2")], &["--fetch-cert"], b"");
    assert!(run.code == 2 && !run.stderr.contains("hunter2"), "{}", run.stderr);
}

#[test]
fn a_dash_is_no_certificate() {
    let folder = Folder::with_keys();
    let run = folder.run("--cert -", SECRET);
    assert_eq!(
        run.stderr,
        "error: open -: no such file or directory\nhint: --cert takes a file or a URL; standard input is the file /dev/stdin\n"
    );
}

#[test]
fn an_encrypted_private_key_is_called_one() {
    let folder = Folder::with_keys();
    folder.put("sealed.json", &folder.run(CERT, SECRET).ok());
    let unseal = |key: &str| {
        folder.put("key.pem", key);
        folder
            .run("--recovery-unseal --recovery-private-key key.pem -f sealed.json", "")
            .stderr
    };
    for key in [
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAQID\n-----END RSA PRIVATE KEY-----\n",
    ] {
        let told = unseal(key);
        assert!(
            told.starts_with(
                "error: key.pem: the private key is encrypted with a passphrase\nhint: take the passphrase off"
            ),
            "{told}"
        );
    }
}

#[test]
fn a_backup_joined_without_a_divider_says_where_one_belongs() {
    let folder = Folder::with_keys();
    folder.put("sealed.json", &folder.run(CERT, SECRET).ok());
    let keys = folder.text("test-only-keys.yaml");
    let keys = keys.trim_start_matches("---\n");
    folder.put("keys.yaml", &format!("{keys}{keys}"));
    let run = folder.run("--recovery-unseal --recovery-private-key keys.yaml -f sealed.json", "");
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("hint: two objects without a line of --- between them"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_tracked_clear_file_lives_on_in_the_history() {
    let folder = Folder::with_keys();
    folder.put("tracked.yaml", SECRET);
    folder.git(&["init", "-q"]);
    folder.git(&["add", "tracked.yaml"]);
    folder.put("new.yaml", &SECRET.replace("name: db", "name: web"));
    let told = folder
        .run(&format!("{SEAL} --delete-clear tracked.yaml new.yaml"), "")
        .ok();
    assert_eq!(
        told,
        "sealed and deleted tracked.yaml → tracked.sealed.yaml\n  warning: Git tracks the clear file, and its history keeps the \
         values: change them\nsealed and deleted new.yaml → new.sealed.yaml\n2 files: 2 sealed and deleted\n"
    );
}

/// A committed directory that Git takes for a repository, with a program in its configuration that Git starts to fetch the
/// tree that its sparse index lacks.
#[cfg(unix)]
#[test]
fn no_program_of_a_committed_bare_repository_runs() {
    let folder = Folder::with_keys();
    let hostile = folder.path("hostile");
    let hostile = hostile.to_str().unwrap();
    folder.put("hostile/.git/info/exclude", "");
    folder.put("hostile/inner/file", "x");
    folder.put("hostile/a.yaml", "x");
    folder.git(&["init", "-q", hostile]);
    let git =
        |words: &[&str]| folder.git(&[&["-C", hostile, "-c", "user.name=x", "-c", "user.email=x"], words].concat());
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "x"]);
    git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    for tree in std::fs::read_dir(folder.path("hostile/.git/objects")).unwrap() {
        std::fs::remove_dir_all(tree.unwrap().path()).unwrap();
    }
    folder.git_init();
    std::fs::rename(folder.path("hostile/.git"), folder.path("apps")).unwrap();
    std::fs::create_dir_all(folder.path("apps/objects")).unwrap();
    let ran = folder.path("ran");
    folder.put(
        "apps/config",
        &format!(
            "[core]\nrepositoryformatversion = 1\nbare = false\nworktree = .\nsparseCheckout = true\nsparseCheckoutCone = \
             true\n[index]\nsparse = true\n[extensions]\npartialClone = origin\n[remote \"origin\"]\nurl = .\npromisor = \
             true\nuploadpack = \"touch {}; false\"\n",
            ran.display()
        ),
    );
    folder.put("apps/a.yaml", SECRET);
    folder.put("apps/b.yaml", &SECRET.replace("name: db", "name: web"));
    let told = folder.run(&format!("{SEAL} --delete-clear apps"), "").ok();
    assert!(!ran.exists());
    assert!(!told.contains("Git tracks"), "{told}");
    assert!(told.ends_with("2 files: 2 sealed and deleted\n"), "{told}");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_symlink_out_of_the_repository() {
    use std::os::unix::fs::symlink;
    let folder = Folder::with_keys();
    folder.put("repo/.git/HEAD", "");
    folder.put("mine", "precious");
    let mine = folder.path("mine");
    let mut links = vec![
        "../mine".to_owned(),
        ".git/hooks/post-commit".to_owned(),
        "/dev/null".to_owned(),
    ];
    if cfg!(target_os = "linux") {
        links.push(format!("/proc/self/root{}", mine.display()));
        links.push(format!("/dev/fd/../root{}", mine.display()));
    }
    folder.put("repo/.git/hooks/post-commit", "");
    for link in links {
        let _ = std::fs::remove_file(folder.path("repo/sealed.yaml"));
        symlink(&link, folder.path("repo/sealed.yaml")).unwrap();
        let run = folder.run(&format!("{CERT} -w repo/sealed.yaml"), SECRET);
        assert_eq!(
            run.stderr,
            "error: write repo/sealed.yaml: a symlink leads it out of its Git work tree (name the file that it leads to)\n",
            "{link}"
        );
    }
    assert_eq!(folder.text("mine"), "precious");
    assert_eq!(folder.text("repo/.git/hooks/post-commit"), "");
    // No folder is made there either.
    std::fs::create_dir(folder.path("outside")).unwrap();
    symlink("../outside", folder.path("repo/out")).unwrap();
    folder.put("db.yaml", SECRET);
    folder.put("db.sealed.yaml", &folder.run(&format!("{CERT} -o yaml"), SECRET).ok());
    let unseal = "unseal --recovery-private-key test-only.key --out repo/out/deep db.sealed.yaml";
    for line in [&format!("{SEAL} --out repo/out/deep db.yaml"), unseal] {
        let run = folder.run(line, "");
        assert!(run.stderr.contains("out of its Git work tree"), "{line}: {}", run.told);
        assert!(!folder.path("outside/deep").exists(), "{line}");
    }
    // Nor into another repository, nor to what a shell has redirected into this one.
    folder.put("other/.git/HEAD", "");
    symlink("../other", folder.path("repo/other")).unwrap();
    symlink("/dev/stdout", folder.path("repo/log.yaml")).unwrap();
    let log = std::fs::File::create(folder.path("repo/log")).unwrap();
    for to in ["repo/other/sealed.yaml", "repo/log.yaml"] {
        let mut command = crate::program::command(&folder.path(""));
        command.args(["--cert", "test-only.crt", "-f", "db.yaml", "-w", to]);
        let output = command.stdout(log.try_clone().unwrap()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("out of its Git work tree"), "{to}: {told}");
    }
    assert_eq!(folder.text("repo/log"), "");
    assert!(!folder.path("other/sealed.yaml").exists());
    // Inside, or where there is no repository, a symlink stays one.
    symlink("real", folder.path("repo/link.yaml")).unwrap();
    folder.run(&format!("{CERT} -w repo/link.yaml"), SECRET).ok();
    assert!(folder.path("repo/real").is_file());
}

/// What nobody typed is read only from a regular file: a committed symlink may lead to a device.
#[cfg(unix)]
#[test]
fn found_files_are_regular_files() {
    use std::os::unix::fs::symlink;
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    for (link, line) in [
        ("db.sealed.yaml", format!("{SEAL} db.yaml")),
        (".kubeseal.yaml", "seal db.yaml".to_owned()),
    ] {
        symlink("/dev/null", folder.path(link)).unwrap();
        let run = folder.run(&line, "");
        assert!(
            run.stderr.contains(&format!("{link}: not a regular file\n")),
            "{line}: {}",
            run.told
        );
        std::fs::remove_file(folder.path(link)).unwrap();
    }
    // What nobody asked for is passed over.
    folder.put("repo/.git/HEAD", "");
    folder.put(
        "repo/db.sealed.yaml",
        &folder.run(&format!("{CERT} -o yaml"), SECRET).ok(),
    );
    symlink("/dev/zero", folder.path("repo/kustomization.yaml")).unwrap();
    let lint = crate::program::alone("sh")
        .args(["-c", "ulimit -v 4000000; exec \"$0\" lint repo/db.sealed.yaml"])
        .arg(crate::program::kubeseal())
        .current_dir(folder.path(""))
        .output()
        .unwrap();
    assert!(lint.status.success(), "{lint:?}");
}

/// The clear files would go, and the values of all but one of them would be nowhere.
#[cfg(unix)]
#[test]
fn symlinked_sealed_files_are_one_target() {
    use std::os::unix::fs::symlink;
    let folder = Folder::with_keys();
    folder.put("a.yaml", SECRET);
    folder.put("b.yaml", &SECRET.replace("name: db", "name: web"));
    symlink("a.sealed.yaml", folder.path("b.sealed.yaml")).unwrap();
    std::fs::create_dir(folder.path("d")).unwrap();
    symlink("a.sealed.yaml", folder.path("d/b.sealed.yaml")).unwrap();
    for (mode, out) in [("--delete-clear", ""), ("", ""), ("--delete-clear", "--out d")] {
        let run = folder.run(&format!("{SEAL} {mode} {out} a.yaml b.yaml"), "");
        assert!(
            run.told
                .starts_with("exit 1\nerror: a.yaml and b.yaml would both be written to "),
            "{}",
            run.told
        );
        assert_eq!(folder.text("a.yaml"), SECRET);
    }
}
