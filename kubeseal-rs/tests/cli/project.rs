//! The project file chooses the certificate by the folder, and nothing else may be sealed with it.

mod certificates;
mod lint;
pub(crate) mod pins;
mod refused;

use crate::program::{Folder, Run};

const SECRET: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: p}\n";
const PROJECT: &str = "clusters:\n  prod: {cert: certs/prod.pem, folders: [environments/prod]}\n  \
                       dev: {cert: certs/dev.pem, folders: [environments/dev, 'apps/*/dev']}\n";

/// A Git work tree with a project file: prod is sealed for with the test key, dev with the other one.
fn repository() -> Folder {
    let folder = Folder::with_keys();
    folder.git_init();
    folder.put("certs/prod.pem", &folder.text("test-only.crt"));
    folder.put("certs/dev.pem", &folder.text("test-only-other.crt"));
    folder.put(".kubeseal.yaml", PROJECT);
    folder
}

/// Which of the test keys opens a sealed file.
fn opened_by(folder: &Folder, sealed: &str) -> &'static str {
    let opens = |key: &str| {
        folder
            .run(
                &format!("--recovery-unseal --recovery-private-key {key} -f {sealed}"),
                "",
            )
            .code
            == 0
    };
    match (opens("test-only.key"), opens("test-only-other.key")) {
        (true, false) => "prod",
        (false, true) => "dev",
        other => panic!("{sealed}: {other:?}"),
    }
}

fn told(run: &Run) -> (i32, &str, &str) {
    (run.code, run.stdout.as_str(), run.stderr.as_str())
}

#[test]
fn each_folder_is_sealed_for_its_own_cluster() {
    let folder = repository();
    for (place, expected) in [
        ("environments/prod", "prod"),
        ("environments/dev/deep", "dev"),
        ("apps/shop/dev", "dev"),
    ] {
        folder.put(&format!("{place}/db.yaml"), SECRET);
        folder.run(&format!("seal {place}/db.yaml"), "").ok();
        assert_eq!(opened_by(&folder, &format!("{place}/db.sealed.yaml")), expected);
        // The classic modes follow it too: by the file that is read, and by the one that is written.
        let sealed = folder.run(&format!("-f {place}/db.yaml"), "").ok();
        folder.put("out.json", &sealed);
        assert_eq!(opened_by(&folder, "out.json"), expected);
        folder.run(&format!("-w {place}/new.yaml"), SECRET).ok();
        assert_eq!(opened_by(&folder, &format!("{place}/new.yaml")), expected);
    }
}

#[test]
fn a_tree_is_not_sealed_for_one_cluster_where_files_are_for_another() {
    let folder = repository();
    folder.put("environments/prod/db.yaml", SECRET);
    folder.put("loose/db.yaml", SECRET);
    let before = folder.tree();
    let loose = folder.run("seal --no-key-hint .", "");
    let hint = "or say the cluster for this file alone: kubeseal seal loose/db.yaml --for-cluster NAME --no-key-hint\n";
    assert!(loose.code == 1 && loose.stderr.ends_with(hint), "{}", loose.stderr);
    let refused = "error: .kubeseal.yaml: environments/prod/db.yaml is for cluster prod, and --for-cluster says dev\n\
                   hint: leave out --for-cluster: each file is sealed for the cluster of its folder; to seal this one for dev \
                   nevertheless, name the file itself: kubeseal seal environments/prod/db.yaml --for-cluster dev\n";
    for line in [
        "seal . --for-cluster dev",
        "seal loose/db.yaml 'environments/*' --for-cluster dev",
    ] {
        let run = folder.run(&line.replace('\'', ""), "");
        assert_eq!(told(&run), (1, "", refused), "{line}");
    }
    assert_eq!(folder.tree(), before);
    folder
        .run("seal loose/db.yaml environments/prod/db.yaml --for-cluster dev", "")
        .ok();
    assert_eq!(opened_by(&folder, "environments/prod/db.sealed.yaml"), "dev");
    // Those that are resealed too.
    let before = folder.tree();
    let run = folder.run(
        "reseal --recovery-private-key test-only-other.key --for-cluster dev environments",
        "",
    );
    assert!(
        run.code == 1
            && run
                .stderr
                .contains("environments/prod/db.sealed.yaml is for cluster prod, and --for-cluster says dev\n"),
        "{}",
        run.stderr
    );
    assert_eq!(folder.tree(), before);
    folder.run("seal loose --for-cluster prod --prune", "").ok();
}

#[test]
fn flags_and_the_environment_beat_the_project_file() {
    let folder = repository();
    folder.put("environments/prod/db.yaml", SECRET);
    let sealed_for = |variables: &[(&str, &str)], flags: &str| {
        let words: Vec<_> = flags.split(' ').collect();
        folder.run_in(variables, &words, SECRET.as_bytes()).ok();
        opened_by(&folder, "environments/prod/out.yaml")
    };
    let out = "-w environments/prod/out.yaml";
    assert_eq!(sealed_for(&[], out), "prod");
    assert_eq!(sealed_for(&[], &format!("{out} --for-cluster dev")), "dev");
    assert_eq!(sealed_for(&[], &format!("{out} --cert test-only-other.crt")), "dev");
    assert_eq!(
        sealed_for(&[("SEALED_SECRETS_CERT", "test-only-other.crt")], out),
        "dev"
    );
    assert_eq!(sealed_for(&[("SEALED_SECRETS_FOR_CLUSTER", "dev")], out), "dev");
    // The certificate is fetched from the cluster, which is not there.
    let fetch = folder.run("--fetch-cert", "");
    assert!(
        fetch.stderr.contains("no configuration has been provided"),
        "{}",
        fetch.stderr
    );
    let asked = folder.run("--controller-name x -f environments/prod/db.yaml", "");
    assert!(
        asked.stderr.contains("no configuration has been provided"),
        "{}",
        asked.stderr
    );
}

#[test]
fn the_file_is_looked_for_no_higher_than_the_git_root() {
    let folder = Folder::with_keys();
    folder.put(".kubeseal.yaml", "clusters: {only: {cert: test-only.crt}}");
    folder.put("repository/deep/db.yaml", SECRET);
    // Outside of Git: up to the current folder.
    folder.run("seal repository/deep/db.yaml", "").ok();
    std::fs::create_dir(folder.path("repository/.git")).unwrap();
    let run = folder.run("seal repository/deep/db.yaml", "");
    assert!(
        run.stderr.contains("no configuration has been provided"),
        "{}",
        run.stderr
    );
    // The nearest one wins, and its paths are its own.
    folder.put(
        "repository/.kubeseal.yaml",
        "clusters: {only: {cert: deep/c.pem, folders: [deep]}}",
    );
    folder.put("repository/deep/c.pem", &folder.text("test-only-other.crt"));
    folder.run("seal repository/deep/db.yaml", "").ok();
    assert_eq!(opened_by(&folder, "repository/deep/db.sealed.yaml"), "dev");
    // Its certificates are files of the repository.
    folder.put(
        "repository/.kubeseal.yaml",
        "clusters: {only: {cert: ../test-only.crt}}",
    );
    let outside = folder.run("seal repository/deep/db.yaml", "");
    assert!(
        outside.stderr.starts_with(
            "error: repository/.kubeseal.yaml, document 1, line 1: the certificate of cluster only is outside the repository\n"
        ),
        "{}",
        outside.stderr
    );
}

#[test]
fn a_broken_project_file_is_named_with_its_line() {
    let folder = repository();
    folder.put(".kubeseal.yaml", "clusters:\n  prod:\n    certificate: x\n");
    let run = folder.run("", SECRET);
    assert_eq!(
        told(&run),
        (
            1,
            "",
            "error: .kubeseal.yaml, document 1, line 3: there is no field `certificate` here (only cert, controller, \
             fingerprint, folders, format)\nhint: docs/project-file.md describes this file\n"
        )
    );
}

#[test]
fn a_project_file_that_is_too_large_is_not_parsed() {
    let folder = repository();
    folder.put(".kubeseal.yaml", &format!("clusters: [{}]\n", "0,".repeat(1 << 19)));
    let run = folder.run("", SECRET);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr.starts_with("error: open ") && run.stderr.contains(".kubeseal.yaml: larger than 1 MiB\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_project_file_of_another_name_is_not_ignored() {
    let folder = repository();
    folder.put("environments/prod/db.yaml", SECRET);
    folder.put("environments/.kubeseal.yml", "clusters: {}");
    let run = folder.run("seal environments/prod/db.yaml", "");
    assert_eq!(
        told(&run),
        (
            1,
            "",
            "error: environments/.kubeseal.yml: a project file is called .kubeseal.yaml\n\
             hint: mv environments/.kubeseal.yml environments/.kubeseal.yaml\n"
        )
    );
    folder.put(
        "environments/prod/.kubeseal.yaml",
        "clusters: {only: {cert: ../../certs/prod.pem}}",
    );
    folder.run("seal environments/prod/db.yaml", "").ok();
}

#[cfg(unix)]
#[test]
fn a_symlink_is_for_the_cluster_of_what_it_points_to() {
    let folder = repository();
    folder.put("environments/prod/db.yaml", SECRET);
    folder.run("seal environments/prod/db.yaml", "").ok();
    folder.put("environments/dev/db.yaml", SECRET);
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path(name)).unwrap();
    link("../prod/db.sealed.yaml", "environments/dev/link.sealed.yaml");
    link("environments/prod/db.sealed.yaml", "here.sealed.yaml");
    let before = folder.tree();
    let dev = "environments/dev/link.sealed.yaml";
    for line in [
        format!("set {dev} password"),
        format!("set {dev} other"),
        format!("-f environments/dev/db.yaml -w {dev}"),
        format!("-f environments/dev/db.yaml --merge-into {dev}"),
        format!("-w {dev}"),
    ] {
        let run = folder.run(&line, SECRET);
        assert_eq!(run.code, 1, "{line}");
        assert!(run.stderr.contains("is for cluster dev, but"), "{line}: {}", run.stderr);
        assert!(run.stderr.contains("is for cluster prod"), "{line}: {}", run.stderr);
    }
    assert_eq!(folder.tree(), before);
    // A place that is for no cluster itself leads to one.
    folder.run("set here.sealed.yaml other", "x").ok();
    assert_eq!(opened_by(&folder, "environments/prod/db.sealed.yaml"), "prod");
}

#[test]
fn the_project_of_the_current_folder_counts_too_when_a_cluster_is_named() {
    let folder = repository();
    let outside = tempfile::tempdir().unwrap();
    let clear = outside.path().join("db.yaml");
    std::fs::write(&clear, SECRET).unwrap();
    let of = |cluster| {
        let words = ["--for-cluster", cluster, "-f", clear.to_str().unwrap()];
        folder.run_in(&[], &words, b"")
    };
    let sealed = of("dev").ok();
    folder.put("db.sealed.json", &sealed);
    assert_eq!(opened_by(&folder, "db.sealed.json"), "dev");
    let run = of("nowhere");
    assert!(
        run.stderr.contains("there is no cluster nowhere in it"),
        "{}",
        run.stderr
    );
}
