//! Secrets, objects and the time in; what is to be said of the keys out.

use crds::SealedSecretStatus;
use k8s_openapi::ByteString;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sealing::SystemRandom;
use sealing::cert::CertParameters;
use sealing::key::PrivateKey;

use super::*;

fn day(text: &str) -> Timestamp {
    format!("{text}T00:00:00Z").parse().unwrap()
}

const TODAY: &str = "2026-06-01";

/// The two test keys.
fn private_key(other: bool) -> PrivateKey {
    let pem: &[u8] = if other {
        include_bytes!("../../tests/fixtures/test-only-other.key")
    } else {
        include_bytes!("../../tests/fixtures/test-only.key")
    };
    PrivateKey::from_pem(pem).unwrap()
}

fn certificate(other: bool, since: &str, until: &str) -> SealingCert {
    let parameters = CertParameters {
        common_name: String::new(),
        not_before: day(since),
        not_after: day(until),
    };
    SealingCert::self_signed(&private_key(other), &parameters, &mut SystemRandom::default()).unwrap()
}

fn secret(name: &str, other: bool, since: &str, label: &str) -> Secret {
    let cert = certificate(other, since, "2036-01-01");
    let item = |name: &str, text: &str| (name.to_owned(), ByteString(text.as_bytes().to_vec()));
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(BTreeMap::from([(
                names::LABEL_SEALING_KEY.to_owned(),
                label.to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([
            item(names::KEY_ITEM_PRIVATE, &private_key(other).to_pkcs1_pem().unwrap()),
            item(names::KEY_ITEM_CERTIFICATE, cert.pem()),
        ])),
        ..Secret::default()
    }
}

fn fingerprint(other: bool) -> Fingerprint {
    private_key(other).public().fingerprint().clone()
}

fn states(inventory: &Inventory) -> Vec<(&str, &State)> {
    inventory
        .keys
        .iter()
        .map(|key| (key.name.as_str(), &key.state))
        .collect()
}

#[test]
fn the_served_key_is_current_else_the_newest_active_one() {
    let old = secret("old", false, "2026-01-01", "active");
    let new = secret("new", true, "2026-05-01", "active");
    let retired = secret("new", true, "2026-05-01", "compromised");
    let of = |secrets: &[&Secret], served: Option<bool>| {
        Inventory::of(secrets, served.map(fingerprint).as_ref(), None, &[], day(TODAY))
    };
    let inventory = of(&[&old, &new], Some(true));
    assert_eq!(states(&inventory), [("new", &State::Current), ("old", &State::Active)]);
    assert_eq!(inventory.remarks, [""; 0]);
    // --key-order-priority may have chosen another one than the newest.
    let inventory = of(&[&old, &new], Some(false));
    assert_eq!(states(&inventory), [("new", &State::Active), ("old", &State::Current)]);
    let inventory = of(&[&old, &new], None);
    assert_eq!(states(&inventory)[0], ("new", &State::Current));
    assert!(inventory.remarks[0].contains("did not say"), "{:?}", inventory.remarks);
    let inventory = of(&[&old, &retired], None);
    let label = State::Retired("compromised".to_owned());
    assert_eq!(states(&inventory), [("new", &label), ("old", &State::Current)]);
    let inventory = of(&[&old, &retired], Some(true));
    assert!(
        inventory.remarks[0].contains("no active key Secret"),
        "{:?}",
        inventory.remarks
    );
}

/// A key of 1,024 bits, with its certificate.
const SHORT: (&str, &str) = (
    include_str!("../../tests/fixtures/test-only-short.key"),
    include_str!("../../tests/fixtures/test-only-short.crt"),
);

#[test]
fn a_short_key_opens_and_is_never_current() {
    let old = secret("old", false, "2020-01-01", "active");
    let mut short = secret("short", true, "2026-05-01", "active");
    let item = |text: &str| ByteString(text.as_bytes().to_vec());
    short.data = Some(BTreeMap::from([
        (names::KEY_ITEM_PRIVATE.to_owned(), item(SHORT.0)),
        (names::KEY_ITEM_CERTIFICATE.to_owned(), item(SHORT.1)),
    ]));
    let inventory = Inventory::of(&[&short, &old], None, None, &[], day(TODAY));
    assert_eq!(
        states(&inventory),
        [("short", &State::OpensOnly), ("old", &State::Current)]
    );
    let text = table::text(&inventory, day(TODAY), crate::colour::Colour::default());
    assert!(
        text.contains("opens only") && text.contains("short holds a key that is too short to seal"),
        "{text}"
    );
    let json = table::json(&inventory);
    assert_eq!(
        (&json["keys"][0]["state"], &json["keys"][0]["bits"]),
        (&"opens-only".into(), &1024.into())
    );
}

#[test]
fn a_broken_key_says_why_and_nothing_of_what_it_holds() {
    let mut broken = secret("broken", false, "2026-01-01", "active");
    let data = broken.data.as_mut().unwrap();
    data.insert(names::KEY_ITEM_PRIVATE.to_owned(), ByteString(b"hunter2".to_vec()));
    let inventory = Inventory::of(&[&broken], None, None, &[], day(TODAY));
    let State::Broken(why) = &inventory.keys[0].state else {
        panic!("{inventory:?}")
    };
    assert!(why.starts_with("tls.key: no PEM private key"), "{why}");
    assert!(!table::json(&inventory).to_string().contains("hunter2"));
}

#[test]
fn objects_are_counted_by_status_else_by_hint_else_as_unknown() {
    let object = |opened_by: &[Fingerprint], seen: i64, hint: &str| {
        let mut object = SealedSecret::default();
        object.metadata.generation = Some(2);
        object.status = Some(SealedSecretStatus {
            observed_generation: Some(seen),
            opened_by: opened_by.iter().map(ToString::to_string).collect(),
            ..SealedSecretStatus::default()
        });
        object.metadata.annotations = Some(BTreeMap::from([(
            names::ANNOTATION_SEALED_WITH.to_owned(),
            hint.to_owned(),
        )]));
        object
    };
    let (one, other) = (fingerprint(false), fingerprint(true));
    let lost = format!("SHA256:{}A", "B".repeat(42));
    let objects = [
        object(std::slice::from_ref(&one), 2, ""),
        object(&[one.clone(), other.clone()], 2, &lost),
        // What the status says is of another generation.
        object(std::slice::from_ref(&one), 1, other.as_str()),
        object(&[], 2, &lost),
        object(&[], 2, "no hint"),
        object(std::slice::from_ref(&one), 1, ""),
    ];
    let secrets = [
        secret("one", false, "2026-01-01", "active"),
        secret("other", true, "2026-02-01", "active"),
    ];
    let secrets: Vec<_> = secrets.iter().collect();
    let inventory = Inventory::of(&secrets, None, Some(&objects), &[], day(TODAY));
    let counts: Vec<_> = inventory
        .keys
        .iter()
        .map(|key| (key.name.as_str(), key.objects))
        .collect();
    assert_eq!(counts, [("other", Some(2)), ("one", Some(2))]);
    assert_eq!(inventory.unknown_objects, Some(2));
    assert_eq!(inventory.missing, BTreeMap::from([(lost.parse().unwrap(), 1)]));
    let unknown = Inventory::of(&secrets, None, None, &[], day(TODAY));
    assert_eq!((unknown.unknown_objects, unknown.keys[0].objects), (None, None));
    assert!(table::text(&unknown, day(TODAY), crate::colour::Colour::default()).contains("unknown"));
}

#[test]
fn local_certificates_that_end_or_are_not_served_are_pointed_out() {
    let secrets = [
        secret("old", false, "2026-01-01", "active"),
        secret("new", true, "2026-05-01", "active"),
    ];
    let remarks = |other, until, for_this_cluster, secrets: &[Secret]| {
        let local = LocalCert {
            name: "cert.pem".to_owned(),
            for_this_cluster,
            flags: " --context shop".to_owned(),
            facts: KeyFacts::of(&certificate(other, "2026-01-01", until)),
        };
        let secrets: Vec<_> = secrets.iter().collect();
        let served = fingerprint(true);
        Inventory::of(&secrets, Some(&served), None, &[local], day(TODAY))
            .remarks
            .join("\n")
    };
    assert_eq!(remarks(true, "2036-01-01", true, &secrets), "");
    let told = remarks(true, "2026-06-20", true, &secrets);
    assert_eq!(
        told,
        "cert.pem expires on 2026-06-20: kubeseal --fetch-cert --context shop -w cert.pem"
    );
    assert!(remarks(true, "2026-05-20", true, &secrets).starts_with("cert.pem has expired on 2026-05-20"));
    assert!(
        remarks(false, "2036-01-01", false, &secrets).contains("is that of old, which is not the current key any more")
    );
    assert!(remarks(false, "2036-01-01", true, &secrets[1..]).contains("belongs to no key of this cluster"));
    assert_eq!(
        remarks(false, "2036-01-01", false, &secrets[1..]),
        "",
        "it may be another cluster's"
    );
}

#[test]
fn restoring_overwrites_nothing_and_says_which_key_seals_then() {
    let saved = |name: &str, other, since, label| restore::Saved {
        secret: crate::cluster::OpenSecret(secret(name, other, since, label)),
        name: name.to_owned(),
        facts: KeyFacts::of(&certificate(other, since, "2036-01-01")),
        hybrid: Ok(None),
    };
    let backup = [saved("a", false, "2026-02-01", "active")];
    let plan = |backup: &[restore::Saved], there: &[Secret]| {
        let there: Vec<_> = there.iter().collect();
        let plan = restore::plan(backup, &there, "kube-system").map_err(|error| error.to_string())?;
        let create: Vec<_> = plan.create.iter().map(|one| one.name.clone()).collect();
        let there: Vec<_> = plan
            .there
            .iter()
            .map(|(name, there)| format!("{name}={there}"))
            .collect();
        Ok::<_, String>((create.join(","), there.join(","), plan.current))
    };
    let told = |create: &str, there: &str, current: Option<(&str, bool)>| {
        let current = current.map(|(name, saved)| (name.to_owned(), saved));
        Ok((create.to_owned(), there.to_owned(), current))
    };
    assert_eq!(plan(&backup, &[]), told("a", "", Some(("a", true))));
    let minted = [secret("minted", true, "2026-05-01", "active")];
    assert_eq!(plan(&backup, &minted), told("a", "", Some(("minted", false))));
    let older = [secret("older", true, "2026-01-01", "active")];
    assert_eq!(plan(&backup, &older), told("a", "", Some(("a", true))));
    let same = [secret("b", false, "2026-02-01", "active")];
    assert_eq!(plan(&backup, &same), told("", "a=b", Some(("b", true))));
    let retired = [saved("a", false, "2026-02-01", "retired")];
    assert_eq!(plan(&retired, &[]), told("a", "", None));
    let occupied = [secret("a", true, "2026-05-01", "active")];
    let refused = "Secret kube-system/a is there and holds another key; nothing was restored";
    assert_eq!(plan(&backup, &occupied), Err(refused.to_owned()));
    let no_key = Secret {
        data: None,
        ..occupied[0].clone()
    };
    assert_eq!(plan(&backup, &[no_key]), Err(refused.to_owned()));
}

#[test]
fn a_backup_makes_no_credential_of_the_cluster() {
    let file = crate::objects::InputName("backup.json".to_owned());
    let saved = |type_: Option<&str>| {
        let mut secret = secret("a", false, "2026-02-01", "active");
        secret.type_ = type_.map(str::to_owned);
        let text = serde_json::to_vec(&secret).unwrap();
        restore::saved(&text, &file).map(|saved| saved.len())
    };
    for type_ in [None, Some(""), Some("Opaque"), Some("kubernetes.io/tls")] {
        assert_eq!(saved(type_).unwrap(), 1, "{type_:?}");
    }
    for type_ in names::CREDENTIAL_SECRET_TYPES {
        let error = format!("{:?}", saved(Some(type_)).unwrap_err());
        assert!(error.contains("OtherType") && error.contains(type_), "{error}");
    }
}

#[test]
fn an_identity_in_place_of_a_recipient_is_not_shown() {
    let shown = |text: &str| KeysError::NotARecipient(text.to_owned()).to_string();
    assert!(!shown("AGE-SECRET-KEY-1QQQSYQCYQ").contains("1QQQ"));
    assert_eq!(shown("age1x"), "\"age1x\" is not an age recipient (age1…)");
}

#[test]
fn what_age_encrypts_only_its_identity_opens() {
    use zeroize::Zeroizing;
    const RECIPIENT: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";
    let folder = tempfile::tempdir().unwrap();
    let identity = folder.path().join("identity.txt");
    let key = age::x25519::Identity::generate();
    let mine = key.to_public().to_string();
    let clear = b"apiVersion: v1\n";
    let keys = BTreeSet::from(["SHA256:a".to_owned(), "v2:b".to_owned()]);
    let open = |encrypted: &[u8], key: &str| {
        std::fs::write(&identity, key).unwrap();
        age_file::in_clear(Zeroizing::new(encrypted.to_vec()), Some(&identity), "f").map(|clear| clear.to_vec())
    };
    use age::secrecy::ExposeSecret as _;
    let secret = key.to_string().expose_secret().to_owned();
    let recipients = age_file::recipients(&[RECIPIENT.to_owned(), mine]).unwrap();
    let encrypted = age_file::encrypted(clear, &recipients, &keys).unwrap();
    assert!(age_file::is_encrypted(&encrypted) && encrypted.starts_with(b"-----BEGIN AGE"));
    assert_eq!(open(&encrypted, &secret).unwrap(), clear);
    assert_eq!(age_file::named(&encrypted), keys, "for those who cannot open it");
    // As PowerShell's `>` writes a backup.
    let text = String::from_utf8(encrypted.clone()).unwrap();
    // On Windows age writes such lines itself.
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    let utf16: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(age_file::is_encrypted(&utf16));
    assert_eq!(open(&utf16, &secret).unwrap(), clear);
    assert_eq!(age_file::named(&utf16), keys);
    let other = age_file::encrypted(clear, &recipients[..1], &BTreeSet::new()).unwrap();
    assert!(open(&other, &secret).is_err());
    assert!(age_file::named(&other).is_empty() && age_file::named(clear).is_empty());
    assert!(open(&encrypted, "no identity").is_err());
    assert!(age_file::in_clear(Zeroizing::new(encrypted), None, "f").is_err());
    assert_eq!(open(clear, "unused").unwrap(), clear);
    assert!(matches!(
        age_file::recipients(&["age1x".to_owned()]),
        Err(KeysError::NotARecipient(_))
    ));
}

#[test]
fn recipients_that_only_age_knows_are_pointed_to_it() {
    for (recipient, next) in [
        ("age1pq1qqqq", "kubeseal keys backup --unencrypted | age -r RECIPIENT"),
        (
            "age1yubikey1qqqq",
            "kubeseal keys backup --unencrypted | age -r RECIPIENT",
        ),
        ("age1qqqq", "age-keygen -o identity.txt"),
    ] {
        let error = age_file::recipients(&[recipient.to_owned()]).unwrap_err();
        assert!(error.hint().unwrap().contains(next), "{recipient}: {:?}", error.hint());
    }
}
