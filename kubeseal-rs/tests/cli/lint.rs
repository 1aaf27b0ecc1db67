//! `kubeseal lint`: a repository with everything that can be wrong in it, told in each form.

use std::fs;

use serde_json::Value;

use crate::program::Folder;

const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";

/// A work tree: a sound base, an overlay that breaks it, a Secret in clear, one that Git ignores, a chart.
fn repository() -> Folder {
    let folder = Folder::with_keys();
    folder.git_init();
    for (name, text) in [
        (".gitignore", "/clear/\n*.key\ntest-only-keys.yaml\n"),
        ("base/kustomization.yaml", "resources: [db.yaml]\n"),
        ("prod/kustomization.yaml", "resources: [../base]\nnamePrefix: prod-\n"),
        ("clear/db.yaml", SECRET),
        ("chart/Chart.yaml", "name: chart\n"),
        ("chart/templates/db.yaml", "kind: SealedSecret\n{{ if true }}\n"),
        ("other.yaml", "kind: ConfigMap\nthis: is: not our business\n"),
    ] {
        let path = folder.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let sealed = folder.run("--cert test-only.crt -o yaml", SECRET).ok();
    folder.put("base/db.yaml", &sealed);
    folder
}

#[test]
fn a_sound_repository_is_told_so() {
    let folder = repository();
    folder.put("prod/kustomization.yaml", "resources: [../base]\n");
    let told = folder.run("lint .", "").ok();
    assert_eq!(told, "1 SealedSecret in 3 files: no problems found\n");
    assert_eq!(folder.run("lint --cert test-only.crt --strict .", "").ok(), told);
}

#[test]
fn findings_are_told_with_their_places_and_fail() {
    let folder = repository();
    folder.put("base/clear.yaml", SECRET);
    folder.put(
        "base/cut.yaml",
        &folder
            .text("base/db.yaml")
            .replace("password: AQ", "password: AQ!")
            .replace("name: db", "name: cut"),
    );
    let run = folder.run("lint .", "");
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn a_file_is_judged_by_the_kustomizations_of_its_repository() {
    let folder = repository();
    let run = folder.run("lint base/db.yaml", "");
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .starts_with("prod/kustomization.yaml:2:1: error[kustomize-name]: "),
        "{}",
        run.stdout
    );
}

#[test]
fn what_git_ignores_may_be_in_clear_and_what_it_takes_may_not() {
    let folder = repository();
    assert_eq!(folder.run("lint clear", "").code, 0);
    assert_eq!(folder.run("lint clear/db.yaml", "").code, 0);
    fs::remove_file(folder.path(".gitignore")).unwrap();
    let run = folder.run("lint clear/db.yaml -o json", "");
    assert_eq!(run.code, 1);
    assert!(
        run.stdout.contains("clear-secret") && !run.stdout.contains("hunter2"),
        "{}",
        run.stdout
    );
}

/// Git tracks what it ignores only from then on, and follows no symlink to rules.
#[test]
fn lint_looks_at_what_git_tracks() {
    let folder = Folder::with_keys();
    folder.git_init();
    for name in ["braces/b.yaml", "braces/tracked.yaml", "ignored/c.yaml"] {
        folder.put(name, SECRET);
    }
    folder.git(&["add", "braces/tracked.yaml"]);
    folder.put(".gitignore", "{b,x}.yaml\n/braces/tracked.yaml\n/ignored/\n");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/dev/zero", folder.path("braces/.gitignore")).unwrap();
    let run = folder.run("lint .", "");
    for (name, told) in [
        ("braces/b.yaml", true),
        ("braces/tracked.yaml", true),
        ("ignored/c.yaml", false),
    ] {
        assert_eq!(run.stdout.contains(name), told, "{name}: {}", run.stdout);
    }
}

/// A `.gitignore` that ignores everything and takes some files back says nothing of the root itself.
#[test]
fn lint_looks_where_all_but_some_is_ignored() {
    let folder = Folder::with_keys();
    folder.git_init();
    folder.put(".gitignore", "*\n!*/\n!*.yaml\n");
    folder.put("top.yaml", SECRET);
    folder.put("deep/db.yaml", SECRET);
    let run = folder.run("lint .", "");
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stdout.contains("top.yaml") && run.stdout.contains("deep/db.yaml"),
        "{}",
        run.stdout
    );
}

/// As a hook names it, and in a folder that is ignored by itself.
#[test]
fn lint_sees_what_was_added_before_it_was_ignored() {
    let folder = Folder::with_keys();
    folder.git_init();
    folder.put("d/added.yaml", SECRET);
    folder.put("d/never.yaml", SECRET);
    folder.git(&["add", "--force", "d/added.yaml"]);
    folder.put(".gitignore", "d/\n");
    for line in ["lint d/added.yaml", "lint d", "lint ."] {
        let run = folder.run(line, "");
        assert_eq!(run.code, 1, "{line}: {}", run.stdout);
        assert!(
            run.stdout.contains("added.yaml") && !run.stdout.contains("never.yaml"),
            "{line}: {}",
            run.stdout
        );
    }
    assert_eq!(folder.run("lint d/never.yaml", "").code, 0);
}

#[test]
fn the_output_of_kustomize_is_judged_from_stdin() {
    let folder = repository();
    let renamed = folder.text("base/db.yaml").replacen("name: db", "name: prod-db", 1);
    let run = folder.run("lint -", &renamed);
    assert_eq!(run.code, 1);
    assert!(run.stdout.starts_with("stdin:5:3: error[renamed]: "), "{}", run.stdout);
    assert_eq!(
        folder.run("lint -", SECRET).code,
        0,
        "a pipe is no place that Git takes"
    );
}

/// A `kustomize build` that fails writes nothing, and the pipe goes on.
#[test]
fn an_empty_pipe_and_an_empty_file_fail() {
    let folder = repository();
    for input in ["", "# nothing\n", "garbage\n"] {
        let run = folder.run("lint -", input);
        assert_eq!((run.code, run.stderr.as_str()), (1, ""), "{input:?}");
        let expected = "stdin: error[no-object]: there is no Kubernetes object in it\n  help: has the command before the \
                        pipe failed? (set -o pipefail)\n";
        assert!(run.stdout.starts_with(expected), "{}", run.stdout);
    }
    folder
        .run("lint -", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
        .ok();
    folder.put("base/empty.yaml", "");
    let run = folder.run("lint base/empty.yaml", "");
    assert!(
        run.code == 1
            && run
                .stdout
                .starts_with("base/empty.yaml: error[no-object]: it is empty\n"),
        "{}",
        run.stdout
    );
    folder.run("lint --strict clear", "").ok();
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_read_is_a_finding_and_leaves_the_others() {
    let folder = repository();
    // Nobody can read this file from its beginning, not even root.
    let run = folder.run("lint /proc/self/mem base", "");
    assert_eq!((run.code, run.stderr.as_str()), (1, ""));
    assert!(
        run.stdout
            .starts_with("/proc/self/mem: error[unreadable]: it cannot be read: input/output error\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("error[kustomize-name]"), "{}", run.stdout);
}

#[test]
fn a_pattern_means_what_it_fits() {
    let folder = repository();
    folder.put("prod/kustomization.yaml", "resources: [../base]\n");
    folder.put("base/clear.yaml", SECRET);
    let told = |pattern: &str| folder.run(&format!("lint {pattern}"), "");
    assert_eq!(
        told("ba*/d?.yaml").ok(),
        "1 SealedSecret in 1 file: no problems found\n"
    );
    assert!(told("b*").stdout.contains("clear-secret"));
    assert!(
        told("c*r/*.yaml")
            .stderr
            .starts_with("error: no manifest (.yaml, .yml, .json) fits the pattern")
    );
    assert_eq!(told("*/nothing.yaml").code, 1);
}

#[test]
fn warnings_fail_when_they_are_asked_to_and_rules_are_allowed() {
    let folder = repository();
    folder.put("prod/kustomization.yaml", "");
    folder.put(
        "base/db.yaml",
        &folder.text("base/db.yaml").replace("  namespace: shop\nspec", "spec"),
    );
    assert_eq!(folder.run("lint .", "").code, 0);
    assert_eq!(folder.run("lint --strict .", "").code, 1);
    assert_eq!(folder.run("lint --strict --allow no-namespace,renamed .", "").code, 0);
}

#[test]
fn the_project_file_says_which_certificate_a_file_is_held_against() {
    let folder = repository();
    folder.put("prod/kustomization.yaml", "");
    folder.put(".kubeseal.yaml", "clusters:\n  prod: {cert: test-only-4096.crt}\n");
    fs::copy(folder.path("test-only.crt"), folder.path("test-only-4096.crt")).unwrap();
    assert_eq!(folder.run("lint --strict base", "").code, 0);
    let other = folder.text("base/db.yaml").replace("  annotations:", "  labels:");
    let hint = format!(
        "  annotations: {{sealed-secrets-rs/sealed-with: 'SHA256:{}A'}}\n  name: db\n",
        "B".repeat(42)
    );
    folder.put("base/db.yaml", &other.replacen("  name: db\n", &hint, 1));
    let told = folder.run("lint base", "").ok();
    assert!(
        told.contains("note[old-key]") && told.contains("the certificate of cluster prod"),
        "{told}"
    );
}

#[test]
fn json_and_sarif_say_what_the_text_says() {
    let folder = repository();
    folder.put("base/clear me.yaml", SECRET);
    let run = folder.run("lint -o json .", "");
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["summary"]["errors"], 2, "{json}");
    let finding = &json["findings"][0];
    assert_eq!(finding["file"], "base/clear me.yaml");
    assert_eq!(
        (&finding["rule"], &finding["level"]),
        (&"clear-secret".into(), &"error".into())
    );
    assert_eq!([&finding["document"], &finding["line"], &finding["column"]], [1, 4, 1]);

    let run = folder.run("lint -o sarif .", "");
    assert_eq!(run.code, 1);
    let sarif: Value = serde_json::from_str(&run.stdout).unwrap();
    // One pattern of the published schema is not a regular expression, by a bracket too many.
    let schema = include_str!("../schemas/sarif-2.1.0.json").replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<_> = validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
    assert_eq!(faults, [""; 0]);
    let mut broken = sarif.clone();
    broken["runs"][0]["results"][0]["level"] = "grave".into();
    assert!(!validator.is_valid(&broken), "the schema is looked at");
    let result = &sarif["runs"][0]["results"][0];
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], result["ruleId"]);
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "base/clear%20me.yaml");
    assert_eq!(place["region"]["startLine"], 4);
}

#[test]
fn a_wrong_command_line_is_told() {
    let folder = repository();
    let commands = [
        "lint",
        "lint nothing-here",
        "lint -o xml .",
        "lint --allow base65 .",
        "lint --cert nothing.crt .",
        "lint --rulez",
    ];
    let told = commands.map(|line| {
        let run = folder.run(line, "");
        assert_eq!(run.stdout, "");
        format!("$ kubeseal {line}\n{}", run.told)
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_help_and_the_rules_teach() {
    let folder = Folder::with_keys();
    let help = folder.run("lint --help", "").ok();
    insta::assert_snapshot!(help);
    let rules = folder.run("lint --rules", "").ok();
    assert!(
        rules
            .lines()
            .any(|line| line.starts_with("clear-secret ") && line.contains(" error "))
    );
}

#[test]
fn values_that_something_fills_in_are_not_in_clear() {
    let folder = repository();
    folder.put("prod/kustomization.yaml", "resources: [../base]\n");
    let placeholders = "${DB_PASSWORD} $(PASSWORD) <path:kv/db#password> ref+vault://kv/db#/password";
    for placeholder in placeholders.split(' ') {
        folder.put(
            "base/later.yaml",
            &SECRET.replace("hunter2", &format!("'{placeholder}'")),
        );
        folder.run("lint .", "").ok();
        folder.put(
            "base/later.yaml",
            &SECRET.replace("{password: hunter2}", &format!("{{password: 'hunter2 {placeholder}'}}")),
        );
        let run = folder.run("lint .", "");
        assert!(
            run.code == 1 && run.stdout.contains("clear-secret"),
            "{placeholder}: {}",
            run.stdout
        );
    }
    // Under `data`, as it is and in base64.
    for data in ["'<path:kv/db#password>'", "JHtEQl9QQVNTV09SRH0="] {
        folder.put(
            "base/later.yaml",
            &SECRET.replace(
                "stringData: {password: hunter2}",
                &format!("data: {{password: {data}}}"),
            ),
        );
        folder.run("lint .", "").ok();
    }
}
