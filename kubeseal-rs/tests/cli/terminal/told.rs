//! What verbs without a report tell of what they did.

use super::{Streams, run};
use crate::items::{CERT, file};
use crate::program::Folder;
use crate::seal_files::SECRET;

/// That each line says this at a terminal; and nothing elsewhere, where it can run twice.
fn told_at_terminal(folder: &Folder, cases: &[(String, &str, &str)]) {
    for (line, input, told) in cases {
        let at_terminal = run(folder, Streams::Pipes, &[], line, "", input);
        assert_eq!(
            (at_terminal.code, at_terminal.shown, at_terminal.stdout),
            (0, format!("{told}\r\n"), String::new()),
            "{line}"
        );
        if line.contains("set --cert") || line.contains("merge") {
            assert_eq!(folder.run(line, input).ok(), "", "{line}");
        }
    }
}

#[test]
fn changed_items_are_told_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    file(&folder);
    let cases = [
        (
            format!("set {CERT} --name db sealed.yaml password"),
            "v",
            "changed password of shop/db in sealed.yaml",
        ),
        (
            format!("set {CERT} --name db sealed.yaml usr"),
            "v",
            "added usr of shop/db in sealed.yaml (there is user too, which stays as it is)",
        ),
        (
            "unset --name db sealed.yaml usr password".to_owned(),
            "",
            "removed usr, password of shop/db in sealed.yaml",
        ),
        (
            "rename --name db sealed.yaml user login".to_owned(),
            "",
            "renamed user to login of shop/db in sealed.yaml",
        ),
    ];
    told_at_terminal(&folder, &cases);
}

#[test]
fn merged_and_outside_values_are_told_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.put(
        "web.yaml",
        &SECRET
            .replace("name: db", "name: web")
            .replace("password: p", "password: p, passwort: q"),
    );
    folder.run(&format!("{CERT} -f db.yaml -w one.yaml"), "").ok();
    let value = folder.run(&format!("--raw {CERT} --name db -n shop"), "v").ok();
    folder.put("values.yaml", &format!("password: {value}\ntoken: {value}\n"));
    let cases = [
        (
            format!("{CERT} --merge-into one.yaml"),
            SECRET,
            "changed password of shop/db in one.yaml",
        ),
        (
            format!("{CERT} --merge-into one.yaml -f web.yaml"),
            "",
            "changed password, added passwort of shop/db in one.yaml (from shop/web: the name in the file counts)",
        ),
        (
            format!("set {CERT} --name db -n shop values.yaml password"),
            "v",
            "changed password in values.yaml",
        ),
        (
            "unset values.yaml password".to_owned(),
            "",
            "removed password in values.yaml",
        ),
    ];
    told_at_terminal(&folder, &cases);
}

#[test]
fn objects_written_over_are_told_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.put("web.yaml", &SECRET.replace("name: db", "name: web"));
    let line = |file: &str| format!("{CERT} -f {file} -w one.yaml");
    let at_terminal = |file: &str| run(&folder, Streams::Pipes, &[], &line(file), "", "");
    let told = "note: one.yaml was written over: SealedSecret db is no longer in it\r\n";
    for (file, shown) in [("db.yaml", ""), ("db.yaml", ""), ("web.yaml", told)] {
        let run = at_terminal(file);
        assert_eq!((run.code, run.shown.as_str()), (0, shown), "{file}");
    }
    assert_eq!(folder.run(&line("db.yaml"), "").ok(), "");
    assert_eq!(at_terminal("db.yaml").shown, "");
}

#[test]
fn what_changes_a_version_or_keeps_it_is_told_at_a_terminal_alone() {
    let folder = crate::format_v2::folder();
    let bound = "--name db -n shop";
    let value = folder.run(&format!("--raw --cert hybrid.crt {bound}"), "v").ok();
    folder.put("values.yaml", &format!("password: {value}\n"));
    let line = format!("set --cert hybrid.crt --format-version 2 {bound} values.yaml password");
    let raised = run(&folder, Streams::Pipes, &[], &line, "", "v");
    assert_eq!(
        raised.shown,
        "changed password in values.yaml (format v1 → v2, bound to item password)\r\n"
    );
    let rsa = |name: &str| {
        let cert = sealing::cert::SealingCert::from_pem(folder.text(name).as_bytes()).unwrap();
        cert.public().fingerprint().to_string()
    };
    let noted = "note: new objects are sealed in format v1: the project file pins the RSA key alone; to pin both keys: fingerprint: \
                 v2:SHA256:… (kubeseal keys pin FILE prints it)\r\n";
    folder.put("a.yaml", SECRET);
    folder.put("b.yaml", SECRET);
    // Without a hybrid key there is nothing to pin.
    for (name, shown) in [("hybrid.crt", noted), ("test-only.crt", "")] {
        let project = format!("clusters: {{c: {{cert: {name}, fingerprint: '{}'}}}}\n", rsa(name));
        folder.put(".kubeseal.yaml", &project);
        let at_terminal = run(&folder, Streams::Pipes, &[], "seal --force a.yaml b.yaml", "", "");
        assert_eq!((at_terminal.code, at_terminal.shown.as_str()), (0, shown));
        assert_eq!(folder.run("seal --force a.yaml b.yaml", "").stderr, "");
    }
}

/// What an object has in format v1 stays there beside a new value of format v2.
#[test]
fn what_stays_in_v1_is_told_at_a_terminal_alone() {
    let folder = crate::format_v2::folder();
    folder.put("more.yaml", &SECRET.replace("password", "user"));
    let left = "note: left in format v1: password of shop/db (kubeseal reseal --format-version 2 raises it)\r\n";
    for line in [
        "--cert hybrid.crt --format-version 2 -f more.yaml --merge-into one.yaml",
        "set --cert hybrid.crt --format-version 2 one.yaml user",
    ] {
        folder.put("one.yaml", &folder.run("--cert test-only.crt -o yaml", SECRET).ok());
        let told = run(&folder, Streams::Pipes, &[], line, "", "v");
        assert_eq!(
            (told.code, told.shown),
            (0, format!("added user of shop/db in one.yaml\r\n{left}")),
            "{line}"
        );
        folder.put("one.yaml", &folder.run("--cert test-only.crt -o yaml", SECRET).ok());
        assert_eq!(folder.run(line, "v").ok(), "", "{line}");
    }
}

/// A newer key of the same cluster, or the certificate of another one.
#[test]
fn items_left_with_another_key_are_told_at_a_terminal_alone() {
    let folder = Folder::with_keys();
    let two = SECRET.replace("password: p", "password: p, user: u");
    let sealed = folder.run("--cert test-only.crt --key-hint -o yaml", &two).ok();
    let set = |cert: &str| {
        folder.put("one.yaml", &sealed);
        run(
            &folder,
            Streams::Pipes,
            &[],
            &format!("set --cert {cert} one.yaml password"),
            "",
            "v",
        )
    };
    let changed = "changed password of shop/db in one.yaml\r\n";
    assert_eq!(set("test-only.crt").shown, changed);
    let told = set("test-only-other.crt");
    let left = "note: left with another key, by the key hint: user of shop/db; ";
    assert!(
        told.code == 0 && told.shown.starts_with(&format!("{changed}{left}")),
        "{}",
        told.shown
    );
    folder.put("one.yaml", &sealed);
    let run = folder.run("set --cert test-only-other.crt one.yaml password", "v");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}
