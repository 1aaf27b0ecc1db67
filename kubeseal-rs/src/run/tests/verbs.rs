//! What a line with a verb means.

use std::path::Path;

use super::*;
use crate::commands::reseal::{Opener, ResealMode};
use crate::commands::seal::SealMode;
use crate::commands::unseal::ClearPlace;

#[test]
fn a_first_word_that_names_a_verb_makes_the_line_the_verbs() {
    let cases = [
        ("seal x.yaml", "seal files"),
        ("seal --cert c.pem x.yaml y.yaml", "seal files"),
        ("seal -- --raw", "seal files"),
        ("seal --help", "help of a verb"),
        ("seal x.yaml -h", "help of a verb"),
    ];
    for (line, expected) in cases {
        assert_eq!(mode(&decide(line).unwrap()), expected, "{line}");
    }
}

#[test]
fn a_verb_takes_its_own_flags_only() {
    let cases = [
        ("seal", "the following required arguments were not provided: <PATH>..."),
        ("seal x --raw", "unexpected argument '--raw' found"),
        (
            "seal x --allow-empty-data=yes",
            "--allow-empty-data is true or false (what was typed is not shown here, as it may be a value)",
        ),
    ];
    for (line, expected) in cases {
        let error = read(line, &Environment::default()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{line}");
        assert_eq!(error.hint(), "kubeseal seal --help shows all flags", "{line}");
    }
}

#[test]
fn a_slip_of_the_pen_is_met_with_the_verb_that_was_meant() {
    let hint = |line: &str| decide(line).unwrap_err().hint().unwrap();
    assert_eq!(
        hint("sael x.yaml"),
        "did you mean kubeseal seal? kubeseal --help lists the verbs"
    );
    assert_eq!(
        hint("--cert c seal x"),
        "did you mean kubeseal seal? kubeseal --help lists the verbs"
    );
    assert_eq!(
        hint("check secret.yaml"),
        "did you mean kubeseal lint? kubeseal --help lists the verbs"
    );
    assert_eq!(
        hint("secret.yaml"),
        "to read a file: kubeseal -f FILE; kubeseal --help lists the verbs"
    );
}

#[test]
fn verbs_are_preset_by_the_same_variables() {
    let preset = Environment::from([
        ("SEALED_SECRETS_CERT", "c.pem"),
        ("SEALED_SECRETS_ALLOW_EMPTY_DATA", "true"),
        ("SEALED_SECRETS_RAW", "true"),
        ("SEALED_SECRETS_SCOPE", "cluster-wide"),
    ]);
    let decided = |line: &str| match super::super::decide(read(line, &preset).unwrap(), true).unwrap() {
        Command::SealFiles(command) => command,
        other => panic!("{line}: {other:?}"),
    };
    let seal = decided("seal x");
    assert_eq!(seal.cert, CertFrom::File("c.pem".into()).into());
    assert_eq!((seal.allow_empty, seal.scope), (true, Scope::ClusterWide));
    let seal = decided("seal --allow-empty-data=false x --scope=strict");
    assert_eq!((seal.allow_empty, seal.scope), (false, Scope::Strict));
    let wrong = Environment::from([("SEALED_SECRETS_SCOPE", "bogus")]);
    let error = read("seal x", &wrong).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the environment variable SEALED_SECRETS_SCOPE: "),
        "{error}"
    );
}

#[test]
fn what_is_deleted_is_always_sealed_first() {
    let seal = |line: &str| match decide(line) {
        Ok(Command::SealFiles(command)) => command,
        other => panic!("{line}: {other:?}"),
    };
    let cases = [
        ("seal x", SealMode::Seal),
        ("seal x --force", SealMode::SealAgain),
        ("seal x --delete-clear", SealMode::SealAndDelete),
        ("seal x --delete-clear --force", SealMode::SealAndDelete),
        ("seal x --check", SealMode::Check),
        ("seal x --check --force=false", SealMode::Check),
    ];
    for (line, mode) in cases {
        assert_eq!(seal(line).mode, mode, "{line}");
    }
    let (beside, below) = (seal("seal a"), seal("seal a --out o/p"));
    let target = |command: &SealFiles| command.target(Path::new("a/b/x.yaml"), Path::new("b/x.yaml"));
    assert_eq!(target(&beside), Path::new("a/b/x.sealed.yaml"));
    assert_eq!(target(&below), Path::new("o/p/b/x.sealed.yaml"));
    assert!(beside.key_hint && !seal("seal a --no-key-hint").key_hint);
}

#[test]
fn who_opens_is_the_controller_unless_there_are_keys() {
    let reseal = |line: &str| match decide(line) {
        Ok(Command::ResealFiles(command)) => command,
        other => panic!("{line}: {other:?}"),
    };
    assert!(
        matches!(reseal("reseal x").opener, Opener::Controller(finding) if finding.controller.name == "sealed-secrets-controller")
    );
    assert!(
        matches!(reseal("reseal x --controller-name c").opener, Opener::Controller(finding) if finding.controller.name == "c")
    );
    let with_keys = reseal("reseal x --recovery-private-key a,b --recovery-private-key c --cert d -i me");
    let Opener::Keys { keys, cert } = with_keys.opener else {
        panic!()
    };
    assert_eq!(keys.files, ["a", "b", "c"].map(PathBuf::from));
    assert_eq!(keys.identity, Some("me".into()));
    assert_eq!(cert, CertFrom::File("d".into()).into());
    let modes = [
        ("", ResealMode::Write),
        (
            " --check",
            ResealMode::Check {
                diff: false,
                fail: true,
            },
        ),
        (
            " --diff",
            ResealMode::Check {
                diff: true,
                fail: false,
            },
        ),
        (" --check --diff", ResealMode::Check { diff: true, fail: true }),
    ];
    for (flags, mode) in modes {
        assert_eq!(
            reseal(&format!("reseal x --recovery-private-key a{flags}")).mode,
            mode,
            "{flags}"
        );
    }
}

#[test]
fn clear_text_goes_to_stdout_unless_a_flag_says_where() {
    let to = |flags: &str| match decide(&format!("unseal x --recovery-private-key k {flags}")) {
        Ok(Command::UnsealFiles(command)) => command.to,
        other => panic!("{flags}: {other:?}"),
    };
    assert_eq!(to(""), ClearPlace::Stdout);
    assert_eq!(to("--beside"), ClearPlace::Beside);
    assert_eq!(to("--out d"), ClearPlace::Folder("d".into()));
    let raw = "unseal - --raw --recovery-private-key k --scope cluster-wide";
    let Ok(Command::UnsealRaw(raw)) = decide(raw) else {
        panic!()
    };
    assert_eq!(
        (raw.input, raw.binding),
        (Input::Stdin, sealing::binding::Binding::ClusterWide)
    );
}
