use sealing::cert::CertParameters;
use sealing::key::PrivateKey;
use sealing::v2;
use serde_json::{Value, json};

use super::*;

const NOW: i64 = 1_800_000_000;
const SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\nstringData: {password: hunter2}\n";

/// A certificate that is valid for a thousand seconds from `NOW`.
fn certificate(hybrid: bool) -> String {
    let key = PrivateKey::generate(2048).unwrap();
    let at = |second| Timestamp::from_second(second).unwrap();
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: at(NOW - 1_000),
        not_after: at(NOW + 1_000),
    };
    let random = &mut SystemRandom::default();
    let cert = match hybrid {
        false => SealingCert::self_signed(&key, &parameters, random),
        true => {
            let hybrid = v2::PrivateKey::from_seed(&v2::Seed::from_bytes(&[7; v2::SEED]).unwrap()).unwrap();
            SealingCert::self_signed_hybrid(&key, hybrid.public(), &parameters, random)
        }
    };
    cert.unwrap().pem().to_owned()
}

fn ask(request: &Value) -> Value {
    serde_json::from_slice(&answer(request.to_string().as_bytes())).unwrap()
}

fn error(request: &Value) -> String {
    let answer = ask(request);
    let error = answer["failed"]["error"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(!error.contains("hunter2"), "{error}");
    error.to_owned()
}

#[test]
fn a_certificate_is_told_by_itself() {
    let told = ask(&json!({"certificate": certificate(false), "now": NOW}));
    let told = &told["done"];
    assert_eq!(told["sealed"], "");
    let certificate = &told["certificate"];
    assert!(certificate["fingerprint"].as_str().unwrap().starts_with("SHA256:"));
    assert_eq!(
        (&certificate["pin"], &certificate["expired"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(certificate["notAfter"], "2027-01-15T08:16:40Z");
}

#[test]
fn the_version_is_what_the_certificate_allows_unless_one_is_asked_for() {
    let begins = |hybrid, format: Value| {
        let told = ask(&json!({"certificate": certificate(hybrid), "now": NOW, "secret": SECRET, "format": format}));
        let sealed = told["done"]["sealed"].as_str().unwrap_or_else(|| panic!("{told}"));
        assert!(
            sealed.contains("kind: SealedSecret") && sealed.contains("namespace: shop"),
            "{sealed}"
        );
        let documents = manifest::read(sealed.as_bytes()).unwrap();
        Format::of(
            documents[0].value["spec"]["encryptedData"]["password"]
                .as_str()
                .unwrap(),
        )
        .unwrap()
    };
    assert_eq!(begins(false, Value::Null), Format::V1);
    assert_eq!(begins(true, Value::Null), Format::V2);
    assert_eq!(begins(true, json!(1)), Format::V1);
    assert_eq!(begins(true, json!(2)), Format::V2);
    let without = error(&json!({"certificate": certificate(false), "now": NOW, "secret": SECRET, "format": 2}));
    assert!(without.contains("hybrid"), "{without}");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_without_its_text() {
    let certificate = certificate(false);
    let with = |secret: &str| error(&json!({"certificate": certificate, "now": NOW, "secret": secret}));
    assert!(with("a: [hunter2").contains("line"));
    assert!(with(&SECRET.replace("stringData", "stringdata")).contains("line 4"));
    assert!(with(&SECRET.replace(", namespace: shop", "")).contains("namespace"));
    assert!(with("").contains("empty"));
    let long_ago = json!({"certificate": certificate, "now": NOW + 2_000, "secret": SECRET});
    assert!(error(&long_ago).contains("expired"));
    let no_certificate = json!({"certificate": "hunter2", "now": NOW, "secret": SECRET});
    assert!(error(&no_certificate).contains("certificate"));
    assert_eq!(
        error(&json!({"hunter2": "hunter2"})),
        "the request is not what this program reads"
    );
    let scope = json!({"certificate": certificate, "now": NOW, "secret": SECRET, "scope": "hunter2"});
    assert!(error(&scope).contains("must be one of"));
}

/// The page shows the scope: whoever writes a manifest must not have it sealed for a wider one.
#[test]
fn no_annotation_widens_the_scope_that_is_chosen() {
    let wide = SECRET.replace(
        "namespace: shop}",
        "namespace: shop, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}",
    );
    let request = |scope: &str| json!({"certificate": certificate(false), "now": NOW, "secret": wide, "scope": scope});
    let refused = error(&request("strict"));
    assert!(
        refused.starts_with("document 1") && refused.contains("the scope cluster-wide: choose that"),
        "{refused}"
    );
    assert!(
        ask(&request("cluster-wide"))["done"]["sealed"]
            .as_str()
            .unwrap()
            .contains("cluster-wide: \"true\"")
    );
}
