//! `kubeseal unseal`, offline.

use crate::program::Folder;

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\ntype: Opaque\nstringData:\n  password: p\n";
const UNSEAL: &str = "unseal --recovery-private-key test-only.key ";

/// `sealed/db.sealed.yaml` and `sealed/deep/web.yaml`.
fn folder() -> Folder {
    let folder = Folder::with_keys();
    let sealed = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
    folder.put("sealed/db.sealed.yaml", &sealed);
    folder.put("sealed/deep/web.yaml", &sealed);
    folder.put("sealed/map.yaml", "kind: ConfigMap\n");
    folder
}

#[cfg(unix)]
fn mode(folder: &Folder, name: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_whole_folder_goes_to_stdout() {
    let folder = folder();
    let clear = "---\napiVersion: v1\ndata:\n  password: cA==\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\ntype: Opaque\n";
    assert_eq!(folder.run(&format!("{UNSEAL} sealed"), "").ok(), clear.repeat(2));
    let json = folder.run(&format!("{UNSEAL} sealed -o json"), "").ok();
    assert_eq!(json.matches("\"password\": \"cA==\"").count(), 2);
}

#[test]
fn stdout_gets_all_or_none() {
    let folder = folder();
    folder.put(
        "sealed/x.yaml",
        &folder.text("sealed/deep/web.yaml").replace("name: db", "name: other"),
    );
    let run = folder.run(&format!("{UNSEAL} sealed"), "");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr
            .starts_with("error: sealed/x.yaml, document 1, line 2: no key could decrypt secret (password)\n")
    );
}

#[cfg(unix)]
#[test]
fn clear_files_are_private_and_replace_nothing() {
    let folder = folder();
    let told = folder.run(&format!("{UNSEAL} sealed --out clear"), "").ok();
    assert_eq!(
        told,
        "unsealed sealed/db.sealed.yaml → clear/db.yaml\nunsealed sealed/deep/web.yaml → clear/deep/web.clear.yaml\n\
         2 files: 2 unsealed\n"
    );
    assert_eq!(mode(&folder, "clear/db.yaml"), 0o600);
    // What comes out can be sealed again.
    folder.run("seal --cert test-only.crt clear", "").ok();
    let before = folder.tree();
    let run = folder.run(&format!("{UNSEAL} sealed --out clear"), "");
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("error: clear/db.yaml: it is there already"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.tree(), before);
    folder.run(&format!("{UNSEAL} sealed/db.sealed.yaml --beside"), "").ok();
    assert!(folder.text("sealed/db.yaml").contains("password: cA=="));
}

/// What the real Git says.
fn git_ignores(folder: &Folder, name: &str) -> bool {
    folder.git_succeeds(&["check-ignore", "--quiet", name])
}

#[test]
fn clear_files_stay_out_of_git_work_trees_unless_git_ignores_them() {
    let folder = folder();
    folder.git_init();
    let before = folder.tree();
    for flags in ["--beside", "--out clear", "--out new/deep"] {
        let run = folder.run(&format!("{UNSEAL} sealed {flags}"), "");
        assert!(run.code == 1 && run.stdout == "2 files: 2 failed\n", "{}", run.stdout);
        assert!(
            run.stderr
                .contains("a Secret in clear is not written into a Git work tree"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(folder.tree(), before);
    // Looking at it is allowed.
    folder.run(&format!("{UNSEAL} sealed"), "").ok();
    folder.put(".gitignore", "/clear\n*.clear.yaml\n");
    let told = folder.run(&format!("{UNSEAL} sealed --out clear"), "").ok();
    assert!(told.ends_with("2 files: 2 unsealed\n"), "{told}");
    let beside = folder.run(&format!("{UNSEAL} sealed --beside"), "");
    assert!(
        beside.stdout.ends_with("2 files: 1 failed, 1 unsealed\n"),
        "{}",
        beside.stdout
    );
    for (name, written) in [
        ("clear/db.yaml", true),
        ("sealed/db.yaml", false),
        ("sealed/deep/web.clear.yaml", true),
    ] {
        assert_eq!(
            (git_ignores(&folder, name), folder.path(name).exists()),
            (written, written),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn no_symlink_leads_a_clear_file_into_a_work_tree() {
    let folder = folder();
    folder.put("repo/sub/readme", "");
    folder.put("repo/.git/HEAD", "");
    std::os::unix::fs::symlink("repo/sub", folder.path("link")).unwrap();
    let before = folder.tree();
    for out in ["link", "link/new", "link/new/deep", "link/../clear"] {
        let run = folder.run(&format!("{UNSEAL} sealed --out {out}"), "");
        assert_eq!((run.code, run.stdout.as_str()), (1, "2 files: 2 failed\n"), "{out}");
    }
    assert_eq!(folder.tree(), before);
    folder.run(&format!("{UNSEAL} sealed --out repo/../clear"), "").ok();
}

#[test]
fn a_bare_value_is_opened_from_a_file_and_from_stdin() {
    let folder = Folder::with_keys();
    for (seal, open) in [
        ("--name db -n shop", "--name db --namespace shop"),
        ("--scope namespace-wide -n shop", "--scope namespace-wide -n shop"),
        ("--scope cluster-wide", "--scope cluster-wide"),
    ] {
        let sealed = folder
            .run(&format!("--raw --cert test-only.crt {seal}"), "hunter2\n")
            .ok();
        folder.put("value.txt", &format!("{sealed}\n"));
        assert_eq!(
            folder.run(&format!("{UNSEAL} --raw {open} value.txt"), "").ok(),
            "hunter2\n"
        );
        assert_eq!(
            folder.run(&format!("{UNSEAL} --raw {open} -"), &sealed).ok(),
            "hunter2\n"
        );
    }
    let run = folder.run(&format!("{UNSEAL} --raw --name other -n shop value.txt"), "");
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr
            .starts_with("error: value.txt: no key could decrypt secret\n"),
        "{}",
        run.stderr
    );
    folder.put("whole.yaml", "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n");
    let run = folder.run(&format!("{UNSEAL} --raw --name db -n shop whole.yaml"), "");
    assert!(
        run.code == 1
            && run
                .stderr
                .ends_with("hint: --raw opens one bare value: for a file of SealedSecrets leave it out\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn two_files_that_would_be_one_clear_file_are_both_named() {
    let folder = folder();
    folder.put("other/db.sealed.yaml", &folder.text("sealed/db.sealed.yaml"));
    let words = format!("{UNSEAL} --out clear sealed/db.sealed.yaml other/db.sealed.yaml");
    let run = folder.run(&words, "");
    assert_eq!(run.code, 1);
    for name in ["sealed/db.sealed.yaml", "other/db.sealed.yaml", "clear/db.yaml"] {
        assert!(run.stderr.contains(name), "{}", run.told);
    }
    assert!(!folder.path("clear").exists());
}

/// Rules that a matcher of this program could read otherwise than Git does: Git's own word counts.
#[test]
fn clear_text_goes_where_git_itself_ignores_it() {
    let comments = "# \n".repeat(400_000);
    let many = format!("db.yaml\n!{}db.yaml\n", "**/".repeat(400));
    for rules in [
        "{db,x}.yaml\n",
        "d{b,c}.yaml\n",
        "*.yaml\n!d[[:alpha:]].yaml\n",
        "db.yaml\t\n",
        "\u{feff}\u{feff}db.yaml\n",
        &format!("db.yaml\n{comments}!db.yaml\n"),
        &many,
    ] {
        let folder = folder();
        folder.git_init();
        folder.put(".gitignore", rules);
        let rules = &rules[..rules.len().min(40)];
        assert!(!git_ignores(&folder, "sealed/db.yaml"), "{rules:?}");
        let run = folder.run(&format!("{UNSEAL} --beside sealed/db.sealed.yaml"), "");
        assert!(
            run.code == 1 && !folder.path("sealed/db.yaml").exists(),
            "{rules:?}: {}",
            run.told
        );
    }
    #[cfg(unix)]
    {
        let folder = folder();
        folder.git_init();
        folder.put("rules.txt", "db.yaml\n");
        std::os::unix::fs::symlink("rules.txt", folder.path(".gitignore")).unwrap();
        assert!(!git_ignores(&folder, "sealed/db.yaml"));
        let run = folder.run(&format!("{UNSEAL} --beside sealed/db.sealed.yaml"), "");
        assert_eq!(run.code, 1, "{}", run.told);
    }
}

/// Git ignores nothing that its index holds.
#[test]
fn tracked_file_gets_no_clear_text_though_it_is_ignored() {
    let folder = folder();
    folder.git_init();
    folder.put(".gitignore", "db.yaml\n");
    folder.run(&format!("{UNSEAL} --beside sealed/db.sealed.yaml"), "").ok();
    folder.git(&["add", "--force", "sealed/db.yaml"]);
    std::fs::remove_file(folder.path("sealed/db.yaml")).unwrap();
    let run = folder.run(&format!("{UNSEAL} --beside sealed/db.sealed.yaml"), "");
    assert!(run.code == 1 && run.stderr.contains("db.yaml"), "{}", run.told);
    assert!(!folder.path("sealed/db.yaml").exists());
}
