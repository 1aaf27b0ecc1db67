//! This replica among its like: who it is, and the task that stands for election.

use crds::names;
use kube::Api;
use sealing::SystemRandom;
use sealing::random::Random as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::client::Access;
use crate::lease::Identity;
use crate::lease::election::Election;
use crate::lease::leadership::Standing;
use crate::settings::InstallationSettings;

/// Where a Deployment tells a Pod its name (`deploy/base`).
const POD_NAME: &str = "POD_NAME";
/// And its uid.
const POD_UID: &str = "POD_UID";
/// What a shell, or a container runtime, calls the machine.
const HOSTNAME: &str = "HOSTNAME";

/// The election while it goes on; `None`: there is none.
pub(super) struct Standby {
    election: Option<JoinHandle<Election>>,
}

/// Stands for election until `stop`; without one, this replica leads from the beginning.
pub(super) fn stand(
    settings: &InstallationSettings,
    access: &Access,
    told: watch::Sender<Standing>,
    stop: &CancellationToken,
) -> Standby {
    if !settings.leader_elect {
        told.send_replace(Standing::Alone);
        return Standby { election: None };
    }
    let api = Api::namespaced(access.client.clone(), &access.namespace);
    let mut election = Election::new(api, settings.name.clone(), identity(), settings.lease, told);
    let stop = stop.clone();
    let election = tokio::spawn(async move {
        election.run(&stop).await;
        election
    });
    Standby {
        election: Some(election),
    }
}

impl Standby {
    /// Lets another replica lead at once. Call it after the stop, when nothing is written any more.
    pub(super) async fn give_up(self) {
        if let Some(election) = self.election
            && let Ok(election) = election.await
        {
            election.give_up().await;
        }
    }
}

fn identity() -> Identity {
    let told = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut unique = [0; 8];
    // Without randomness the process's number has to do.
    if SystemRandom::default().fill(&mut unique).is_err() {
        unique = u64::from(std::process::id()).to_be_bytes();
    }
    let place = told(POD_NAME).or_else(|| told(HOSTNAME));
    let place = place.as_deref().unwrap_or(names::DEFAULT_CONTROLLER_NAME);
    Identity::new(place, told(POD_UID).as_deref(), u64::from_be_bytes(unique))
}
