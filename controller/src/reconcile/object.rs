//! The object of a pass: from the cache, or from the API server.

use std::sync::Arc;

use crds::SealedSecret;

use super::size::LARGE_OBJECT;
use super::{Reconciler, fetch, size, summary};
use crate::error::ApiFailure;
use crate::index::{Begun, ReconcileState};
use crate::lanes::{Lane, Pass, Unfinished};
use crate::object_ref::ObjectName;
use crate::request::at_most::AtMost;

/// The input of a pass.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// The SealedSecret.
    pub sealed: Arc<SealedSecret>,
    /// What earlier passes left.
    pub memory: ReconcileState,
    /// resourceVersion of the Secret, as the watch knew it.
    pub seen: Option<String>,
}

impl Reconciler {
    /// The object, in no older version than a pass has seen. `None`: it is deleted, or about to be; the watch reports that.
    ///
    /// # Errors
    /// It is large and needs a heavier lane; inside, that it cannot be read.
    pub(super) async fn object(
        &self,
        name: &ObjectName,
        begun: &Begun,
        pass: &Pass,
    ) -> Result<Result<Option<Start>, ApiFailure>, Unfinished> {
        let bound = AtMost::new(match pass.lane {
            Lane::Light | Lane::Long => LARGE_OBJECT,
            _ => usize::MAX,
        });
        if begun.body.as_ref().is_some_and(|body| body.len() > LARGE_OBJECT) {
            pass.needs(Lane::Large)?;
        }
        let start = self.read(name, begun, &bound).await;
        if bound.is_exceeded() || matches!(&start, Ok(Some(start)) if size::is_large_object(&start.sealed)) {
            pass.needs(Lane::Large)?;
        }
        Ok(start)
    }

    async fn read(&self, name: &ObjectName, begun: &Begun, bound: &AtMost) -> Result<Option<Start>, ApiFailure> {
        let kept = begun.body.as_ref().and_then(|body| body.read());
        let sealed = match kept {
            Some(sealed) => sealed,
            None => {
                let found = fetch::sealed(&self.client, name, self.labels.as_deref(), bound).await?;
                let Some(sealed) = found else {
                    return Ok(None);
                };
                self.index
                    .sealed_read(name, &begun.entry, summary::of(&sealed, &self.settings));
                sealed
            }
        };
        if sealed.metadata.deletion_timestamp.is_some() {
            return Ok(None);
        }
        let uid = sealed.metadata.uid.clone().unwrap_or_default();
        let memory = if begun.memory.uid == uid {
            begun.memory.clone()
        } else {
            // It was recreated, and the watch has not reported it yet.
            ReconcileState {
                uid,
                ..ReconcileState::default()
            }
        };
        Ok(Some(Start {
            sealed: Arc::new(sealed),
            memory,
            seen: begun.seen.clone(),
        }))
    }
}
