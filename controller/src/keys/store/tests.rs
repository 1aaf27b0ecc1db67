//! What the store does while the API server does not answer.

use kube::{Client, Config};

use super::*;
use crate::settings::KeyOrder;

/// A store whose API server refuses every connection: nothing listens on port 1.
fn store() -> (KeyStore, KeysReader) {
    let client = Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let settings = KeySettings {
        prefix: "sealed-secrets-key".to_owned(),
        bits: 2048,
        ttl: Duration::from_secs(3600),
        common_name: String::new(),
        renew_period: None,
        cutoff: None,
        order: KeyOrder::CertNotBefore,
        labels: Default::default(),
        annotations: Default::default(),
    };
    let events = Events::start(client.clone());
    let metrics = Arc::new(Metrics::new("test", false).unwrap());
    let api = Api::namespaced(client, "ns");
    KeyStore::new(api, "ns".to_owned(), settings, events, metrics)
}

fn key_secret(settings: &KeySettings, name: &str) -> (Secret, Fingerprint) {
    let (mut secret, pair) = generate(settings, Timestamp::now()).unwrap();
    secret.metadata.name = Some(name.to_owned());
    (secret, pair.fingerprint().clone())
}

#[tokio::test]
async fn a_key_whose_secret_cannot_be_looked_up_stays() {
    let (mut store, keys) = store();
    let (secret, _) = key_secret(&store.settings, "sealed-secrets-key");
    store.hear(KeyNews::Listed(vec![secret])).await;
    for news in [
        KeyNews::Lost("sealed-secrets-key".to_owned()),
        KeyNews::Listed(Vec::new()),
    ] {
        store.hear(news).await;
        store.look_again().await;
        let current = keys.borrow().current.clone().expect("it still seals");
        assert_eq!(current.secret, "sealed-secrets-key");
        assert!(store.unsure.contains("sealed-secrets-key"), "and is looked for again");
        assert_eq!(
            (store.lacking_since, store.due()),
            (None, None),
            "no key is made for it"
        );
    }
}
