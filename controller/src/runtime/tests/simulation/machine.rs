//! What work takes where no time goes by itself.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// What each piece of work takes of a core.
#[derive(Debug, Clone, Copy)]
pub(super) struct Costs {
    /// A private-key operation.
    pub operation: Duration,
    /// A pass of the controller, beside its operations.
    pub pass: Duration,
    /// A write, in the API server and etcd.
    pub write: Duration,
    /// An object of a list.
    pub listed: Duration,
}

/// The cores that controller, API server and etcd share.
#[derive(Debug)]
pub(super) struct Machine {
    cores: Semaphore,
    /// How many they are.
    pub number: usize,
    pub costs: Costs,
}

impl Machine {
    pub(super) fn new(cores: usize, costs: Costs) -> Arc<Self> {
        Arc::new(Self {
            cores: Semaphore::new(cores),
            number: cores,
            costs,
        })
    }

    /// Keeps a core for this long, when there is one.
    pub(super) async fn work(&self, time: Duration) {
        let _core = self.cores.acquire().await.unwrap();
        tokio::time::sleep(time).await;
    }

    /// What a pass takes that opens so many items.
    pub(super) fn opening(self: &Arc<Self>) -> impl Fn(usize) -> BoxFuture<'static, ()> + Send + Sync + use<> {
        let machine = self.clone();
        move |items| {
            let machine = machine.clone();
            let operations = u32::try_from(items).unwrap();
            Box::pin(async move {
                let time = machine.costs.operation * operations + machine.costs.pass;
                machine.work(time).await;
            })
        }
    }
}
