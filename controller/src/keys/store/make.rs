//! Making a key: when it is due, by whom it was asked for, and what became of the try.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use sealing::key::Fingerprint;
use sealing::keyring::KeyPair;
use tokio::time::Instant;
use tracing::{debug, error, info, warn};

use super::super::generate::{MakeKeyError, generate};
use super::super::rotation::Rotation;
use super::super::schedule::{self, KeyState};
use super::super::watcher;
use super::{ASKED_FOR, KeyStore};
use crate::error::{ApiFailure, chain};
use crate::request::{self, in_time};
use crate::settings::HybridKeys;

impl KeyStore {
    /// When the next key is made. Not before the keys that there are have been listed, and by the leader alone.
    pub(super) fn due(&self) -> Option<Timestamp> {
        if !self.listed || !self.leadership.leads() {
            return None;
        }
        let (now, since) = (Timestamp::now(), |instant: Instant| instant.elapsed());
        let current = self.published.borrow().current.clone();
        let begin = current.as_ref().map(|current| current.cert.not_before());
        let state = KeyState {
            current: current.map(|current| current.age),
            lacks_hybrid: self.lacks_hybrid(),
            is_ahead: begin.is_some_and(|begin| schedule::is_ahead(begin, now)),
            lacking_for: self.lacking_since.map(since),
            made_before: self.made.map(since),
        };
        let by_age = schedule::next_key(state, self.settings.renew_period, self.settings.cutoff, now);
        let due = if self.rotation.is_requested() { now } else { by_age? };
        let earliest = now.checked_add(self.rotation.pause(Instant::now()));
        Some(earliest.map_or(due, |earliest| due.max(earliest)))
    }

    /// Whether a key is made only so that there is one whose certificate carries a hybrid key.
    fn lacks_hybrid(&self) -> bool {
        let keys = self.published.borrow();
        let current = keys.current.as_ref();
        self.settings.hybrid == HybridKeys::Publish
            && current.is_some_and(|current| self.registry.lacks_hybrid(current))
    }

    pub(super) fn is_due(&self) -> bool {
        self.due().is_some_and(|due| due <= Timestamp::now())
    }

    /// SIGUSR1. The leader of before may be dead, and this replica about to follow it: then it does what it was asked.
    pub(super) async fn make_as_asked(&mut self) {
        if self.leadership.leads() {
            self.rotation.request();
            self.make().await;
        } else {
            self.asked_at = Some(Instant::now());
            warn!(
                "another replica leads: send the signal there (should this one lead within {} s, it makes the key)",
                ASKED_FOR.as_secs()
            );
        }
    }

    pub(super) async fn has_changed_place(&mut self) {
        self.report();
        if self.leadership.leads()
            && let Some(asked_at) = self.asked_at.take()
            && asked_at.elapsed() <= ASKED_FOR
        {
            self.rotation.request();
            self.make().await;
        }
    }

    /// Another replica may have made the key a moment ago, and the watch not have told yet.
    pub(super) async fn make_if_still_due(&mut self) {
        match self.see_all().await {
            Ok(()) if self.is_due() => self.make().await,
            Ok(()) => {}
            Err(failure) => self.has_failed(&MakeKeyError::Look(failure), None),
        }
    }

    pub(super) async fn make(&mut self) {
        debug!("making a key");
        if self.rotation.unconfirmed().is_some() {
            // Without a look, trying again would make two.
            match self.see_all().await {
                Ok(()) if self.rotation.unconfirmed().is_none() => {
                    return info!("the key whose creation was not answered is there");
                }
                Ok(()) => {}
                Err(failure) => return self.has_failed(&MakeKeyError::Look(failure), None),
            }
        }
        let (manifest, pair) = match self.generated().await {
            Ok(generated) => generated,
            Err(MakeKeyError::Over) => return info!("the new key was not stored: {}", MakeKeyError::Over),
            Err(reason) => return self.has_failed(&reason, None),
        };
        match self.create(&manifest, &pair).await {
            Ok(secret) => {
                self.logged = Some(pair.fingerprint().clone());
                self.has_made();
                self.see(vec![secret]).await;
                self.publish();
            }
            Err(failure) => {
                let is_unanswered = matches!(failure, ApiFailure::Unreachable(_));
                let sent = is_unanswered.then(|| pair.fingerprint().clone());
                self.has_failed(&MakeKeyError::Api(failure), sent);
            }
        }
    }

    fn has_failed(&mut self, reason: &MakeKeyError, sent: Option<Fingerprint>) {
        self.rotation.fail(sent, Instant::now());
        error!(error = chain(reason), "Failed to generate new key");
    }

    pub(super) fn has_made(&mut self) {
        self.rotation = Rotation::Idle;
        self.made = Some(Instant::now());
    }

    /// Looks at all key Secrets.
    async fn see_all(&mut self) -> Result<(), ApiFailure> {
        let secrets = watcher::all(&self.api, &self.settings.prefix).await?;
        self.see(secrets).await;
        self.publish();
        Ok(())
    }

    /// A key that may be stored: this replica still leads.
    pub(super) async fn generated(&self) -> Result<(Secret, KeyPair), MakeKeyError> {
        let settings = self.settings.clone();
        let generated = tokio::task::spawn_blocking(move || generate(&settings, Timestamp::now()));
        let generated = tokio::select! {
            generated = generated => generated.map_err(|_| MakeKeyError::Thread)??,
            () = self.stop.cancelled() => return Err(MakeKeyError::Over),
        };
        if self.leadership.leads() {
            Ok(generated)
        } else {
            Err(MakeKeyError::Over)
        }
    }

    async fn create(&self, manifest: &Secret, pair: &KeyPair) -> Result<Secret, ApiFailure> {
        let created = in_time(request::create(&self.api.secrets, manifest)).await?;
        let created = created.into_result().map_err(ApiFailure::from)?;
        info!(
            namespace = self.namespace,
            name = created.metadata.name,
            "New key written"
        );
        info!(certificate = pair.cert().pem(), "Certificate generated");
        Ok(created)
    }
}
