//! `render`, and what `lint` says of templates.

use crate::program::Folder;

const OBJECT: &str = "apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  name: connect
  namespace: kafka
spec:
  encryptedData:
    password: AgB1
    user: AgB2
  template:
    data:
      connect.properties: |
        user={{ .user }}
        password={{ .password }}
      jaas: '{{ printf \"%q\" .password }}'
";

fn folder(object: &str) -> Folder {
    let folder = Folder::with_keys();
    folder.put("connect.yaml", object);
    folder
}

/// What is said when it fails, with nothing on stdout.
fn failed(folder: &Folder, flags: &str) -> String {
    let run = folder.run(&format!("render connect.yaml {flags}"), "");
    let code = if run.stderr.contains("--data takes") { 2 } else { 1 };
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.stderr);
    run.stderr
}

#[test]
fn templates_are_shown_with_sample_values_without_any_key() {
    let folder = folder(OBJECT);
    let all = folder.run("render connect.yaml --data password=a\"b", "").ok();
    assert_eq!(
        all,
        "---\nconnect.properties: |\n  user=<user>\n  password=a\"b\njaas: '\"a\\\"b\"'\n"
    );
    folder.put("sample", "from\nfile");
    let one = folder.run(
        "render connect.yaml --data-file user=sample --item connect.properties",
        "",
    );
    assert_eq!(one.ok(), "user=from\nfile\npassword=<password>\n");
}

#[test]
fn what_cannot_be_shown_is_told_with_its_place_and_without_a_value() {
    let folder = folder(&OBJECT.replace(".user }}", ".user | index \"canary\" }}"));
    let error = failed(&folder, "--data user=canary");
    assert!(
        error.contains("template connect.properties, line 1, column 17: calling index: ") && !error.contains("canary"),
        "{error}"
    );
    for (flags, part) in [
        ("--data nope=1", "there is no item \"nope\" (there are password, user)"),
        ("--data nope", "--data takes KEY=VALUE"),
        (
            "--item password",
            "there is no item \"password\" (there are connect.properties, jaas)",
        ),
    ] {
        let folder = self::folder(OBJECT);
        let error = failed(&folder, flags);
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn name_of_no_item_is_warned_of() {
    let folder = folder(&OBJECT.replace("password={{ .password }}", "password={{ .pasword | quote }};"));
    let warning =
        "warning: template connect.properties: there is no item pasword: it gives \"<no value>\" or an empty text\n";
    let run = folder.run("render connect.yaml --data user=canary", "");
    assert_eq!((run.code, run.stderr.as_str()), (0, warning));
    assert!(run.stdout.contains("password=;"), "{}", run.stdout);
    let other = folder.run("render connect.yaml --item jaas", "");
    assert_eq!((other.code, other.stderr.as_str()), (0, ""));
}
