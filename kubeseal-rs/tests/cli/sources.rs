//! `kubeseal seal` of plain files, as `kubectl create secret generic` takes them, and of values that are placeholders.

use std::fs;

use serde_json::json;

use crate::program::Folder;
use crate::seal_files::{SEAL, SECRET, recovered};

#[test]
fn an_environment_file_becomes_a_sealed_file() {
    let folder = Folder::with_keys();
    folder.put("app.env", "# the shop\nUSER=u\n\nPASSWORD=a=b #c\nQUOTED=\"q\"\n");
    let line = format!("{SEAL} --from-env-file app.env --name app -n shop");
    let told = folder.run(&line, "").ok();
    assert_eq!(
        told,
        "sealed app.env → app.sealed.yaml\n  QUOTED: the quotes around its value are sealed with it, as kubectl does\n1 file: \
         1 sealed\n"
    );
    let secret = &recovered(&folder, "app.sealed.yaml")[0];
    assert_eq!(
        (&secret["metadata"]["name"], &secret["metadata"]["namespace"]),
        (&json!("app"), &json!("shop"))
    );
    assert_eq!(
        secret["data"],
        json!({"USER": "dQ==", "PASSWORD": "YT1iICNj", "QUOTED": "InEi"})
    );
    let check = "seal --check --from-env-file app.env --name app -n shop";
    folder.run(check, "").ok();
    // A further run changes the sealed file in place, and removes nothing from it.
    folder.put("app.env", "USER=v\n");
    folder.run(check, "").ok();
    let told = folder.run(&line, "").ok();
    assert!(
        told.contains("left alone: item PASSWORD of shop/app, which is not given in this command (kubeseal unset"),
        "{told}"
    );
    assert_eq!(
        recovered(&folder, "app.sealed.yaml")[0]["data"],
        json!({"USER": "dg==", "PASSWORD": "YT1iICNj", "QUOTED": "InEi"})
    );
    folder.put("app.env", "NEW=v\n");
    assert_eq!(folder.run(check, "").code, 1);
}

#[test]
fn a_second_literal_is_added_to_the_first() {
    let folder = Folder::with_keys();
    folder
        .run(&format!("{SEAL} --from-literal a=b --name lit -n x"), "")
        .ok();
    let told = folder
        .run(&format!("{SEAL} --from-literal c=d --name lit -n x"), "")
        .ok();
    assert!(
        told.contains("left alone: item a of x/lit") && !told.contains("clear file"),
        "{told}"
    );
    assert_eq!(
        recovered(&folder, "lit.sealed.yaml")[0]["data"],
        json!({"a": "Yg==", "c": "ZA=="})
    );
    let told = folder
        .run(&format!("{SEAL} --force --from-literal e=f --name lit -n x"), "")
        .ok();
    assert!(
        told.contains("  lost: spec.encryptedData.a of x/lit\n  lost: spec.encryptedData.c of x/lit\n"),
        "{told}"
    );
}

#[test]
fn a_clear_file_that_is_deleted_removes_no_item() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.run(&format!("{SEAL} --delete-clear db.yaml"), "").ok();
    folder.put("db.yaml", &SECRET.replace("password: p", "user: u"));
    let told = folder.run(&format!("{SEAL} --delete-clear db.yaml"), "").ok();
    assert!(
        told.contains("  left alone: item password of shop/db, which is not in the clear file (kubeseal unset"),
        "{told}"
    );
    assert!(!folder.path("db.yaml").exists());
    assert_eq!(
        recovered(&folder, "db.sealed.yaml")[0]["data"],
        json!({"password": "cA==", "user": "dQ=="})
    );
    // A third one, of which nothing says that it is not all.
    folder.put("db.yaml", &SECRET.replace("password: p", "user: v"));
    let before = folder.text("db.sealed.yaml");
    for line in [format!("{SEAL} db.yaml"), "seal --check db.yaml".to_owned()] {
        let run = folder.run(&line, "");
        let told = format!("{}{}", run.stdout, run.stderr);
        assert!(
            run.code == 1 && told.contains("password") && told.contains("--prune"),
            "{told}"
        );
    }
    assert_eq!(folder.text("db.sealed.yaml"), before);
    folder
        .run("--cert test-only.crt --merge-into db.sealed.yaml -f db.yaml", "")
        .ok();
    assert_eq!(
        recovered(&folder, "db.sealed.yaml")[0]["data"],
        json!({"password": "cA==", "user": "dg=="})
    );
    let told = folder.run(&format!("{SEAL} --prune --delete-clear db.yaml"), "").ok();
    assert!(told.contains("removed: item password of shop/db"), "{told}");
}

#[test]
fn files_folders_and_literals_become_items() {
    let folder = Folder::with_keys();
    folder.put("tls/tls.crt", "c");
    folder.put("tls/tls.key", "k\n");
    folder.put("tls/sub/x", "x");
    fs::write(folder.path("store.jks"), [0xfe, 0xed, 0]).unwrap();
    let flags =
        "--from-file tls --from-file keystore=store.jks --from-literal user=a=b --type example.com/t --name t -n n";
    let told = folder.run(&format!("{SEAL} {flags} --out sealed"), "").ok();
    assert_eq!(
        told,
        "sealed tls → sealed/t.sealed.yaml\n  left alone: tls/sub is no file\n1 file: 1 sealed\n"
    );
    let secret = &recovered(&folder, "sealed/t.sealed.yaml")[0];
    assert_eq!(
        (&secret["type"], &secret["data"]),
        (
            &json!("example.com/t"),
            &json!({"tls.crt": "Yw==", "tls.key": "awo=", "keystore": "/u0A", "user": "YT1i"})
        )
    );
}

#[test]
fn sources_that_make_no_secret_are_refused_without_a_value() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", SECRET);
    folder.put("export.env", "export hunter2=x\n");
    folder.put("alone.env", "A=b\nhunter2\n");
    folder.put("twice.env", "A=hunter2\nA=c\n");
    folder.put("hunter 2", "x");
    folder.put("tls/x", "x");
    let before = folder.tree();
    for (flags, error) in [
        (
            "--from-env-file export.env",
            "error: --from-env-file, --from-file and --from-literal need --name",
        ),
        (
            "--from-env-file export.env --name app",
            "error: export.env, line 1: what stands before = is not a name",
        ),
        (
            "--from-env-file alone.env --name app",
            "error: alone.env, line 2: there is no =; variables of the environment are not sealed",
        ),
        (
            "--from-env-file twice.env --name app",
            "error: twice.env: item A is there already",
        ),
        (
            "--from-file k=tls --name app",
            "error: tls: it is a directory, which takes no KEY=",
        ),
        (
            "--from-literal hunter2 --name app",
            "error: --from-literal takes KEY=VALUE\n",
        ),
        (
            "--from-literal a=b --name App",
            "error: \"App\" cannot be the name of a Secret",
        ),
        (
            "--from-literal a=b --name app --delete-clear",
            "error: --delete-clear deletes files of Secrets",
        ),
        ("--name app db.yaml", "error: --name is for --from-env-file"),
        ("--from-literal a=hunter2 --name app db.yaml", "error: the argument"),
        ("", "error: the following required arguments"),
    ] {
        let run = folder.run(&format!("{SEAL} -n shop {flags}"), "");
        assert!(run.code > 0 && run.stderr.starts_with(error), "{flags}: {}", run.stderr);
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
    assert_eq!(folder.tree(), before);
}

#[test]
fn placeholders_are_named_and_with_strict_refused() {
    let folder = Folder::with_keys();
    folder.put(
        "db.yaml",
        &SECRET.replace("password: p", "password: '${DB_PASSWORD}', user: u"),
    );
    let run = folder.run(&format!("{SEAL} --strict db.yaml"), "");
    let told =
        "the value of password is a placeholder (${VAR}, as Flux and envsubst fill in), and is sealed as it stands";
    assert_eq!(
        run.stderr,
        format!("error: db.yaml, document 1, line 1: {told}\nhint: seal the value itself, or leave --strict out\n")
    );
    assert!(!folder.path("db.sealed.yaml").exists());
    assert_eq!(
        folder.run(&format!("{SEAL} db.yaml"), "").ok(),
        format!("sealed db.yaml → db.sealed.yaml\n  warning: document 1, line 1: {told}\n1 file: 1 sealed\n")
    );
}

#[test]
fn names_that_are_placeholders_or_impossible_are_named() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", &SECRET.replace("namespace: shop", "namespace: '${NS}'"));
    let told = "the namespace \"${NS}\" is a placeholder, and the values are bound to it";
    let run = folder.run(&format!("{SEAL} --strict db.yaml"), "");
    assert!(run.code == 1 && run.stderr.contains(told), "{}", run.stderr);
    assert!(!folder.path("db.sealed.yaml").exists());
    folder
        .run(&format!("{SEAL} --strict --scope cluster-wide --out o db.yaml"), "")
        .ok();
    assert!(folder.run(&format!("{SEAL} db.yaml"), "").ok().contains(told));
    folder.put("no.yaml", &SECRET.replace("namespace: shop", "namespace: Prod_1"));
    let run = folder.run(&format!("{SEAL} no.yaml"), "");
    assert!(
        run.code == 1 && run.stderr.contains("namespace \"Prod_1\" is no name of a namespace"),
        "{}",
        run.stderr
    );
    // A line break alone is not a value.
    let run = folder.run("set --cert test-only.crt --scope cluster-wide o/db.sealed.yaml p", "\n");
    assert!(
        run.code == 1 && run.stderr.contains("the value is empty"),
        "{}",
        run.stderr
    );
    folder
        .run(
            "set --allow-empty-data --cert test-only.crt --scope cluster-wide o/db.sealed.yaml p",
            "\n",
        )
        .ok();
}

#[test]
fn what_sops_has_encrypted_is_left_alone_in_a_folder() {
    let folder = Folder::with_keys();
    let sops = SECRET.replace("password: p", "password: 'ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]'")
        + "sops: {version: 3.9.0}\n";
    folder.put("repo/sops.yaml", &sops);
    folder.put("repo/both.yaml", &format!("{SECRET}---\n{sops}"));
    let told = folder.run(&format!("{SEAL} repo"), "").ok();
    assert_eq!(
        told,
        "sealed repo/both.yaml → repo/both.sealed.yaml\n  left alone: document 2, line 6: Secret that SOPS has encrypted\n1 \
         file: 1 sealed\n"
    );
    let run = folder.run(&format!("{SEAL} repo/sops.yaml"), "");
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("it is encrypted by SOPS\nhint: sops -d FILE | kubeseal seal -"),
        "{}",
        run.stderr
    );
}

#[test]
fn all_mistakes_in_string_data_are_told_at_once() {
    let folder = Folder::with_keys();
    folder.put("db.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\ndata:\n  c: '%'\nstringData:\n  a: yes\n  b: 0777\n  d: x\n");
    let run = folder.run(&format!("{SEAL} db.yaml"), "");
    for line in [
        "line 5: data.c is not base64",
        "line 7: the value of \"stringData.a\"",
        "line 8: the value of \"stringData.b\"",
    ] {
        assert!(
            run.stderr.contains(&format!("error: db.yaml, document 1, {line}")),
            "{}",
            run.stderr
        );
    }
}

/// Whoever may commit would choose what of whoever seals is sealed.
#[cfg(target_os = "linux")]
#[test]
fn no_committed_symlink_leads_a_source_out_of_the_repository() {
    let folder = Folder::with_keys();
    folder.git_init();
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "A=1\n").unwrap();
    let link = |to: &std::path::Path, name: &str| std::os::unix::fs::symlink(to, folder.path(name)).unwrap();
    link(std::path::Path::new("/proc/self/environ"), "all.env");
    link(outside.path(), "committed.env");
    link(outside.path(), "own.env");
    link(std::path::Path::new(".git/config"), "config");
    folder.put("clear/p", "x");
    link(std::path::Path::new("clear/p"), "ignored");
    folder.git(&["add", "all.env", "committed.env", "config", "ignored"]);
    for source in [
        "--from-env-file all.env",
        "--from-env-file committed.env",
        "--from-file a=committed.env",
        "--from-file a=config",
        "--from-file a=ignored",
    ] {
        let run = folder.run(&format!("{SEAL} {source} --name app -n shop"), "");
        assert!(
            run.code == 1 && run.stderr.contains("a symlink that may be committed"),
            "{source}: {}",
            run.told
        );
    }
    folder
        .run(&format!("{SEAL} --from-env-file own.env --name app -n shop"), "")
        .ok();
    folder.put("nul.env", "A=1\0B=2\n");
    let run = folder.run(&format!("{SEAL} --from-env-file nul.env --name app -n shop"), "");
    assert!(run.code == 1 && run.stderr.contains("NUL"), "{}", run.told);
}
