//! The credentials of the story: those that Kafka Connect and the Confluent Cloud tools read. Names, keys and labels
//! are real ones; values are random in each run, so that any occurrence of one is a leak.

use std::collections::BTreeMap;

use anyhow::Result;
use rand::RngCore as _;

/// A Secret to be sealed.
pub(crate) struct Credential {
    /// `metadata.name`.
    pub(crate) name: String,
    /// Item name to value.
    pub(crate) items: BTreeMap<String, Vec<u8>>,
    /// Labels of the Secret.
    pub(crate) labels: BTreeMap<String, String>,
}

impl Credential {
    fn new<const N: usize>(name: &str, items: [(&str, Vec<u8>); N]) -> Credential {
        let items = items
            .into_iter()
            .map(|(item, value)| (item.to_owned(), value))
            .collect();
        Credential {
            name: name.to_owned(),
            items,
            labels: BTreeMap::new(),
        }
    }

    fn with_labels<const N: usize>(mut self, labels: [(&str, &str); N]) -> Credential {
        self.labels = labels
            .into_iter()
            .map(|(label, value)| (label.to_owned(), value.to_owned()))
            .collect();
        self
    }
}

/// All credentials.
pub(crate) fn all() -> Result<Vec<Credential>> {
    let (key, secret) = (word(16)?, format!("{}+/{}", word(30)?, word(30)?));
    let jaas = format!(
        "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{key}\" password=\"{secret}\";\n"
    );
    Ok(vec![
        Credential::new(
            "cc.ccloud-secrets",
            [
                ("CCLOUD_EMAIL", format!("connect+{}@example.com", word(12)?).into()),
                (
                    "CCLOUD_PASSWORD",
                    format!("\"{}\" 'pä=ss;wörd' ☃ $HOME\\n", word(12)?).into(),
                ),
            ],
        ),
        Credential::new(
            "connect-operator-secrets",
            [
                ("MYSQL_CONNECTION_USER", format!("connect-{}", word(8)?).into()),
                ("MYSQL_CONNECTION_PASSWORD", word(24)?.into()),
                ("MYSQL_ROOT_PASSWORD", format!("{}==", word(22)?).into()),
                ("MYSQL_OPTIONS", Vec::new()),
                ("keystore.jks", bytes(700)?),
            ],
        ),
        Credential::new("orders-bq-sink-keyfile", [("keyfile", service_account()?.into())]),
        Credential::new(
            "cc.api-key.connect-worker-client.lkc-4ov2m",
            [(
                "ccloud-api-key",
                format!("{{\"key\":\"{key}\",\"secret\":\"{secret}\"}}").into(),
            )],
        )
        .with_labels([
            ("resource_id", "lkc-4ov2m"),
            ("service_account_id", "154143"),
            ("category", "kafka"),
        ]),
        Credential::new(
            "cc.sasl-jaas-config.connect-worker-client.streaming-ops-dev.microservices-orders",
            [("sasl-jaas-config.properties", jaas.into())],
        ),
    ])
}

/// A Google service account's key file: JSON over many lines, about 2 kB.
fn service_account() -> Result<String> {
    let mut lines = String::new();
    for _ in 0..26 {
        lines.push_str(&word(64)?);
        lines.push_str("\\n");
    }
    Ok(format!(
        r#"{{
  "type": "service_account",
  "project_id": "streaming-ops",
  "private_key_id": "{}",
  "private_key": "-----BEGIN PRIVATE KEY-----\n{lines}-----END PRIVATE KEY-----\n",
  "client_email": "orders-bq-sink@streaming-ops.iam.gserviceaccount.com",
  "client_id": "103941883745610183720",
  "auth_uri": "https://accounts.google.com/o/oauth2/auth",
  "token_uri": "https://oauth2.googleapis.com/token"
}}
"#,
        word(40)?
    ))
}

/// Random bytes.
pub(crate) fn bytes(length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

/// Random letters and digits.
pub(crate) fn word(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyzABCDEF23";
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).map(|letter| char::from(*letter));
    Ok(bytes(length)?.iter().filter_map(letter).collect())
}
