//! Values that break careless programs.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Items of a Secret: what credentials really look like, and what is at the edges.
pub fn items() -> BTreeMap<&'static str, Vec<u8>> {
    let service_account = json!({
        "type": "service_account",
        "private_key": format!("-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n", "MIIEvQ+/=\n".repeat(200)),
        "client_email": "sink@example.iam.gserviceaccount.com",
    });
    BTreeMap::from([
        ("empty", Vec::new()),
        ("one-byte", vec![0]),
        ("every.byte", (0..=255).collect()),
        ("keyfile", format!("{service_account:#}").into_bytes()),
        (
            "sasl-jaas-config.properties",
            br#"sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="A+B/C=" password="x;y'z\\";"#.to_vec(),
        ),
        ("non_ascii", "pässwörd 密碼 🔑\r\n\ttab".as_bytes().to_vec()),
        ("looks-like-yaml", b"yes: 0x1F # no\n---\n".to_vec()),
    ])
}

/// A Secret in JSON with those items.
pub fn secret(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": name, "namespace": namespace},
        "data": encoded(&items()),
    })
}

/// Items as they stand in a Secret's `data`: standard base64.
pub fn encoded(items: &BTreeMap<&'static str, Vec<u8>>) -> BTreeMap<&'static str, String> {
    items
        .iter()
        .map(|(key, value)| (*key, STANDARD.encode(value)))
        .collect()
}
