//! What the store does while the API server does not answer.

use kube::{Client, Config};

use super::*;
use crate::keys::generate::{MakeKeyError, generate};
use crate::lease::leadership::Standing;
use crate::relist::Relist;
use crate::settings::{HybridKeys, KeyOrder};

/// A store whose API server refuses every connection: nothing listens on port 1.
fn store() -> (KeyStore, KeysReader) {
    store_of(Standing::Alone)
}

fn store_of(standing: Standing) -> (KeyStore, KeysReader) {
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
        hybrid: HybridKeys::Off,
    };
    let (_, leadership) = Leadership::new(standing);
    let events = Events::start(&client, &leadership);
    let metrics = Arc::new(Metrics::new("test", false, Arc::default()).unwrap());
    let api = KeyApi::new(&client, "ns");
    let stop = CancellationToken::new();
    let (_, relists) = Relist::new();
    let lives = (leadership, relists, stop);
    KeyStore::new(api, "ns".to_owned(), settings, events, metrics, lives)
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
        KeyNews::Changed("sealed-secrets-key".to_owned()),
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

#[tokio::test(start_paused = true)]
async fn a_key_whose_secret_cannot_be_looked_up_is_looked_for_again_however_much_else_happens() {
    let (mut store, _keys) = store();
    let (election, leadership) = Leadership::new(Standing::Alone);
    store.leadership = leadership;
    let (secret, _) = key_secret(&store.settings, "sealed-secrets-key");
    store.hear(KeyNews::Listed(vec![secret])).await;
    store.hear(KeyNews::Changed("sealed-secrets-key".to_owned())).await;
    let (_news, mut news) = mpsc::channel(1);
    let (_asked, mut asked) = mpsc::channel(1);
    let due = store.look_at;
    // A leader's Lease is renewed all the time.
    for _ in 0..4 {
        election.send_replace(Standing::Alone);
        store.turn(&mut news, &mut asked).await;
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    store.turn(&mut news, &mut asked).await;
    assert!(store.look_at > due, "it was looked up");
}

#[tokio::test]
async fn a_key_that_was_asked_for_is_tried_again_until_it_is_made() {
    let (mut store, _keys) = store();
    let (secret, _) = key_secret(&store.settings, "sealed-secrets-key");
    store.hear(KeyNews::Listed(vec![secret])).await;
    assert_eq!(store.due(), None, "none is due");
    store.make_as_asked().await;
    assert!(store.due() > Some(Timestamp::now()), "after a pause");
    let (secret, fingerprint) = key_secret(&store.settings, "sealed-secrets-key7h2x9");
    store.rotation.fail(Some(fingerprint), Instant::now());
    store.see(vec![secret]).await;
    store.publish();
    assert_eq!(store.due(), None, "it was made");
}

#[tokio::test]
async fn a_key_whose_creation_was_not_answered_is_looked_for_before_another_is_made() {
    let (mut store, keys) = store();
    store.hear(KeyNews::Listed(Vec::new())).await;
    assert!(store.due() <= Some(Timestamp::now()), "the first key is due");
    store.make().await;
    let sent = store.rotation.unconfirmed().cloned();
    assert!(sent.is_some(), "it was sent, and nobody answered");
    store.make().await;
    assert_eq!(
        store.rotation.unconfirmed(),
        sent.as_ref(),
        "there was no look, so no other key was made"
    );
    assert!(
        store.rotation.pause(Instant::now()) > Duration::from_secs(2),
        "it was tried twice"
    );

    let (secret, fingerprint) = key_secret(&store.settings, "sealed-secrets-key7h2x9");
    store.rotation.fail(Some(fingerprint.clone()), Instant::now());
    store.see(vec![secret]).await;
    store.publish();
    assert_eq!(
        keys.borrow().current.clone().map(|key| key.fingerprint().clone()),
        Some(fingerprint)
    );
    assert!(store.rotation == Rotation::Idle && store.made.is_some());
    assert_eq!(store.due(), None, "it counts as made");
}

#[tokio::test]
async fn a_replica_that_does_not_lead_loads_keys_and_makes_none() {
    let (mut store, keys) = store_of(Standing::Follows);
    store.hear(KeyNews::Listed(Vec::new())).await;
    assert_eq!(store.due(), None, "there is no key, and it is not its to make");
    store.make_as_asked().await;
    assert_eq!(store.rotation, Rotation::Idle, "nothing was tried");
    let outcome = store.generated().await.map(|_| ());
    assert!(matches!(outcome, Err(MakeKeyError::Over)), "{outcome:?}");

    let (secret, _) = key_secret(&store.settings, "made-by-the-leader");
    store.see(vec![secret]).await;
    store.publish();
    assert!(keys.borrow().current.is_some());
}

#[tokio::test]
async fn a_key_that_is_due_is_made_only_after_a_look() {
    let (mut store, _keys) = store();
    store.hear(KeyNews::Listed(Vec::new())).await;
    assert!(store.is_due());
    store.make_if_still_due().await;
    assert!(matches!(store.rotation, Rotation::Backoff(_)), "the look failed");
}

#[tokio::test]
async fn key_from_the_future_does_not_stay_current() {
    let (mut store, keys) = store();
    store.settings.renew_period = Some(Duration::from_secs(30 * 24 * 3600));
    let ten_years = jiff::SignedDuration::from_hours(10 * 365 * 24);
    let (mut ahead, _) = generate(&store.settings, Timestamp::now() + ten_years).unwrap();
    ahead.metadata.name = Some("ahead".to_owned());
    store.hear(KeyNews::Listed(vec![ahead])).await;
    assert_eq!(
        keys.borrow().current.clone().unwrap().secret,
        "ahead",
        "there is no other"
    );
    assert!(store.is_due() && store.named.contains("ahead"));
    let (timely, _) = key_secret(&store.settings, "timely");
    store.see(vec![timely]).await;
    store.publish();
    assert_eq!(keys.borrow().current.clone().unwrap().secret, "timely");
    assert_eq!(keys.borrow().ring.fingerprints().count(), 2, "both open");
    assert!(!store.is_due());
}
