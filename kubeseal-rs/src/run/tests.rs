mod refused;
mod verbs;
mod words;

use std::path::PathBuf;

use manifest::Format;
use sealing::binding::Scope;
use url::Url;

use super::*;
use crate::args::ArgsError;
use crate::cert_source::{CertFrom, SourceError};
use crate::commands::classic::raw::{Raw, RawTarget};
use crate::commands::classic::seal::Seal;
use crate::commands::namespace::Namespace;
use crate::commands::seal::SealFiles;
use crate::files::Input;

fn read(line: &str, environment: &Environment) -> Result<CommandLine, ArgsError> {
    CommandLine::read(
        std::iter::once("kubeseal")
            .chain(line.split_whitespace())
            .map(Into::into),
        environment,
    )
}

fn decide(line: &str) -> Result<Command, CommandError> {
    decide_at(true, line)
}

fn decide_at(terminal: bool, line: &str) -> Result<Command, CommandError> {
    let line = read(line, &Environment::default()).unwrap_or_else(|error| panic!("{line}: {error}"));
    super::decide(line, terminal)
}

fn mode(command: &Command) -> &'static str {
    match command {
        Command::Version => "version",
        Command::Help => "help",
        Command::RecoveryUnseal { .. } => "recovery-unseal",
        Command::Validate { .. } => "validate",
        Command::FetchCert { .. } => "fetch-cert",
        Command::Raw(_) => "raw",
        Command::Seal(_) => "seal",
        Command::MergeInto(_) => "merge-into",
        Command::ReEncrypt(_) => "re-encrypt",
        Command::EditValues(_) => "edit",
        Command::SetItem(_) => "set",
        Command::UnsetItems(_) => "unset",
        Command::RenameItem(_) => "rename",
        Command::VerbHelp(_) => "help of a verb",
        Command::SealFiles(_) => "seal files",
        Command::Completions(_) => "completions",
        Command::Man(_) => "man",
        Command::Page(_) => "page",
        Command::Doctor(_) => "doctor",
        Command::Keys(_) => "keys",
        Command::ResealFiles(_) => "reseal files",
        Command::UnsealFiles(_) => "unseal files",
        Command::UnsealRaw(_) => "unseal a value",
        Command::Render(_) => "render",
        Command::Lint(_) => "lint",
        Command::LintRules => "lint --rules",
    }
}

#[test]
fn the_modes_have_the_references_precedence() {
    let cases = [
        ("", "seal"),
        ("--cert c.pem", "seal"),
        ("--raw --name n", "raw"),
        ("--fetch-cert --raw", "fetch-cert"),
        ("--validate --fetch-cert --raw", "validate"),
        ("--raw --name n --merge-into x", "merge-into"),
        ("--fetch-cert --merge-into x", "fetch-cert"),
        ("--merge-into=", "seal"),
        ("--re-encrypt --fetch-cert --merge-into x", "re-encrypt"),
        ("--rotate", "re-encrypt"),
        ("--validate --re-encrypt", "validate"),
        ("--recovery-unseal --validate --fetch-cert --raw", "recovery-unseal"),
        ("--help --recovery-unseal", "help"),
        ("-h", "help"),
        ("--version --help --merge-into x", "version"),
        ("--validate=false --raw=0 --fetch-cert=F", "seal"),
        ("--raw --raw=false", "seal"),
        ("--raw=false --raw=T --name n", "raw"),
        (
            "--version=false --v=9 -v 3 --logtostderr --vmodule a=b --log_dir /x",
            "seal",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(mode(&decide(line).unwrap()), expected, "{line}");
    }
}

#[test]
fn flags_that_do_not_exist_and_values_that_do_not_fit_are_refused() {
    let cases = [
        "--foo",
        "-x",
        "--scope foo",
        "--raw=yes",
        "--request-timeout soon",
        "--v=much",
        "--name",
        "-s x",
    ];
    for line in cases {
        assert!(
            matches!(read(line, &Environment::default()), Err(ArgsError::Typed { .. })),
            "{line}"
        );
    }
}

fn seal(line: &str) -> Seal {
    match decide(line) {
        Ok(Command::Seal(seal)) => seal,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_name_of_the_output_decides_its_format_before_the_flag() {
    let cases = [
        ("", Format::Json),
        ("-o yaml", Format::Yaml),
        ("-o=YAML", Format::Yaml),
        ("--format=", Format::Json),
        ("-w a.json -o yaml", Format::Yaml),
        ("-w a.yaml", Format::Yaml),
        ("-w a.yml -o json", Format::Yaml),
        ("-w a.YAML", Format::Json),
        ("-w yaml", Format::Json),
    ];
    for (line, expected) in cases {
        assert_eq!(seal(line).format, expected, "{line}");
    }
}

#[test]
fn the_certificate_comes_from_a_file_a_url_or_the_controller() {
    let file = |path: &str| CertFrom::File(path.into());
    assert_eq!(seal("--cert c.pem").cert.from, file("c.pem"));
    assert_eq!(seal(r"--cert C:\c.pem").cert.from, file(r"C:\c.pem"));
    assert_eq!(seal("--cert a:b.pem").cert.from, file("a:b.pem"));
    let absolute = if cfg!(windows) {
        (r"file:///C:/a%20b/c.pem", r"C:\a b\c.pem")
    } else {
        ("file:///a%20b/c.pem", "/a b/c.pem")
    };
    assert_eq!(seal(&format!("--cert {}", absolute.0)).cert.from, file(absolute.1));
    assert_eq!(seal("--cert -").cert.from, file("-"));
    assert_eq!(
        seal("--cert HTTPS://x/y").cert.from,
        CertFrom::Url(Url::parse("https://x/y").unwrap())
    );
    let controller = |line: &str| match seal(line).cert.from {
        CertFrom::Found(finding) => (finding.controller.namespace, finding.controller.name),
        other => panic!("{line}: {other:?}"),
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(controller(""), pair("kube-system", "sealed-secrets-controller"));
    assert_eq!(controller("--cert= --controller-name=x"), pair("kube-system", "x"));
    assert_eq!(
        controller("--controller-namespace a --controller-name b"),
        pair("a", "b")
    );
}

#[test]
fn names_and_namespaces_are_taken_when_they_are_not_empty() {
    let typed = seal("--name n -nns -f in.yaml -w out --scope namespace-wide --allow-empty-data");
    assert_eq!(typed.name.as_deref(), Some("n"));
    assert_eq!(typed.namespace, Namespace::Said("ns".to_owned()));
    assert_eq!(typed.scope, Scope::NamespaceWide);
    assert_eq!(typed.input, Input::File("in.yaml".into()));
    assert_eq!(typed.output, Output::File("out".into()));
    assert!(typed.allow_empty);
    let empty = seal("--name= --namespace= --scope= --secret-file= --sealed-secret-file=");
    assert_eq!(empty.name, None);
    assert!(matches!(empty.namespace, Namespace::OfContext(_)));
    assert_eq!(
        (empty.input, empty.output, empty.scope),
        (Input::Stdin, Output::Stdout, Scope::Strict)
    );
}

#[test]
fn a_bare_value_is_bound_to_what_its_scope_says() {
    let target = |line: &str| match decide(line) {
        Ok(Command::Raw(raw)) => raw.target,
        other => panic!("{line}: {other:?}"),
    };
    let said = |namespace: &str| Namespace::Said(namespace.to_owned());
    assert_eq!(
        target("--raw --name n --namespace ns"),
        RawTarget::Strict {
            name: "n".to_owned(),
            namespace: said("ns")
        }
    );
    assert_eq!(
        target("--raw --scope namespace-wide --name ignored -n ns"),
        RawTarget::NamespaceWide { namespace: said("ns") }
    );
    assert_eq!(
        target("--raw --scope cluster-wide --namespace dummyNamespace"),
        RawTarget::ClusterWide
    );
    assert!(matches!(
        target("--raw --name n --context c"),
        RawTarget::Strict { namespace: Namespace::OfContext(cluster), .. } if cluster.context.as_deref() == Some("c")
    ));
}

#[test]
fn from_file_is_read_as_in_kubectl() {
    let input = |line: &str| match decide(line) {
        Ok(Command::Raw(raw)) => raw.input,
        other => panic!("{line}: {other:?}"),
    };
    assert_eq!(input("--raw --name n"), Input::Stdin);
    assert_eq!(
        input("--raw --name n --from-file=/dev/stdin"),
        Input::File("/dev/stdin".into())
    );
    assert_eq!(input("--raw --name n --from-file key=file"), Input::File("file".into()));
}

#[test]
fn recovery_takes_its_keys_separated_or_repeated() {
    let line = "--recovery-unseal --recovery-private-key a,b --recovery-private-key c --cert ftp://ignored";
    let Ok(Command::RecoveryUnseal { keys, .. }) = decide(line) else {
        panic!()
    };
    assert_eq!(keys.files, ["a", "b", "c"].map(PathBuf::from));
}

#[test]
fn the_environment_presets_flags_and_the_command_line_wins() {
    let decide = |environment: &Environment, line: &str| super::decide(read(line, environment).unwrap(), true);
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
    let item = Environment::from([("SEALED_SECRETS_ITEM", "a")]);
    assert_eq!(mode(&decide(&item, "").unwrap()), "seal");
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

#[test]
fn a_file_that_is_re_encrypted_is_changed_in_place() {
    let decided = |line: &str| match decide(line).unwrap() {
        Command::ReEncrypt(command) => (command.output, command.format),
        other => panic!("{line}: {other:?}"),
    };
    let file = |name: &str| Output::File(name.into());
    assert_eq!(decided("--re-encrypt -f x.yaml"), (file("x.yaml"), None));
    assert_eq!(decided("--re-encrypt -f x.yaml -o json"), (file("x.yaml"), None));
    assert_eq!(decided("--re-encrypt -f x.yaml -w x.yaml"), (file("x.yaml"), None));
    assert_eq!(
        decided("--re-encrypt -f x.yaml -w y.yaml"),
        (file("y.yaml"), Some(Format::Yaml))
    );
    assert_eq!(
        decided("--re-encrypt -f x.yaml -w y.json"),
        (file("y.json"), Some(Format::Json))
    );
    assert_eq!(decided("--re-encrypt"), (Output::Stdout, Some(Format::Json)));
    assert_eq!(
        decided("--re-encrypt -f /dev/stdin -o yaml"),
        (Output::Stdout, Some(Format::Yaml))
    );
}
