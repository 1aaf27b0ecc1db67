//! The form of what is printed and written.

use std::io::Read as _;
use std::process::Stdio;

use crate::program::{Folder, command};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\n  labels: {l: x}\n  \
                      annotations: {a: '1', sealedsecrets.bitnami.com/cluster-wide: 'true'}\n  creationTimestamp: null\n\
                      type: kubernetes.io/basic-auth\nstringData: {username: u, password: p}\n";

/// The text with every ciphertext replaced by its first letters, which hold the length of the key.
fn without_ciphertexts(text: &str) -> String {
    let shorten = |word: &str| {
        let bare = word.trim_matches(|c: char| c == '"' || c == ',');
        if bare.len() > 300 {
            word.replace(bare, &format!("{}…", &bare[..2]))
        } else {
            word.to_owned()
        }
    };
    text.split(' ')
        .map(|word| word.split('\n').map(shorten).collect::<Vec<_>>().join("\n"))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn sealed_as_json() {
    let folder = Folder::with_keys();
    insta::assert_snapshot!(without_ciphertexts(&folder.run("--cert test-only.crt", SECRET).ok()));
}

#[test]
fn sealed_as_yaml() {
    let folder = Folder::with_keys();
    let two = format!("{SECRET}---\n{SECRET}");
    insta::assert_snapshot!(without_ciphertexts(
        &folder.run("--cert test-only.crt -o yaml", &two).ok()
    ));
}

#[test]
fn recovered_as_json_and_yaml() {
    let folder = Folder::with_keys();
    let sealed = folder.run("--cert test-only.crt", SECRET).ok();
    let recover = "--recovery-unseal --recovery-private-key test-only.key -o";
    let both = ["json", "yaml"].map(|format| folder.run(&format!("{recover} {format}"), &sealed).ok());
    insta::assert_snapshot!(both.join(""));
}

#[test]
fn the_version_has_the_form_that_scripts_look_for() {
    let folder = Folder::with_keys();
    let expected = concat!("kubeseal version: v", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(folder.run("--version", "").ok(), expected);
    assert_eq!(folder.run("--version --help --validate", "").ok(), expected);
    assert_eq!(
        folder.run_in(&[("SEALED_SECRETS_VERSION", "true")], &[], b"").ok(),
        expected
    );
}

#[test]
fn the_help_teaches() {
    let folder = Folder::with_keys();
    let help = folder.run("--help", "").ok();
    assert_eq!(folder.run("-h", "").ok(), help);
    insta::assert_snapshot!(help);
}

#[test]
fn a_file_is_written_whole_and_says_its_format_by_its_name() {
    let folder = Folder::with_keys();
    assert_eq!(folder.run("--cert test-only.crt -w out.yaml", SECRET).ok(), "");
    assert!(
        folder
            .text("out.yaml")
            .starts_with("---\napiVersion: bitnami.com/v1alpha1\n")
    );
    assert_eq!(folder.run("--cert test-only.crt -w out.txt", SECRET).ok(), "");
    assert!(folder.text("out.txt").starts_with("{\n  \"kind\": \"SealedSecret\",\n"));
    assert_eq!(
        folder
            .run(
                "--recovery-unseal --recovery-private-key test-only.key -f out.txt -w out.txt",
                ""
            )
            .ok(),
        ""
    );
    assert!(folder.text("out.txt").starts_with("{\n  \"kind\": \"Secret\",\n"));
    assert!(
        folder
            .listing()
            .keys()
            .all(|path| !path.to_string_lossy().contains(".kubeseal-"))
    );
}

#[test]
fn a_failed_run_leaves_the_old_file() {
    let folder = Folder::with_keys();
    folder.put("out.yaml", "old");
    let run = folder.run(
        "--cert test-only.crt -w out.yaml",
        &format!("{SECRET}---\nkind: ConfigMap\n"),
    );
    assert_eq!((run.code, folder.text("out.yaml").as_str()), (1, "old"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = Folder::with_keys();
    let run = folder.run("--cert test-only.crt -w nodir/out", SECRET);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (
            1,
            "error: write nodir/out: no such file or directory\nhint: there is no such directory: mkdir -p nodir\n"
        )
    );
}

#[cfg(unix)]
#[test]
fn symlink_into_no_directory_is_named() {
    let folder = Folder::with_keys();
    folder.git_init();
    std::os::unix::fs::symlink("nodir/out", folder.path("link.yaml")).unwrap();
    folder.git(&["add", "link.yaml"]);
    let run = folder.run("--cert test-only.crt -w link.yaml", SECRET);
    let nodir = std::fs::canonicalize(folder.path("")).unwrap().join("nodir");
    let hint = format!(
        "error: write link.yaml: no such file or directory\nhint: it is a symlink to {0}/out: there is no such directory: mkdir -p \
         {0}\n",
        nodir.display()
    );
    assert_eq!((run.code, run.stderr), (1, hint));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = Folder::with_keys();
    // More than a pipe holds, so that writing fails whenever the reader closes.
    folder.put("in.yaml", &vec![SECRET; 80].join("---\n"));
    let mut child = command(&folder.path(""))
        .args(["--cert", "test-only.crt", "-f", "in.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(1), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let folder = Folder::with_keys();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(&folder.path(""))
        .arg("--version")
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: write stdout: no space left on device\n"
    );
}

#[test]
fn no_name_reaches_the_terminal_as_a_command_to_it() {
    let folder = Folder::with_keys();
    let secret = SECRET_WITH_ESCAPES;
    let sealed = folder.run("--cert test-only.crt -o yaml", secret).ok();
    folder.put("db.sealed.yaml", &sealed);
    folder.put("db.yaml", &secret.replace("\"a\\e", "\"o\\e"));
    folder.put("two.yaml", &format!("{sealed}{}", sealed.replace("[31m", "[32m")));
    for line in [
        "--recovery-unseal --recovery-private-key test-only-other.key -f db.sealed.yaml",
        "unset db.sealed.yaml nothing",
        "set two.yaml k --cert test-only.crt",
        "set two.yaml k --cert test-only.crt --name x",
        "seal --check db.yaml",
        "seal --cert test-only.crt db.yaml",
        "doctor --offline db.sealed.yaml",
    ] {
        let run = folder.run(line, "x");
        let told = run.stdout + &run.stderr;
        assert!(told.contains("[31m"), "{line}: {told}");
        assert!(!told.contains('\u{1b}'), "{line}: {told:?}");
    }
}

/// A name and an item that would colour what follows.
const SECRET_WITH_ESCAPES: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: \"a\\e[31mN\", namespace: shop}\nstringData: {\"b\\e[31mX\": p}\n";

#[cfg(unix)]
#[test]
fn what_stdout_leads_to_is_written_to_and_never_replaced() {
    use std::io::Write as _;
    use std::process::Stdio;

    let folder = Folder::with_keys();
    folder.put("secret.yaml", SECRET);
    std::os::unix::fs::symlink("/dev/stdout", folder.path("link")).unwrap();
    let options = std::fs::File::options();
    for to in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"] {
        for appended in [true, false] {
            folder.put("out", "");
            let mut out = options
                .clone()
                .write(true)
                .append(appended)
                .open(folder.path("out"))
                .unwrap();
            out.write_all(b"first\n").unwrap();
            let status = crate::program::command(&folder.path(""))
                .args(["--cert", "test-only.crt", "-f", "secret.yaml", "-w", to])
                .stdout(Stdio::from(out.try_clone().unwrap()))
                .status()
                .unwrap();
            assert!(status.success());
            out.write_all(b"last\n").unwrap();
            let text = folder.text("out");
            let sealed = text
                .strip_prefix("first\n")
                .and_then(|text| text.strip_suffix("last\n"));
            assert!(sealed.unwrap().contains("encryptedData"), "{to}: {text}");
        }
        let words = ["--cert", "test-only.crt", "-f", "secret.yaml", "-w", to];
        assert!(folder.run_in(&[], &words, b"").ok().contains("encryptedData"), "{to}");
    }
}

#[cfg(unix)]
#[test]
fn clear_text_is_never_left_where_others_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::with_keys();
    let sealed = folder.run("--cert test-only.crt", SECRET).ok();
    folder.put("clear.yaml", "x");
    let path = folder.path("clear.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let recover = "--recovery-unseal --recovery-private-key test-only.key -w clear.yaml";
    folder.run(recover, &sealed).ok();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(folder.text("clear.yaml").contains("kind: Secret"));
}
