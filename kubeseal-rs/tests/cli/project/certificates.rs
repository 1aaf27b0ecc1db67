//! Certificates of the project file that are missing, broken, expired, or those of another cluster.

use sealing::cert::SealingCert;

use super::*;

const FETCH_PROD: &str =
    "kubeseal --fetch-cert --context NAME -w certs/prod.pem, where NAME must be kubectl's context of cluster prod";

/// A repository with a sealed file for each cluster.
fn sealed_repository() -> Folder {
    let folder = repository();
    for cluster in ["dev", "prod"] {
        folder.put(&format!("environments/{cluster}/db.yaml"), SECRET);
    }
    folder.run("seal --delete-clear environments", "").ok();
    folder
}

/// Level, rule and fix of the findings.
fn findings(folder: &Folder, line: &str) -> (i32, Vec<String>) {
    let run = folder.run(&format!("{line} -o json"), "");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}", run.stderr));
    let found = report["findings"].as_array().unwrap().iter().map(|one| {
        let text = |field: &str| one[field].as_str().unwrap().to_owned();
        format!("{} {}", text("file"), text("rule"))
    });
    (run.code, found.collect())
}

#[test]
fn the_hint_of_a_missing_certificate_names_the_context_of_its_cluster() {
    let folder = sealed_repository();
    std::fs::remove_file(folder.path("certs/prod.pem")).unwrap();
    folder.put("environments/prod/new.yaml", SECRET);
    for line in [
        "seal environments/prod/new.yaml",
        "seal environments/prod/new.yaml --for-cluster prod --context dev",
        "-f environments/prod/new.yaml",
    ] {
        let run = folder.run(line, "");
        let hint = format!("hint: get it from the cluster: {FETCH_PROD}\n");
        assert!(run.code == 1 && run.stderr.ends_with(&hint), "{line}: {}", run.stderr);
    }
    // The only cluster of a file is the one that is meant.
    folder.put(".kubeseal.yaml", "clusters:\n  prod: {cert: certs/prod.pem}\n");
    let run = folder.run("seal environments/prod/new.yaml", "");
    assert!(
        run.stderr.ends_with("kubeseal --fetch-cert -w certs/prod.pem\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn two_clusters_with_one_key_are_refused_wherever_sealing_needs_the_project() {
    let folder = sealed_repository();
    folder.put("certs/prod.pem", &folder.text("certs/dev.pem"));
    folder.put("environments/prod/new.yaml", SECRET);
    let before = folder.tree();
    let error = "error: .kubeseal.yaml, document 1, line 2: the clusters dev (certs/dev.pem) and prod (certs/prod.pem) have the same key\nhint: \
                 one certificate came from the wrong cluster: kubeseal --fetch-cert --context NAME -w FILE, where NAME must be \
                 kubectl's context of that file's cluster; clusters that share their keys are one cluster of the file, with the \
                 folders of both\n";
    for (line, stdin) in [
        ("seal environments/prod/new.yaml", ""),
        ("seal environments/prod/new.yaml --for-cluster dev", ""),
        ("set environments/prod/db.sealed.yaml password", "q"),
        ("-f environments/dev/new.yaml", ""),
        ("--raw --name db -n shop --for-cluster prod", "v"),
    ] {
        folder.put("environments/dev/new.yaml", SECRET);
        let run = folder.run(line, stdin);
        assert_eq!(told(&run), (1, "", error), "{line}");
        std::fs::remove_file(folder.path("environments/dev/new.yaml")).unwrap();
    }
    assert_eq!(folder.tree(), before);
    let (code, found) = findings(&folder, "lint environments/dev");
    assert_eq!((code, found), (1, vec![".kubeseal.yaml shared-key".to_owned()]));
    // By a pin it is known too.
    let dev = SealingCert::from_pem(folder.text("certs/dev.pem").as_bytes()).unwrap();
    let pinned = format!("'https://127.0.0.1:1/', fingerprint: '{}',", dev.public().fingerprint());
    folder.put(".kubeseal.yaml", &PROJECT.replace("certs/dev.pem,", &pinned));
    let run = folder.run("seal environments/prod/new.yaml", "");
    assert!(
        run.stderr
            .contains("dev (https://127.0.0.1:1/) and prod (certs/prod.pem) have the same key"),
        "{}",
        run.stderr
    );
}

#[test]
fn one_certificate_that_is_missing_or_broken_does_not_end_lint() {
    let folder = sealed_repository();
    folder.put("environments/dev/clear.yaml", SECRET);
    folder.put(
        "environments/prod/deep/db.sealed.yaml",
        &folder.text("environments/prod/db.sealed.yaml"),
    );
    let expected = [
        ".kubeseal.yaml broken-certificate",
        "environments/dev/clear.yaml clear-secret",
    ];
    for text in [None, Some(""), Some("no certificate")] {
        match text {
            None => std::fs::remove_file(folder.path("certs/prod.pem")).unwrap(),
            Some(text) => folder.put("certs/prod.pem", text),
        }
        let (code, found) = findings(&folder, "lint environments");
        assert_eq!((code, found), (1, expected.map(str::to_owned).to_vec()), "{text:?}");
        let told = folder.run("lint environments", "").stdout;
        assert!(
            told.contains(".kubeseal.yaml:2:3: error[broken-certificate]: the certificate of cluster prod: ")
                && told.contains(FETCH_PROD),
            "{told}"
        );
        let doctor = folder.run("doctor --offline environments/prod/db.sealed.yaml", "");
        assert!(doctor.stdout.contains(FETCH_PROD), "{}", doctor.told);
    }
}

#[test]
fn an_expired_certificate_is_a_warning_and_sealing_names_its_file() {
    let folder = sealed_repository();
    folder.put("certs/prod.pem", &folder.text("test-only-expired.crt"));
    let (code, found) = findings(&folder, "lint environments/dev");
    assert_eq!(
        (code, found),
        (0, vec![".kubeseal.yaml expired-certificate".to_owned()])
    );
    let told = folder.run("lint --strict environments/dev", "").stdout;
    assert!(
        told.contains("the certificate of cluster prod, certs/prod.pem, has expired on 20")
            && told.contains(FETCH_PROD),
        "{told}"
    );
    folder.put("environments/prod/new.yaml", SECRET);
    let run = folder.run("seal environments/prod/new.yaml", "");
    assert!(run.code == 1 && run.stderr.contains(FETCH_PROD), "{}", run.stderr);
}
