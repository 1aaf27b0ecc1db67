//! What a pass waits for before it opens an object: a core, and room.

use std::sync::Arc;

use crds::SealedSecret;
use sealing::render;
use sealing::unseal::Unsealed;

use super::Reconciler;
use super::room::{self, Room};
use crate::error::Failure;
use crate::fair_semaphore::Permit;
use crate::keys::Keys;
use crate::pass_limit::Pass;
use crate::slices::Slices;

/// A core, and for work that is not done in slices the permit to take one for long.
pub(super) struct Core {
    pub(super) slices: Arc<Slices>,
    _costly: Option<Permit<String>>,
}

impl Reconciler {
    /// Opens the object, with room where it or what comes of it is large; where there is none at the end, once more with room.
    /// `None`: the process is about to end.
    pub(super) async fn open_in_room(
        &self,
        sealed: &Arc<SealedSecret>,
        pass: &mut Pass,
    ) -> Option<(Result<Unsealed, Failure>, Arc<Keys>, Room)> {
        let namespace = &sealed.metadata.namespace.clone().unwrap_or_default();
        let mut needs_room = room::is_large_object(sealed);
        loop {
            let (core, room) = self.core(sealed, needs_room, pass).await?;
            let keys = self.keys.borrow().clone();
            let opened = Box::pin(self.open(sealed, &keys, core)).await;
            let is_large = opened.as_ref().is_ok_and(|opened| room::is_large(&opened.secret));
            let room = room.filter(|_| is_large);
            let room = room.or_else(|| is_large.then(|| self.rooms.try_acquire(namespace))?);
            if !is_large || room.is_some() {
                return Some((opened, keys, Room::new(&self.rooms, namespace, room)));
            }
            needs_room = true;
        }
    }

    /// Waits for a core to work on this object, and for room before it, which is not held up by others then.
    async fn core(
        &self,
        sealed: &SealedSecret,
        needs_room: bool,
        pass: &mut Pass,
    ) -> Option<(Core, Option<Permit<String>>)> {
        let namespace = &sealed.metadata.namespace.clone().unwrap_or_default();
        let is_costly = sealed.spec.template.as_ref().is_some_and(render::is_costly);
        pass.wait_for_core(|| async move {
            let room = match needs_room {
                true => Some(self.rooms.acquire(namespace).await),
                false => None,
            };
            let costly = match is_costly {
                true => Some(self.costly.acquire(namespace).await),
                false => None,
            };
            let slices = Slices::begin(&self.cores, namespace, u64::MAX).await;
            let core = Core {
                slices,
                _costly: costly,
            };
            (core, room)
        })
        .await
    }
}
