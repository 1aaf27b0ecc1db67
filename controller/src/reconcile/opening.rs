//! What a pass waits for before it opens an object and before it renders its templates, and what it may take then.

use std::sync::Arc;

use crds::SealedSecret;
use sealing::unseal::Unsealed;

use super::{Reconciler, size};
use crate::error::Failure;
use crate::fair_semaphore::Permit;
use crate::keys::Keys;
use crate::lanes::{Lane, Pass, Unfinished};
use crate::slices::Slices;

impl Reconciler {
    /// Opens the object and renders its templates.
    ///
    /// # Errors
    /// That takes a heavier lane, or the process is about to end.
    pub(super) async fn open_in_lane(
        &self,
        sealed: &Arc<SealedSecret>,
        pass: &Pass,
    ) -> Result<(Result<Unsealed, Failure>, Arc<Keys>), Unfinished> {
        let namespace = &sealed.metadata.namespace.clone().unwrap_or_default();
        if sealed.spec.encrypted_data.len() as u64 > pass.lane.values() {
            pass.needs(pass.lane.with_more_operations())?;
        }
        let slices = Slices::begin(&self.cores, namespace, pass.lane, pass.lane.operations());
        let slices = pass.wait_for(slices).await?;
        let keys = self.keys.borrow().clone();
        let values = {
            let _operations_end_with_it = slices.ended_with();
            pass.wait_for(Box::pin(self.open(sealed, &keys, slices.clone())))
                .await?
        };
        let mut opened = match values {
            Err(failure) => Err(failure),
            Ok(values) if pass.lane >= Lane::Costly => {
                // Opening, and what waits for the API server, hold up no other object that is costly.
                drop(slices);
                let _turn = self.costly_turn(namespace, pass).await?;
                // All other costly templates wait for this one. Its namespace waited for its share of the cores before it was
                // opened, and does so before the next is.
                let _core = pass.wait_for(self.cores.acquire_first(namespace, pass.lane)).await?;
                let render = self.render(values, sealed, &keys, pass.lane.work());
                pass.wait_for(Box::pin(render)).await?
            }
            Ok(values) => {
                let rendered = pass.wait_for(Box::pin(self.render(values, sealed, &keys, 0))).await?;
                drop(slices);
                rendered
            }
        };
        match &mut opened {
            Ok(opened) if size::is_large(&opened.secret) => pass.needs(Lane::Large)?,
            Err(Failure::Unseal { error, .. }) if error.was_interrupted() => {
                pass.needs(pass.lane.with_more_operations())?;
            }
            Err(Failure::Unseal { error, .. }) if error.wants_work() => pass.needs(pass.lane.with_more_work())?,
            // More work cures nothing else.
            Err(Failure::Unseal { error, .. }) if pass.lane < Lane::Costliest => error.leave_out_work(),
            _ => {}
        }
        Ok((opened, keys))
    }

    /// Waits for the right to render what is costly.
    async fn costly_turn(&self, namespace: &String, pass: &Pass) -> Result<[Option<Permit<String>>; 2], Unfinished> {
        let long = match pass.lane {
            Lane::Costliest | Lane::CostlyLong => {
                Some(pass.wait_for(self.costliest.acquire(namespace, pass.lane)).await?)
            }
            _ => None,
        };
        let any = pass.wait_for(self.costly.acquire(namespace, pass.lane)).await?;
        Ok([long, Some(any)])
    }
}
