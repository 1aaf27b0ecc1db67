//! What the environment and the project file set where no flag does.

use super::*;
use crate::cert_source::SourceError;
use crate::commands::classic::raw::Raw;
use crate::commands::seal::SealFiles;

#[test]
fn the_environment_presets_flags_and_the_command_line_wins() {
    let decide = |environment: &Environment, line: &str| super::super::decide(read(line, environment).unwrap(), true);
    let preset = Environment::from([
        ("SEALED_SECRETS_SCOPE", "cluster-wide"),
        ("SEALED_SECRETS_CONTROLLER_NAME", "other"),
        ("SEALED_SECRETS_FORMAT", "yaml"),
        ("SEALED_SECRETS_NAME", ""),
        ("SEALED_SECRETS_UNKNOWN", "x"),
        ("SEALED_SECRETS_VERSION", "v0.24.0"),
        ("SEALED_SECRETS_V", "nonsense"),
        // On Windows the name of the flag's own variable.
        #[cfg(not(windows))]
        ("SEALED_SECRETS_raw", "true"),
    ]);
    let Ok(Command::Seal(seal)) = decide(&preset, "") else {
        panic!()
    };
    assert_eq!(
        (seal.scope, seal.format, seal.name),
        (Scope::ClusterWide, Format::Yaml, None)
    );
    assert!(matches!(seal.cert.from, CertFrom::Found(finding) if finding.named && finding.controller.name == "other"));
    let Ok(Command::Seal(seal)) = decide(&preset, "--scope strict -o json") else {
        panic!()
    };
    assert_eq!((seal.scope, seal.format), (Scope::Strict, Format::Json));

    let switched = Environment::from([("SEALED_SECRETS_RAW", "true"), ("SEALED_SECRETS_NAME", "n")]);
    assert_eq!(mode(&decide(&switched, "").unwrap()), "raw");
    assert_eq!(mode(&decide(&switched, "--raw=false").unwrap()), "seal");
    let version = Environment::from([("SEALED_SECRETS_VERSION", "true")]);
    assert_eq!(mode(&decide(&version, "").unwrap()), "version");
}

#[test]
fn a_preset_that_does_not_fit_is_named() {
    let wrong = Environment::from([("SEALED_SECRETS_SCOPE", "bogus")]);
    let error = read("", &wrong).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the environment variable SEALED_SECRETS_SCOPE: invalid value 'bogus' for '--scope <SCOPE>': must be one of: \
         strict, namespace-wide, cluster-wide"
    );
}

#[test]
fn the_project_file_is_asked_only_when_no_flag_says_what_to_seal_with() {
    let found = |line: &str| match decide(line) {
        Ok(
            Command::Seal(Seal { cert, .. })
            | Command::SealFiles(SealFiles { cert, .. })
            | Command::Raw(Raw { cert, .. }),
        ) => match cert.from {
            CertFrom::Found(finding) if !finding.named => Some((finding.for_cluster, cert.places)),
            _ => None,
        },
        other => panic!("{line}: {other:?}"),
    };
    let at = |places: &[&str]| Some((None, places.iter().map(PathBuf::from).collect()));
    assert_eq!(found(""), at(&[]));
    assert_eq!(found("-f a/b.yaml"), at(&["a/b.yaml"]));
    assert_eq!(found("-f /dev/stdin -w x/y.yaml"), at(&["x/y.yaml"]));
    assert_eq!(found("-f a.yaml -w /dev/stdout"), at(&["a.yaml"]));
    assert_eq!(found("--raw --name n --from-file value"), at(&[]));
    assert_eq!(found("seal a.yaml"), at(&[]));
    let by_name = "--for-cluster prod --context dev -f a.yaml";
    assert_eq!(found(by_name), Some((Some("prod".to_owned()), vec!["a.yaml".into()])));
    for flag in [
        "--cert c",
        "--controller-name=x",
        "--controller-namespace x",
        "--context x",
        "--cluster x",
        "--server x",
        "--kubeconfig x",
    ] {
        assert_eq!(found(flag), None, "{flag}");
        assert_eq!(found(&format!("seal {flag} x.yaml")), None, "{flag}");
    }
    for line in ["--cert c --for-cluster d", "seal x --cert c --for-cluster d"] {
        assert_eq!(
            decide(line).unwrap_err(),
            CommandError::Certificate(SourceError::TwoCertificates)
        );
    }
}
