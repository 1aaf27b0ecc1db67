//! Of several things that are wrong, the one is told that the reference tells: what is read comes before the certificate, so
//! a slip in a path is not blamed on a kubeconfig, and no cluster is asked for nothing.

use crate::items::file;
use crate::program::Folder;

#[test]
fn a_file_that_is_not_there_is_told_before_the_certificate_is_looked_for() {
    let folder = Folder::with_keys();
    file(&folder);
    let with_secret_file =
        "error: Could not read file specified with --secret-file: open nope: no such file or directory\n";
    let to_change = "error: open nope: no such file or directory\nhint: a new one is made by kubeseal edit nope, or kubeseal -f \
                     SECRET-FILE -w nope\n";
    let plain = "error: open nope: no such file or directory\n";
    for (line, expected) in [
        ("-f nope", with_secret_file),
        ("--merge-into sealed.yaml -f nope", with_secret_file),
        ("--merge-into nope -f nope", with_secret_file),
        (
            "--recovery-unseal -f nope --recovery-private-key nowhere.key",
            with_secret_file,
        ),
        ("--validate -f nope", with_secret_file),
        ("--re-encrypt -f nope", with_secret_file),
        ("--merge-into nope", to_change),
        ("--raw --from-file nope --name a", plain),
        ("set nope password", to_change),
        ("set sealed.yaml password --name db --from-file nope", plain),
    ] {
        // Neither is there a certificate, nor a cluster that could give it.
        for line in [line.to_owned(), format!("{line} --cert nowhere.crt")] {
            let run = folder.run(&line, "");
            let told = run.stderr.replace(" --cert nowhere.crt", "");
            assert_eq!((run.code, told.as_str()), (1, expected), "{line}");
        }
    }
}

#[test]
fn what_is_wrong_in_an_input_is_told_after_the_certificate() {
    let folder = Folder::with_keys();
    for line in ["", "--raw --name a -n b", "--merge-into sealed.yaml"] {
        file(&folder);
        let run = folder.run(&format!("{line} --cert nowhere.crt"), "");
        let expected = "error: open nowhere.crt: no such file or directory\n";
        assert!(
            run.code == 1 && run.stderr.starts_with(expected),
            "{line}: {}",
            run.told
        );
    }
}

#[test]
fn a_word_is_what_was_meant_when_nothing_comes_from_stdin() {
    let folder = Folder::with_keys();
    file(&folder);
    let told = |hint: &str| {
        format!("error: unexpected argument: only verbs take arguments, and the verb comes first\nhint: {hint}\n")
    };
    let file = told("to read a file: kubeseal -f FILE; kubeseal --help lists the verbs");
    let unseal = told("did you mean kubeseal unseal? kubeseal --help lists the verbs");
    let raw = told(
        "a value comes from a file or from stdin: kubeseal --raw --from-file FILE, or printf %s \"$VALUE\" | kubeseal --raw",
    );
    // No certificate is looked for: there is none.
    for (line, expected) in [
        ("clear.yaml", &file),
        ("decrypt sealed.yaml", &unseal),
        ("version", &file),
        ("--merge-into sealed.yaml clear.yaml", &file),
        ("--validate sealed.yaml", &file),
        ("--recovery-unseal sealed.yaml", &file),
        ("--raw --name a -n b hunter2", &raw),
    ] {
        let run = folder.run(line, "");
        assert_eq!((run.code, &run.stderr), (2, expected), "{line}");
    }
    // Whoever pipes something in types such words for nothing, as with the reference.
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {a: x}\n";
    assert!(
        folder
            .run("--cert test-only.crt clear.yaml -o yaml", secret)
            .ok()
            .contains("SealedSecret")
    );
    let raw = "--raw --cert test-only.crt --name a -n b";
    assert!(folder.run(&format!("{raw} word"), "x").ok().starts_with("AQ"));
    assert!(folder.run(&format!("{raw} check"), "x").ok().starts_with("AQ"));
    assert!(
        folder
            .run(&format!("{raw} word --allow-empty-data"), "")
            .ok()
            .starts_with("AQ")
    );
}
