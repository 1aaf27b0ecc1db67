//! Whether the CustomResourceDefinition prunes the fields of the status that only this controller knows, as the reference's does.
//! Then a status is not written for their sake.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crds::{SealedSecret, SealedSecretStatus};
use tokio::time::Instant;
use tracing::info;

/// A webhook may hold up the first write, and the passes that wait for its answer hold places. So they wait no longer than this.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What is known of the pruning; shared by the workers.
#[derive(Debug, Default)]
pub(crate) struct StatusPruning {
    known: Mutex<Known>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    kept: Option<bool>,
    /// The namespace of the last status that was pruned, unless a later one was not.
    pruned_in: Option<String>,
    /// When the current, or last, trial write began.
    asked: Option<Instant>,
}

/// The right to write a status for the sake of these fields alone. Held until its answer is known.
pub(crate) struct Turn<'a>(#[expect(dead_code, reason = "held, never read")] Option<tokio::sync::MutexGuard<'a, ()>>);

impl StatusPruning {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether such a write is worth a request. While that is unknown, one pass tries and the others wait for its answer for up
    /// to a second; after that they do not write, and the next start opens their objects again.
    pub(crate) async fn turn(&self) -> Option<Turn<'_>> {
        let kept = self.known().kept;
        match kept {
            Some(kept) => kept.then_some(Turn(None)),
            None => {
                let turn = match self.asking.try_lock() {
                    Ok(turn) => turn,
                    Err(_) => {
                        let asked = self.known().asked.unwrap_or_else(Instant::now);
                        tokio::time::timeout_at(asked + LONGEST_WAIT, self.asking.lock())
                            .await
                            .ok()?
                    }
                };
                let mut known = self.known();
                known.asked = Some(Instant::now());
                (known.kept != Some(false)).then_some(Turn(Some(turn)))
            }
        }
    }

    /// Learns from the answer to a status that was sent.
    pub(crate) fn learn(&self, sent: &SealedSecretStatus, answer: &SealedSecret) {
        if sent.written.is_none() {
            return;
        }
        let kept = answer
            .status
            .as_ref()
            .is_some_and(|status| status.written == sent.written);
        let mut known = self.known();
        let namespace = answer.metadata.namespace.clone();
        let before_in = std::mem::replace(&mut known.pruned_in, namespace.clone().filter(|_| !kept));
        // A webhook of one namespace may prune the statuses there alone.
        if !kept && known.kept == Some(true) && (before_in.is_none() || before_in == namespace) {
            return;
        }
        let before = known.kept.replace(kept);
        if !kept && before != Some(false) {
            info!(
                "the CustomResourceDefinition does not keep what the status remembers: every SealedSecret is opened again at each start"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crds::WrittenSecret;

    use super::*;

    fn status(remembers: bool) -> SealedSecretStatus {
        SealedSecretStatus {
            written: remembers.then(WrittenSecret::default),
            ..SealedSecretStatus::default()
        }
    }

    fn answer(remembers: bool) -> SealedSecret {
        answer_in("some", remembers)
    }

    fn answer_in(namespace: &str, remembers: bool) -> SealedSecret {
        let mut answer = SealedSecret {
            status: Some(status(remembers)),
            ..SealedSecret::default()
        };
        answer.metadata.namespace = Some(namespace.to_owned());
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn one_asks_and_the_others_go_by_its_answer() {
        let pruning = StatusPruning::default();
        let first = pruning.turn().await;
        assert!(first.is_some());
        let second = tokio::time::timeout(Duration::from_millis(10), pruning.turn()).await;
        assert!(second.is_err(), "it waits");
        assert!(pruning.turn().await.is_none(), "not for ever");
        let third = tokio::time::timeout(Duration::from_millis(1), pruning.turn()).await;
        assert!(
            third.is_ok_and(|turn| turn.is_none()),
            "nor for one that has asked for long"
        );
        pruning.learn(&status(true), &answer(false));
        drop(first);
        assert!(pruning.turn().await.is_none(), "pruned");
        pruning.learn(&status(false), &answer(false));
        assert!(pruning.turn().await.is_none(), "nothing was sent that could tell");
        pruning.learn(&status(true), &answer(true));
        for _ in 0..2 {
            pruning.learn(&status(true), &answer_in("a", false));
            assert_eq!(pruning.known().kept, Some(true), "a webhook may do that");
        }
        let (a, b) = (pruning.turn().await, pruning.turn().await);
        assert!(a.is_some() && b.is_some(), "nobody waits any more");
        pruning.learn(&status(true), &answer_in("b", false));
        assert_eq!(pruning.known().kept, Some(false));
    }
}
