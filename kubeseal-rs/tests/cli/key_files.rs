//! Files with private keys: encrypted with age, and pipes.

use crate::items::CERT;
use crate::program::{Folder, alone, command};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x}\n";
/// An identity of age and its recipient, made outside of this program.
const IDENTITY: &str = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33";
const RECIPIENT: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
const OTHER: &str = "AGE-SECRET-KEY-1X3U6FZCTMS6NJRGHXYCX9VC2FCKXMZF7VQFHRYHYYQCQ5HV7TM6SVQ9R6Q";

#[test]
fn a_backup_that_age_has_encrypted_opens_with_its_identity_wherever_keys_are_read() {
    let folder = Folder::with_keys();
    let recipient: age::x25519::Recipient = RECIPIENT.parse().unwrap();
    let encrypted = age::encrypt_and_armor(&recipient, folder.text("test-only-keys.yaml").as_bytes()).unwrap();
    folder.put("keys.age", &encrypted);
    folder.put("me.txt", &format!("# mine\n{IDENTITY}\n"));
    folder.put("sealed.json", &folder.run(CERT, SECRET).ok());
    let keys = "--recovery-private-key keys.age";
    let lines = [
        format!("--recovery-unseal {keys} -f sealed.json"),
        format!("unseal {keys} sealed.json"),
        format!("reseal {keys} --cert test-only.crt --check sealed.json"),
        format!("doctor --offline {keys} sealed.json"),
    ];
    for line in &lines {
        for identity in ["-i me.txt", "--identity=me.txt"] {
            let run = folder.run(&format!("{line} {identity}"), "");
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{line}");
        }
        let run = folder.run(line, "");
        assert_eq!(
            run.told,
            "exit 1\nerror: keys.age is encrypted with age\nhint: open it with your identity: --identity FILE\n",
            "{line}"
        );
    }
    // By the environment, beside a file that is not encrypted, and with what is not an identity.
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let both = words("--recovery-unseal --recovery-private-key test-only-other.key,keys.age -f sealed.json");
    let both: Vec<_> = both.iter().map(String::as_str).collect();
    assert!(
        folder
            .run_in(&[("SEALED_SECRETS_IDENTITY", "me.txt")], &both, b"")
            .ok()
            .contains("\"eA==\"")
    );
    folder.put("other.txt", OTHER);
    for wrong in ["test-only.key", "other.txt", "nowhere.txt"] {
        let run = folder.run(&format!("{} -i {wrong}", lines[0]), "");
        assert!(
            run.code == 1 && run.stdout.is_empty() && run.stderr.starts_with("error: "),
            "{}",
            run.told
        );
    }
}

/// `--recovery-private-key <(kubectl get secret … -o yaml)`.
#[test]
fn keys_are_read_from_a_pipe_of_the_shell() {
    let folder = Folder::with_keys();
    folder.put("sealed.json", &folder.run(CERT, SECRET).ok());
    for line in [
        "\"$0\" --recovery-unseal --recovery-private-key <(cat test-only-keys.yaml) < sealed.json",
        "cat sealed.json | \"$0\" --recovery-unseal --recovery-private-key <(cat test-only.key)",
        "\"$0\" unseal -o json --recovery-private-key <(cat test-only-keys.yaml) sealed.json",
    ] {
        let mut bash = alone("bash");
        bash.args(["-c", line]).arg(command(&folder.path("")).get_program());
        let output = bash.current_dir(folder.path("")).output().unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(
            output.status.success() && stderr.is_empty() && stdout.contains("\"eA==\""),
            "{line}: {stderr}"
        );
    }
}

#[test]
fn all_keys_of_a_pem_file_are_tried() {
    let folder = Folder::with_keys();
    let both = format!("{}{}", folder.text("test-only-other.key"), folder.text("test-only.key"));
    folder.put("both.key", &both);
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {p: v}\n";
    let sealed = folder.run("--cert test-only.crt", secret).ok();
    folder
        .run("--recovery-unseal --recovery-private-key both.key", &sealed)
        .ok();
}

#[test]
fn key_and_certificate_in_each_others_place() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.put("sealed.json", &folder.run(CERT, SECRET).ok());
    let key = "data does not contain any valid RSA or ECDSA certificates: it holds a private key\nhint: a private key only opens; ";
    let cert = "it holds a certificate, not a private key\nhint: a certificate only seals; ";
    for (line, file, told) in [
        ("--cert test-only.key -f db.yaml", "test-only.key", key),
        ("seal --cert test-only-keys.yaml db.yaml", "test-only-keys.yaml", key),
        ("--fetch-cert --cert test-only.key", "test-only.key", key),
        ("keys pin test-only.key", "test-only.key", key),
        (
            "unseal --recovery-private-key test-only.crt sealed.json",
            "test-only.crt",
            cert,
        ),
        (
            "reseal --check --recovery-private-key test-only-ec.crt sealed.json",
            "test-only-ec.crt",
            cert,
        ),
    ] {
        let run = folder.run(line, "");
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{line}");
        let message = format!("error: {file}: {told}");
        assert!(run.stderr.starts_with(&message), "{line}: {}", run.stderr);
    }
}
