//! Flags to settings, good and bad.

use clap::Parser;

use super::*;

impl ReconcileSettings {
    /// As the flags are by default, for tests.
    pub(crate) const USUAL: Self = Self {
        update_status: true,
        repair: true,
        fast_retries: 5,
        accept_deprecated_data: true,
        formats: AcceptedFormats::ALL,
        replace_immutable: false,
        allow_credential_types: false,
        deny_nondeterministic_templates: false,
        delete_secrets: false,
    };
}

fn settings(words: &[&str]) -> Result<Settings, String> {
    let args = Args::try_parse_from(std::iter::once("controller").chain(words.iter().copied())).unwrap();
    Settings::new(args).map_err(|error| error.to_string())
}

#[test]
fn defaults_are_the_references() {
    let settings = settings(&[]).unwrap();
    assert_eq!(settings.keys.renew_period, Some(Duration::from_secs(30 * 24 * 3600)));
    assert_eq!(settings.keys.ttl, Duration::from_secs(3650 * 24 * 3600));
    assert_eq!(
        settings.scope,
        ServedScope {
            additional_namespaces: None,
            namespace_selector: None,
            label_selector: None
        }
    );
    assert_eq!(settings.http.listen.to_string(), "[::]:8080");
}

#[test]
fn values_that_make_no_sense_are_named() {
    let cases = [
        (
            "--key-prefix=Abc",
            r#"invalid value "Abc" for --key-prefix: name contains illegal character A"#,
        ),
        (
            "--key-size=1024",
            r#"invalid value "1024" for --key-size: must be 2048, 3072, 4096 or 8192"#,
        ),
        (
            "--key-ttl=9000000h",
            r#"invalid value "9000000h" for --key-ttl: must be longer than 0 and at most 8760000h"#,
        ),
        (
            "--rate-limit=0",
            r#"invalid value "0" for --rate-limit: must be at least 1"#,
        ),
        (
            "--key-cutoff-time=yesterday",
            r#"invalid value "yesterday" for --key-cutoff-time: must be an instant as `date -R` prints it"#,
        ),
        (
            "--privatekey-labels=foo",
            r#"invalid value "foo" for --privatekey-labels: must be a list such as key=value,key=value"#,
        ),
        (
            "--key-order-priority=Newest",
            r#"invalid value "Newest" for --key-order-priority: must be CertNotBefore or SecretCreationTimestamp"#,
        ),
        (
            "--additional-namespaces=a,../x",
            r#"invalid value "../x" for --additional-namespaces: must be the name of a namespace"#,
        ),
        (
            "--label-selector=a b",
            r#"invalid value "a b" for --label-selector: must be a label selector, as kubectl's -l takes it"#,
        ),
        (
            "--listen-probe-addr=8082",
            r#"invalid value "8082" for --listen-probe-addr: must be `:port` or `IP:port`"#,
        ),
        (
            "--listen-addr=:http",
            r#"invalid value ":http" for --listen-addr: must be `:port` or `IP:port`"#,
        ),
        (
            "--log-level=LOUD",
            r#"invalid value "LOUD" for --log-level: must be DEBUG, INFO, WARN or ERROR"#,
        ),
        (
            "--kubeclient-qps=0",
            r#"invalid value "0" for --kubeclient-qps: must be a number above 0, or negative for no limit"#,
        ),
    ];
    for (flag, expected) in cases {
        assert_eq!(settings(&[flag]).unwrap_err(), expected);
    }
}

#[test]
fn the_scope_is_all_namespaces_unless_some_are_listed() {
    let listed = |words: &[&str]| settings(words).unwrap().scope.additional_namespaces;
    let set = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>());
    assert_eq!(listed(&["--all-namespaces=false"]), set(&[]));
    assert_eq!(listed(&["--additional-namespaces= b, a,b"]), set(&["a", "b"]));
    assert_eq!(listed(&["--additional-namespaces="]), None);
    for words in [
        &["--namespace-selector=a=b"][..],
        &["--namespace-selector=a=b", "--all-namespaces"],
    ] {
        assert_eq!(listed(words), set(&[]), "those with the labels, and the own one");
    }
    assert_eq!(
        listed(&["--namespace-selector=a", "--additional-namespaces=c"]),
        set(&["c"])
    );
}

#[test]
fn the_renewal_can_be_off_and_has_a_former_name() {
    assert_eq!(settings(&["--key-renew-period=0"]).unwrap().keys.renew_period, None);
    let hour = Some(Duration::from_secs(3600));
    assert_eq!(settings(&["--rotate-period=1h"]).unwrap().keys.renew_period, hour);
    let cutoff = settings(&["--key-cutoff-time=Tue, 02 Jan 2024 15:04:05 +0100"])
        .unwrap()
        .keys
        .cutoff;
    assert_eq!(cutoff, Some("2024-01-02T14:04:05Z".parse().unwrap()));
}

#[test]
fn the_key_label_cannot_be_overridden() {
    let flag = format!("--privatekey-labels=a=b,{}=other", names::LABEL_SEALING_KEY);
    let labels = settings(&[&flag]).unwrap().keys.labels;
    assert_eq!(labels, BTreeMap::from([("a".to_owned(), "b".to_owned())]));
}

/// A value for each flag that is not its default; what is `None` shows in no setting.
const OTHERS: &[(&str, Option<&str>)] = &[
    ("key-prefix", Some("other")),
    ("key-size", Some("2048")),
    ("key-ttl", Some("1h")),
    ("my-cn", Some("other")),
    ("key-renew-period", Some("1h")),
    ("rotate-period", Some("1h")),
    ("key-order-priority", Some("SecretCreationTimestamp")),
    ("key-cutoff-time", Some("Tue, 02 Jan 2024 15:04:05 +0100")),
    ("privatekey-labels", Some("a=b")),
    ("privatekey-annotations", Some("a=b")),
    ("accept-deprecated-v1-data", Some("false")),
    ("all-namespaces", Some("false")),
    ("additional-namespaces", Some("a")),
    ("label-selector", Some("a=b")),
    ("namespace-selector", Some("c=d")),
    ("update-status", Some("false")),
    // Key Secrets are watched whatever it says.
    ("watch-for-secrets", None),
    ("skip-recreate", Some("true")),
    ("resync-period", Some("1h")),
    ("max-unseal-retries", Some("7")),
    ("listen-addr", Some(":1")),
    ("listen-metrics-addr", Some(":1")),
    ("read-timeout", Some("1s")),
    ("write-timeout", Some("1s")),
    ("rate-limit", Some("7")),
    ("rate-limit-burst", Some("7")),
    ("kubeclient-qps", Some("5")),
    // Means something beside --kubeclient-qps only.
    ("kubeclient-burst", None),
    ("metrics-omit-secret-labels", Some("true")),
    ("log-level", Some("DEBUG")),
    ("log-format", Some("json")),
    ("log-info-stdout", Some("false")),
    ("controller-name", Some("other")),
    ("leader-elect", Some("false")),
    ("kubeconfig", Some("/other")),
];

#[test]
fn every_flag_changes_a_setting_and_has_its_variable() {
    use clap::CommandFactory as _;
    let default = format!("{:?}", settings(&[]).unwrap());
    for (flag, other) in OTHERS {
        if let Some(value) = other {
            let changed = settings(&[&format!("--{flag}={value}")]).unwrap();
            assert_ne!(format!("{changed:?}"), default, "--{flag} changes nothing");
        }
    }
    let command = Args::command();
    for (flag, _) in OTHERS {
        let argument = command
            .get_arguments()
            .find(|argument| argument.get_long() == Some(flag));
        let variable = argument.and_then(|argument| argument.get_env()).unwrap();
        let expected = format!("SEALED_SECRETS_{}", flag.to_uppercase().replace('-', "_"));
        assert_eq!(variable.to_str(), Some(expected.as_str()));
    }
    let paced = |burst: &str| {
        settings(&["--kubeclient-qps=5", burst])
            .unwrap()
            .api
            .limit
            .unwrap()
            .1
            .get()
    };
    assert_eq!((paced("--kubeclient-burst=7"), paced("--kubeclient-burst=10")), (7, 10));
}

#[test]
fn the_name_of_the_installation_is_that_of_a_service() {
    let name = |flag: &str| settings(&[flag]).map(|settings| settings.installation.name);
    assert_eq!(name("--controller-name=a-1").as_deref(), Ok("a-1"));
    for wrong in ["", "-a", "a-", "A", "a.b", "a_b", &"a".repeat(64)] {
        assert!(name(&format!("--controller-name={wrong}")).is_err(), "{wrong}");
    }
}
