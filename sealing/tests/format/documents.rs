//! Whole documents: what sealing keeps and strips, where the scope comes from, what unsealing makes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crds::{SealedSecret, names};
use sealing::SystemRandom;
use sealing::binding::{Binding, Scope};
use sealing::keyring::KeyRing;
use sealing::raw::seal_raw;
use sealing::seal::{SealError, SealParameters, seal};
use sealing::sealer::Sealer;
use sealing::secret::ClearSecret;
use sealing::unseal as unsealing;
use sealing::unseal::{MAX_UNOPENED, UnsealError, verify};

use crate::common::{self, key};

fn clear(yaml: &str) -> ClearSecret {
    let source = format!("apiVersion: v1\nkind: Secret\n{yaml}");
    ClearSecret::from_document(&manifest::read(source.as_bytes()).unwrap()[0]).unwrap()
}

fn sealed_with(yaml: &str, parameters: &SealParameters) -> Result<SealedSecret, SealError> {
    seal(
        &clear(yaml),
        parameters,
        &Sealer::of_key(key("rsa2048").cert().public()),
        &mut SystemRandom::default(),
    )
}

fn sealed(yaml: &str) -> SealedSecret {
    sealed_with(yaml, &SealParameters::default()).unwrap()
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_template_keeps_what_is_the_user_s_and_loses_what_is_the_server_s() {
    let sealed = sealed(
        r#"
metadata:
  name: a
  namespace: b
  labels: {app: connect}
  annotations: {note: x, kubectl.kubernetes.io/last-applied-configuration: '{"stringData":"clear"}'}
  uid: u
  resourceVersion: "7"
  creationTimestamp: null
  finalizers: [x/y]
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]
  managedFields: [{manager: m}]
type: kubernetes.io/basic-auth
immutable: true
stringData: {username: u}
"#,
    );
    assert_eq!(
        (sealed.metadata.name.as_deref(), sealed.metadata.namespace.as_deref()),
        (Some("a"), Some("b"))
    );
    assert_eq!((sealed.metadata.annotations, sealed.metadata.labels), (None, None));
    let template = sealed.spec.template.unwrap();
    assert_eq!(
        (template.type_.as_deref(), template.immutable),
        (Some("kubernetes.io/basic-auth"), Some(true))
    );
    let metadata = serde_json::to_value(template.metadata.unwrap()).unwrap();
    let expected =
        serde_json::json!({"name": "a", "namespace": "b", "labels": {"app": "connect"}, "annotations": {"note": "x"}});
    assert_eq!(metadata, expected);
}

#[test]
fn the_flag_or_the_annotation_decides_the_scope() {
    let wide = |name: &str| {
        format!("metadata: {{name: a, namespace: b, annotations: {{{name}: 'true'}}}}\nstringData: {{k: v}}")
    };
    let plain = "metadata: {name: a, namespace: b}\nstringData: {k: v}".to_owned();
    let (namespace_wide, cluster_wide) = (names::ANNOTATION_NAMESPACE_WIDE, names::ANNOTATION_CLUSTER_WIDE);
    let cases = [
        (plain.clone(), Scope::Strict, Scope::Strict),
        (plain.clone(), Scope::NamespaceWide, Scope::NamespaceWide),
        (plain, Scope::ClusterWide, Scope::ClusterWide),
        // `--scope strict` leaves annotations alone; the others replace them.
        (wide(cluster_wide), Scope::Strict, Scope::ClusterWide),
        (wide(cluster_wide), Scope::NamespaceWide, Scope::NamespaceWide),
        (wide(namespace_wide), Scope::ClusterWide, Scope::ClusterWide),
    ];
    for (yaml, flag, expected) in cases {
        let sealed = sealed_with(
            &yaml,
            &SealParameters {
                scope: flag,
                ..SealParameters::default()
            },
        )
        .unwrap();
        assert_eq!(
            Scope::from_annotations(sealed.metadata.annotations.as_ref()),
            expected,
            "{yaml} {flag}"
        );
        assert!(common::unseal(&sealed, &key("rsa2048").ring()).is_ok(), "{yaml} {flag}");
    }
}

#[test]
fn names_come_from_the_flag_the_secret_and_the_context_in_this_order() {
    let parameters = |name: &str, namespace: &str, default: &str| SealParameters {
        name: Some(name.to_owned()),
        namespace: Some(namespace.to_owned()),
        default_namespace: Some(default.to_owned()),
        ..SealParameters::default()
    };
    let named = "metadata: {name: a, namespace: b}\nstringData: {k: v}";
    let anonymous = "stringData: {k: v}";
    let cluster_wide = format!(
        "metadata: {{name: a, annotations: {{{}: 'true'}}}}\nstringData: {{k: v}}",
        names::ANNOTATION_CLUSTER_WIDE
    );
    let place = |sealed: SealedSecret| (sealed.metadata.namespace, sealed.metadata.name.unwrap());
    let at = |namespace: &str, name: &str| Ok((Some(namespace.to_owned()), name.to_owned()));
    let cases = [
        (named, parameters("", "", ""), at("b", "a")),
        (named, parameters("c", "b", "d"), at("b", "c")),
        (anonymous, parameters("c", "n", "d"), at("n", "c")),
        (anonymous, parameters("c", "", "d"), at("d", "c")),
        (anonymous, parameters("c", "", ""), Err(SealError::NamespaceMissing)),
        (anonymous, parameters("", "n", ""), Err(SealError::NameMissing)),
        (
            named,
            parameters("", "n", ""),
            Err(SealError::NamespaceMismatch {
                found: "b".to_owned(),
                asked: "n".to_owned(),
            }),
        ),
        // Cluster-wide needs no namespace and takes none from elsewhere (reference behaviour).
        (
            cluster_wide.as_str(),
            parameters("", "n", "d"),
            Ok((None, "a".to_owned())),
        ),
    ];
    for (yaml, parameters, expected) in cases {
        assert_eq!(
            sealed_with(yaml, &parameters).map(place),
            expected,
            "{yaml} {parameters:?}"
        );
    }
}

#[test]
fn no_item_is_an_error_unless_it_is_meant() {
    let empty = "metadata: {name: a, namespace: b}\ndata: {}";
    assert_eq!(sealed_with(empty, &SealParameters::default()), Err(SealError::Empty));
    let allowed = sealed_with(
        empty,
        &SealParameters {
            allow_empty: true,
            ..SealParameters::default()
        },
    )
    .unwrap();
    let text = manifest::to_json_compact(&allowed).unwrap();
    assert!(text.contains(r#""encryptedData":{}"#), "{text}");
}

#[test]
fn the_scope_of_the_object_opens_never_that_of_its_template() {
    let strict = sealed("metadata: {name: a, namespace: b}\nstringData: {k: v}");
    let ring = key("rsa2048").ring();
    let mut relabelled = strict.clone();
    relabelled.metadata.annotations = Some(map(&[(names::ANNOTATION_CLUSTER_WIDE, "true")]));
    assert!(matches!(common::unseal(&relabelled, &ring), Err(UnsealError::Items(_))));

    let mut template_only = strict.clone();
    template_only
        .spec
        .template
        .as_mut()
        .unwrap()
        .metadata
        .as_mut()
        .unwrap()
        .annotations = Some(map(&[(names::ANNOTATION_CLUSTER_WIDE, "true")]));
    assert!(common::unseal(&template_only, &ring).is_ok());

    for (namespace, name) in [("b", "other"), ("other", "a")] {
        let mut moved = strict.clone();
        (moved.metadata.namespace, moved.metadata.name) = (Some(namespace.to_owned()), Some(name.to_owned()));
        assert!(
            matches!(common::unseal(&moved, &ring), Err(UnsealError::Items(_))),
            "{namespace}/{name}"
        );
    }
}

#[test]
fn the_secret_gets_labels_annotations_and_its_owner_and_nothing_else_of_the_template() {
    let mut sealed = sealed("metadata: {name: a, namespace: b, labels: {l: x}}\nstringData: {k: v}");
    sealed.metadata.uid = Some("the-uid".to_owned());
    let metadata = sealed.spec.template.as_mut().unwrap().metadata.as_mut().unwrap();
    metadata.finalizers = Some(vec!["x/y".to_owned()]);
    metadata.name = Some("elsewhere".to_owned());
    metadata.annotations = Some(map(&[("note", "x")]));
    let unsealed = common::unseal(&sealed, &key("rsa2048").ring()).unwrap();
    assert_eq!(
        serde_json::to_value(&unsealed.secret.metadata).unwrap(),
        serde_json::json!({
            "name": "a", "namespace": "b", "labels": {"l": "x"}, "annotations": {"note": "x"},
            "ownerReferences": [{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "a", "uid": "the-uid", "controller": true,
            }],
        })
    );
    let metadata = sealed.spec.template.as_mut().unwrap().metadata.as_mut().unwrap();
    metadata.annotations = Some(map(&[(names::ANNOTATION_SKIP_SET_OWNER_REFERENCES, "true")]));
    let unowned = common::unseal(&sealed, &key("rsa2048").ring()).unwrap();
    assert_eq!(unowned.secret.metadata.owner_references, None);
}

#[test]
fn template_items_join_the_sealed_ones_and_never_replace_them() {
    let mut sealed = sealed("metadata: {name: a, namespace: b}\nstringData: {kept: sealed, hidden: sealed}");
    let template = |value: &str| Some(value.to_owned());
    let items = [
        ("kept", template("plain")),
        ("hidden", None),
        ("added", template("plain ä")),
    ];
    sealed.spec.template.as_mut().unwrap().data = Some(
        items
            .map(|(item, value)| (item.to_owned(), value))
            .into_iter()
            .collect(),
    );
    let unsealed = common::unseal(&sealed, &key("rsa2048").ring()).unwrap();
    let items: Vec<_> = unsealed
        .secret
        .items
        .iter()
        .map(|(item, value)| (item.as_str(), value.expose()))
        .collect();
    assert_eq!(items, [("added", "plain ä".as_bytes()), ("kept", b"sealed")]);

    sealed.spec.template.as_mut().unwrap().data =
        Some(BTreeMap::from([("added".to_owned(), template("{{ .kept }} {{ .x"))]));
    let error = common::unseal(&sealed, &key("rsa2048").ring()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template added, line 1, column 18: an action has no end: \"}}\" is missing (added)"
    );
    // Verifying renders nothing, so it cannot fail here (and cannot tell a stranger what a template made).
    assert!(verify(&sealed, &key("rsa2048").ring(), &[]).is_ok());
    sealed.metadata.name = Some("moved".to_owned());
    let moved = verify(&sealed, &key("rsa2048").ring(), &[]);
    assert!(matches!(moved, Err(UnsealError::Items(_))));
}

#[test]
fn what_does_not_open_is_tried_so_often_and_no_more() {
    let binding = Binding::new(Scope::Strict, "b", "a").unwrap();
    let text = seal_raw(
        b"x",
        &binding,
        "",
        &Sealer::of_key(key("rsa2048").cert().public()),
        &mut SystemRandom::default(),
    )
    .unwrap();
    let items: BTreeMap<_, _> = (0..3 * MAX_UNOPENED)
        .map(|number| (number.to_string(), text.clone()))
        .collect();
    let sealed = serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "moved", "namespace": "b"}, "spec": {"encryptedData": items},
    });
    let operations = Arc::new(AtomicU64::new(0));
    let mut ring = KeyRing::counting(operations.clone());
    ring.insert(Arc::new(key("rsa2048").private()), jiff::Timestamp::UNIX_EPOCH);
    let Err(UnsealError::Items(errors)) = verify(&serde_json::from_value(sealed).unwrap(), &ring, &[]) else {
        panic!("it opens")
    };
    assert_eq!(operations.load(Ordering::Relaxed), MAX_UNOPENED as u64);
    assert_eq!(errors.0.len(), 3 * MAX_UNOPENED, "each is named");
    assert!(
        errors
            .to_string()
            .contains("not tried, as too many others do not open ("),
        "{errors}"
    );
}

#[test]
fn the_deprecated_format_opens_and_both_at_once_do_not() {
    let binding = Binding::new(Scope::Strict, "b", "a").unwrap();
    let whole = br#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","labels":{"l":"x"}},"type":"Opaque","data":{"k":"dg=="}}"#;
    let data = seal_raw(
        whole,
        &binding,
        "",
        &Sealer::of_key(key("rsa2048").cert().public()),
        &mut SystemRandom::default(),
    )
    .unwrap();
    let mut sealed: SealedSecret = serde_json::from_value(serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": "a", "namespace": "b"}, "spec": {"data": data, "encryptedData": null},
    }))
    .unwrap();
    let unsealed = common::unseal(&sealed, &key("rsa2048").ring()).unwrap();
    assert_eq!(unsealed.secret.items["k"].expose(), b"v");
    assert_eq!(unsealed.secret.metadata.name.as_deref(), Some("a"));
    assert_eq!(unsealed.secret.metadata.labels, Some(map(&[("l", "x")])));

    sealed.spec.encrypted_data = map(&[("k", "AgA=")]);
    assert_eq!(
        common::unseal(&sealed, &key("rsa2048").ring()),
        Err(UnsealError::BothFormats)
    );

    // Many small values take more than a hundred times their text.
    sealed.spec.encrypted_data.clear();
    let many = format!(r#"{{"metadata":{{"managedFields":[{}1]}}}}"#, "1,".repeat(100_000));
    let cert = key("rsa2048").cert();
    let data = seal_raw(
        many.as_bytes(),
        &binding,
        "",
        &Sealer::of_key(cert.public()),
        &mut SystemRandom::default(),
    )
    .unwrap();
    sealed.spec.data = Some(data);
    assert_eq!(
        common::unseal(&sealed, &key("rsa2048").ring()),
        Err(UnsealError::DeprecatedDataNoSecret)
    );
}

#[test]
fn shapes_from_the_wild_are_read() {
    let shapes = [
        // kubeseal 0.12: null timestamps, no type, an empty line at the end.
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  creationTimestamp: null\n  name: cc.ccloud-secrets\n  namespace: default\nspec:\n  encryptedData:\n    CCLOUD_EMAIL: AgA=\n  template:\n    metadata:\n      creationTimestamp: null\n      name: cc.ccloud-secrets\n      namespace: default\n\n",
        "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {k: AgBy3i4…}, template: {data: null}}\nstatus: {}\n---\n",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a, annotations: {sealedsecrets.bitnami.com/cluster-wide: \"true\"}}\nspec:\n  encryptedData:\n    # a comment\n    .dockerconfigjson: \"AgA=\"\n  template: {type: kubernetes.io/dockerconfigjson}\n",
        "{\"apiVersion\":\"bitnami.com/v1alpha1\",\"kind\":\"SealedSecret\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"encryptedData\":{},\"template\":{\"metadata\":null}}}",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {k: SEALED_VALUE_PLACEHOLDER}}\n",
    ];
    for shape in shapes {
        let documents = manifest::read(shape.as_bytes()).unwrap();
        assert_eq!(documents.len(), 1, "{shape}");
        let sealed = unsealing::sealed_secret(&documents[0]).unwrap();
        assert!(sealed.metadata.name.is_some(), "{shape}");
    }
}
