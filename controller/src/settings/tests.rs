//! Flags to settings, good and bad.

use clap::Parser;

use super::*;

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
