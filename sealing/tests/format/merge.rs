//! Merging: what is sealed into a target opens with the rest of it.

use std::collections::BTreeMap;

use crds::SealedSecret;
use manifest::edit::{Change, Edit, edit};
use sealing::SystemRandom;
use sealing::binding::Scope;
use sealing::key_hint::KeyHint;
use sealing::merge::{MergeError, MergeParameters, NoTarget, merge, remove_item, rename_item, seal_items, target};
use sealing::seal::{SealParameters, seal};
use sealing::sealer::Sealer;
use sealing::secret::ClearSecret;
use sealing::{SecretBytes, unseal};

use crate::common::{self, key};

fn clear(yaml: &str) -> ClearSecret {
    let source = format!("apiVersion: v1\nkind: Secret\n{yaml}");
    ClearSecret::from_document(&manifest::read(source.as_bytes()).unwrap()[0]).unwrap()
}

/// The text of a target of this scope with one item, sealed with the key `other`.
fn target_text(scope: Scope) -> String {
    let secret = clear("metadata: {name: db, namespace: shop, labels: {l: old}}\nstringData: {a: one}\n");
    let parameters = SealParameters {
        scope,
        ..SealParameters::default()
    };
    let cert = key("other").cert();
    let sealed = seal(
        &secret,
        &parameters,
        &Sealer::of_key(cert.public()),
        &mut SystemRandom::default(),
    )
    .unwrap();
    manifest::to_yaml(&sealed).unwrap()
}

fn typed(text: &str) -> SealedSecret {
    unseal::sealed_secret(&manifest::read(text.as_bytes()).unwrap()[0]).unwrap()
}

fn changed(text: &str, changes: Vec<Change>) -> String {
    let documents = manifest::read(text.as_bytes()).unwrap();
    let document = &documents[0];
    String::from_utf8(edit(text.as_bytes(), &[Edit { document, changes }]).unwrap()).unwrap()
}

fn merged(text: &str, secret: &str, parameters: &MergeParameters) -> Result<String, MergeError> {
    let cert = key("rsa2048").cert();
    let changes = merge(
        &typed(text),
        &clear(secret),
        parameters,
        &Sealer::of_key(cert.public()),
        &mut SystemRandom::default(),
    )?;
    Ok(changed(text, changes))
}

fn opened(text: &str) -> BTreeMap<String, Vec<u8>> {
    let mut keys = key("rsa2048").ring();
    keys.insert(key("other").private().into(), key("other").cert().not_before());
    let unsealed = common::unseal(&typed(text), &keys).unwrap();
    let items = unsealed.secret.items.into_iter();
    items.map(|(item, value)| (item, value.expose().to_vec())).collect()
}

#[test]
fn what_is_added_opens_with_the_rest_in_every_scope() {
    for scope in Scope::ALL {
        let text = target_text(scope);
        // Another name and namespace: the target's bind.
        let secret = "metadata: {name: x, namespace: elsewhere}\nstringData: {b: two, c: ''}\n";
        let unasked = merged(&text, secret, &MergeParameters::default());
        assert_eq!(unasked.is_ok(), scope == Scope::Strict, "{scope}: {unasked:?}");
        let parameters = MergeParameters {
            scope: Some(scope),
            ..MergeParameters::default()
        };
        let after = merged(&text, secret, &parameters).unwrap();
        let items = opened(&after);
        assert_eq!(
            items.into_iter().collect::<Vec<_>>(),
            [
                ("a".to_owned(), b"one".to_vec()),
                ("b".to_owned(), b"two".to_vec()),
                ("c".to_owned(), Vec::new()),
            ]
        );
        assert_eq!(typed(&after).metadata, typed(&text).metadata);
    }
}

#[test]
fn another_scope_is_refused_whoever_asks_for_it() {
    let plain = "metadata: {name: db, namespace: shop}\nstringData: {b: two}\n";
    let annotated =
        "metadata: {name: db, annotations: {sealedsecrets.bitnami.com/cluster-wide: 'true'}}\nstringData: {b: x}\n";
    let asked = |scope| MergeParameters {
        scope: Some(scope),
        ..MergeParameters::default()
    };
    let wrong =
        |target, secret, parameters: &MergeParameters| merged(&target_text(target), secret, parameters).unwrap_err();
    assert_eq!(
        wrong(Scope::Strict, plain, &asked(Scope::ClusterWide)).to_string(),
        "the target's scope is strict, but the scope asked for is cluster-wide"
    );
    assert!(matches!(
        wrong(Scope::ClusterWide, plain, &asked(Scope::Strict)),
        MergeError::Scope { .. }
    ));
    assert!(matches!(
        wrong(Scope::Strict, annotated, &MergeParameters::default()),
        MergeError::Scope { .. }
    ));
    assert!(merged(&target_text(Scope::ClusterWide), annotated, &MergeParameters::default()).is_ok());
}

#[test]
fn a_scope_annotation_that_a_flag_beats_is_not_copied() {
    let annotated = "metadata:\n  name: db\n  annotations: {sealedsecrets.bitnami.com/namespace-wide: 'true', a: b}\n\
                     stringData: {b: x}\n";
    for (target, copied) in [(Scope::Strict, false), (Scope::NamespaceWide, true)] {
        let asked = MergeParameters {
            scope: Some(target),
            ..MergeParameters::default()
        };
        let after = merged(&target_text(target), annotated, &asked).unwrap();
        assert_eq!(opened(&after).len(), 2);
        let template = typed(&after).spec.template.unwrap().metadata.unwrap();
        let annotations = template.annotations.unwrap();
        assert_eq!(Scope::from_annotations(Some(&annotations)), target);
        let names: Vec<_> = annotations.keys().map(String::as_str).collect();
        assert_eq!(names.contains(&"sealedsecrets.bitnami.com/namespace-wide"), copied);
        assert!(names.contains(&"a"));
    }
}

#[test]
fn labels_and_annotations_reach_the_template_and_nothing_else_does() {
    let text = target_text(Scope::Strict);
    let secret = "metadata:\n  name: db\n  labels: {l: new, m: '1'}\n  annotations: {a: b, kubectl.kubernetes.io/last-applied-configuration: clear}\n\
                  type: example.org/x\nimmutable: true\nstringData: {b: two}\n";
    let after = typed(&merged(&text, secret, &MergeParameters::default()).unwrap());
    let template = after.spec.template.unwrap();
    let metadata = template.metadata.unwrap();
    let pairs = |map: Option<BTreeMap<String, String>>| map.unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(
        pairs(metadata.labels),
        [("l".into(), "new".into()), ("m".into(), "1".into())]
    );
    assert_eq!(pairs(metadata.annotations), [("a".into(), "b".into())]);
    assert_eq!((template.type_, template.immutable), (None, None));
}

#[test]
fn a_hint_names_every_key_or_is_not_written() {
    let hinted = MergeParameters {
        hinted: true,
        ..MergeParameters::default()
    };
    let hint = |text: &str| KeyHint::from_metadata(&typed(text).metadata).map(|hint| hint.to_string());
    let keys = |names: &[&str]| {
        let mut keys: Vec<_> = names.iter().map(|name| key(name).fingerprint.clone()).collect();
        keys.sort();
        Some(keys.join(","))
    };
    let (b, a) = (
        "metadata: {name: db}\nstringData: {b: two}\n",
        "metadata: {name: db}\nstringData: {a: new}\n",
    );
    let unknown = merged(&target_text(Scope::Strict), b, &hinted).unwrap();
    assert_eq!(hint(&unknown), None);
    let all_new = merged(&target_text(Scope::Strict), a, &hinted).unwrap();
    assert_eq!(hint(&all_new), keys(&["rsa2048"]));
    let known = changed(
        &target_text(Scope::Strict),
        vec![KeyHint::of_key(key("other").cert().public().fingerprint()).change()],
    );
    let both = merged(&known, b, &MergeParameters::default()).unwrap();
    assert_eq!(hint(&both), keys(&["rsa2048", "other"]));
}

#[test]
fn what_cannot_be_merged_says_why() {
    let text = target_text(Scope::Strict);
    let empty = "metadata: {name: db}\n";
    assert_eq!(
        merged(&text, empty, &MergeParameters::default()),
        Err(MergeError::Empty)
    );
    let allowed = MergeParameters {
        allow_empty: true,
        ..MergeParameters::default()
    };
    assert_eq!(merged(&text, empty, &allowed).unwrap(), text);
    let elsewhere = MergeParameters {
        namespace: Some("b".into()),
        ..MergeParameters::default()
    };
    let secret = "metadata: {name: db}\nstringData: {b: two}\n";
    assert!(matches!(
        merged(&text, secret, &elsewhere),
        Err(MergeError::Namespace { .. })
    ));
    let old = text.replace("  encryptedData:", "  data: AAAA\n  encryptedData:");
    assert_eq!(
        merged(&old, secret, &MergeParameters::default()),
        Err(MergeError::DeprecatedData)
    );
    let nameless = text.replacen("name: db", "generateName: db", 1);
    assert!(matches!(
        merged(&nameless, secret, &MergeParameters::default()),
        Err(MergeError::Binding(_))
    ));
}

#[test]
fn items_are_renamed_and_removed_where_they_are_there() {
    let text = target_text(Scope::Strict);
    let sealed = typed(&text);
    let renamed = rename_item(&sealed, "a", "tls.key").unwrap().unwrap();
    assert_eq!(opened(&changed(&text, vec![renamed]))["tls.key"], b"one");
    assert_eq!(
        opened(&changed(&text, vec![remove_item(&sealed, "a").unwrap()])).len(),
        0
    );
    assert_eq!(
        (rename_item(&sealed, "x", "b"), remove_item(&sealed, "x")),
        (Ok(None), None)
    );
    let long = "a".repeat(254);
    for name in ["", ".", "..", "..a", "a/b", "a b", "ä", long.as_str()] {
        assert_eq!(
            rename_item(&sealed, "a", name),
            Err(MergeError::ItemName(name.to_owned()))
        );
        let items = BTreeMap::from([(name.to_owned(), SecretBytes::default())]);
        let cert = key("other").cert();
        let outcome = seal_items(
            &sealed,
            &items,
            false,
            &Sealer::of_key(cert.public()),
            &mut SystemRandom::default(),
        );
        assert_eq!(outcome, Err(MergeError::ItemName(name.to_owned())));
    }
}

#[test]
fn a_target_is_found_by_its_name_and_its_namespace() {
    let named = |name: &str, namespace: Option<&str>| {
        let mut sealed = SealedSecret::new(name, Default::default());
        sealed.metadata.namespace = namespace.map(str::to_owned);
        sealed
    };
    let one = [named("a", Some("x"))];
    assert_eq!(target(&one, Some("other"), None, false), Ok(0));
    assert!(matches!(
        target(&one, Some("other"), None, true),
        Err(NoTarget::Other { .. })
    ));
    let many = [named("a", Some("x")), named("a", Some("y")), named("b", None)];
    assert_eq!(target(&many, Some("a"), Some("y"), false), Ok(1));
    assert_eq!(target(&many, Some("b"), Some("y"), false), Ok(2));
    assert_eq!(
        target(&many, Some("a"), None, false).unwrap_err().to_string(),
        "it holds 2 SealedSecrets (x/a, y/a)"
    );
    assert_eq!(
        target(&many, Some("c"), Some("x"), false).unwrap_err().to_string(),
        "none of its 3 SealedSecrets is x/c (they are x/a, y/a, b)"
    );
    assert!(matches!(
        target(&many, None, None, false),
        Err(NoTarget::Several { .. })
    ));
    assert_eq!(target(&[], None, None, false), Err(NoTarget::None));
}
