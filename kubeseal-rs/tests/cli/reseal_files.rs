//! `kubeseal reseal` with private keys at hand: the other test key is the old one, the test key the newest.

use serde_json::Value;

use crate::program::Folder;

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p, user: u}\n";
const RESEAL: &str = "reseal --recovery-private-key test-only-keys.yaml --cert test-only.crt ";

/// A sealed file, by the certificate, with comments and another document around it.
fn sealed(folder: &Folder, cert: &str, flags: &str) -> String {
    let text = folder.run(&format!("--cert {cert} -o yaml {flags}"), SECRET).ok();
    let text = text.replace("  encryptedData:", "  encryptedData: # by hand");
    format!("# first\n{text}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: 'm'}}  # kept\n")
}

fn item<'t>(text: &'t str, name: &str) -> &'t str {
    text.lines()
        .map(str::trim)
        .find_map(|line| line.strip_prefix(name))
        .unwrap()
        .trim_start_matches(": ")
}

fn opened_with(folder: &Folder, key: &str, name: &str) -> bool {
    folder
        .run(&format!("unseal --recovery-private-key {key} {name}"), "")
        .code
        == 0
}

#[test]
fn only_ciphertexts_of_other_keys_change() {
    let folder = Folder::with_keys();
    let old = sealed(&folder, "test-only-other.crt", "");
    // One item is sealed with the newest key already.
    let newest = sealed(&folder, "test-only.crt", "");
    let mixed = old.replace(item(&old, "user"), item(&newest, "user"));
    folder.put("repo/mixed.yaml", &mixed);
    folder.put("repo/newest.yaml", &newest);
    folder.put("repo/map.yaml", "kind: ConfigMap\n");
    let told = folder.run(&format!("{RESEAL} --no-key-hint repo"), "").ok();
    assert_eq!(
        told,
        "resealed repo/mixed.yaml\n  shop/db: password\n2 files: 1 current, 1 resealed\n"
    );
    assert_eq!(folder.text("repo/newest.yaml"), newest);
    let after = folder.text("repo/mixed.yaml");
    assert_eq!(after.replace(item(&after, "password"), item(&mixed, "password")), mixed);
    assert!(opened_with(&folder, "test-only.key", "repo/mixed.yaml"));
    assert_eq!(
        folder.run(&format!("{RESEAL} --check repo"), "").ok(),
        "2 files: 2 current\n"
    );
}

#[test]
fn what_is_due_is_judged_by_opening_and_never_by_a_hint() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run("seal --cert test-only-other.crt db.yaml", "").ok();
    let key = |name: &str| sealing::cert::SealingCert::from_pem(folder.text(name).as_bytes()).unwrap();
    let (old, new) = (key("test-only-other.crt"), key("test-only.crt"));
    let (old, new) = (old.public().fingerprint().as_str(), new.public().fingerprint().as_str());
    let lie = folder.text("db.sealed.yaml").replace(old, new);
    assert_ne!(lie, folder.text("db.sealed.yaml"));
    folder.put("db.sealed.yaml", &lie);
    let check = folder.run(&format!("{RESEAL} --check -o json db.sealed.yaml"), "");
    assert_eq!(check.code, 1);
    let told: Value = serde_json::from_str(&check.stdout).unwrap();
    assert_eq!(told["files"][0]["result"], "due");
    assert_eq!(
        check.stderr,
        "error: 1 of the files are not sealed with the newest key\nhint: kubeseal reseal --recovery-private-key test-only-keys.yaml --cert test-only.crt \
         -o json db.sealed.yaml seals them again\n"
    );
    assert_eq!(folder.text("db.sealed.yaml"), lie);
    folder.run(&format!("{RESEAL} db.sealed.yaml"), "").ok();
    assert!(opened_with(&folder, "test-only.key", "db.sealed.yaml"));
    assert!(folder.text("db.sealed.yaml").contains(new));
}

#[test]
fn without_the_newest_key_its_objects_are_skipped() {
    let folder = Folder::with_keys();
    let reseal = "reseal --recovery-private-key test-only-other.key --cert test-only.crt";
    folder.put("repo/old.yaml", &sealed(&folder, "test-only-other.crt", ""));
    folder.put("repo/new.yaml", &sealed(&folder, "test-only.crt", "--key-hint"));
    let new = folder.text("repo/new.yaml");
    let skipped = |name: &str| {
        format!(
            "skipped repo/{name}\n  not opened: shop/db: by the key hint sealed with the newest key, whose private key was not given\n"
        )
    };
    let told = folder.run(&format!("{reseal} repo"), "").ok();
    let expected = format!(
        "{}resealed repo/old.yaml\n  shop/db: password, user\n2 files: 1 resealed, 1 skipped\n",
        skipped("new.yaml")
    );
    assert_eq!(told, expected);
    assert_eq!(folder.text("repo/new.yaml"), new);
    let again = folder.run(&format!("{reseal} repo"), "").ok();
    let expected = format!("{}{}2 files: 2 skipped\n", skipped("new.yaml"), skipped("old.yaml"));
    assert_eq!(again, expected);
    let diff = folder.run(&format!("{reseal} --diff repo"), "").ok();
    assert_eq!(diff, expected);
    // A hint decides nothing where all depends on it.
    let check = folder.run(&format!("{reseal} --check repo"), "");
    assert_eq!((check.code, check.stdout.as_str()), (1, "2 files: 2 failed\n"));
    let newest = sealing::cert::SealingCert::from_pem(folder.text("test-only.crt").as_bytes()).unwrap();
    for part in [
        "not opened: shop/db: by the key hint sealed with the newest key, whose private key was not given\n".to_owned(),
        format!("hint: give the private key of {} too", newest.public().fingerprint()),
    ] {
        assert_eq!(check.stderr.matches(&part).count(), 2, "{}", check.told);
    }
    assert!(!check.stderr.contains("no key could decrypt"), "{}", check.told);
    folder.put("repo/new.yaml", &sealed(&folder, "test-only.crt", ""));
    let run = folder.run(&format!("{reseal} repo/new.yaml"), "");
    assert!(
        run.code == 1 && run.stderr.contains("no key could decrypt secret"),
        "{}",
        run.told
    );
}

#[test]
fn a_diff_shows_lines_and_no_ciphertext() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", &sealed(&folder, "test-only-other.crt", ""));
    let before = folder.text("db.yaml");
    let told = folder.run(&format!("{RESEAL} --diff db.yaml --no-key-hint"), "").ok();
    assert_eq!(
        told,
        "due db.yaml\n  -    password: (old ciphertext)\n  -    user: (old ciphertext)\n  +    password: (new ciphertext)\n  \
         +    user: (new ciphertext)\n1 file: 1 due\n"
    );
    assert_eq!(folder.text("db.yaml"), before);
}

#[test]
fn a_file_that_no_key_opens_is_named_and_left_as_it_was() {
    let folder = Folder::with_keys();
    let text = sealed(&folder, "test-only-other.crt", "");
    folder.put("repo/a.yaml", &text.replace("namespace: shop", "namespace: other"));
    folder.put("repo/b.yaml", &text);
    let before = folder.text("repo/a.yaml");
    let run = folder.run(&format!("{RESEAL} repo"), "");
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.ends_with("2 files: 1 failed, 1 resealed\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .starts_with("error: repo/a.yaml, document 1, line 3: no key could decrypt secret (password, user)\n"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.text("repo/a.yaml"), before);
    assert!(opened_with(&folder, "test-only.key", "repo/b.yaml"));
}

#[test]
fn nothing_to_reseal_is_an_error() {
    let folder = Folder::with_keys();
    folder.put("repo/a.yaml", SECRET);
    let run = folder.run(&format!("{RESEAL} repo"), "");
    assert!(
        run.code == 1 && run.stderr.starts_with("error: there is no SealedSecret in repo\n"),
        "{}",
        run.stderr
    );
}
