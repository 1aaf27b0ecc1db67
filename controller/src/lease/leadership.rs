//! Whether this replica leads: asked before every write.

use tokio::sync::watch;
use tokio::time::Instant;

/// The result of the election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Another replica leads, or none is known to.
    Follows,
    /// This replica leads until then, by its own clock; a renewal extends it.
    Leads {
        /// The end.
        until: Instant,
        /// Grows when leadership begins: between two terms another replica may have written.
        term: u64,
    },
    /// There is no election: this replica counts as the only one.
    Alone,
}

impl Standing {
    fn leads(self, now: Instant) -> bool {
        match self {
            Self::Follows => false,
            Self::Leads { until, .. } => now < until,
            Self::Alone => true,
        }
    }
}

/// Whether this replica leads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Leadership(watch::Receiver<Standing>);

impl Leadership {
    /// A leadership, and the sender by which the election tells its result.
    pub(crate) fn new(standing: Standing) -> (watch::Sender<Standing>, Self) {
        let (sender, receiver) = watch::channel(standing);
        (sender, Self(receiver))
    }

    /// Whether it leads now. By the clock: a process that was stopped notices before it writes.
    pub(crate) fn leads(&self) -> bool {
        self.0.borrow().leads(Instant::now())
    }

    /// Waits for any change, also a renewal.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The election has ended, and the process is about to.
            std::future::pending::<()>().await;
        }
    }

    /// The term, if it leads now.
    pub(crate) fn term(&self) -> Option<u64> {
        let standing = *self.0.borrow();
        standing.leads(Instant::now()).then_some(match standing {
            Standing::Leads { term, .. } => term,
            Standing::Follows | Standing::Alone => 0,
        })
    }

    /// Waits until it leads, and returns the term. In the first term, and without an election, no other replica has led since
    /// this process began.
    pub(crate) async fn begins(&mut self) -> u64 {
        loop {
            let standing = *self.0.borrow_and_update();
            match standing {
                Standing::Leads { term, .. } if standing.leads(Instant::now()) => return term,
                Standing::Alone => return 0,
                _ => {}
            }
            self.changed().await;
        }
    }

    /// Waits until the term is over.
    pub(crate) async fn ends(&mut self, term: u64) {
        loop {
            let standing = *self.0.borrow_and_update();
            let until = match standing {
                Standing::Leads { until, term: now } if now == term && standing.leads(Instant::now()) => Some(until),
                Standing::Alone if term == 0 => None,
                _ => return,
            };
            match until {
                Some(until) => drop(tokio::time::timeout_at(until, self.changed()).await),
                None => self.changed().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn leads_for(seconds: u64, term: u64) -> Standing {
        Standing::Leads {
            until: Instant::now() + Duration::from_secs(seconds),
            term,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_ends_by_the_clock_alone() {
        let (_election, mut leadership) = Leadership::new(leads_for(8, 1));
        assert!(leadership.leads());
        let start = Instant::now();
        let term = leadership.begins().await;
        leadership.ends(term).await;
        assert_eq!(start.elapsed().as_secs(), 8);
        assert!(!leadership.leads());
        let again = tokio::time::timeout(Duration::from_secs(60), leadership.begins()).await;
        assert!(again.is_err(), "it does not begin by itself");
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_moves_the_end_and_another_term_is_another_one() {
        let (election, mut leadership) = Leadership::new(leads_for(8, 1));
        let term = leadership.begins().await;
        let start = Instant::now();
        let mut other = leadership.clone();
        let ended = tokio::spawn(async move {
            other.ends(term).await;
            start.elapsed().as_secs()
        });
        tokio::time::sleep(Duration::from_secs(6)).await;
        election.send_replace(leads_for(8, 1));
        tokio::time::sleep(Duration::from_secs(6)).await;
        assert!(leadership.leads(), "renewed");
        election.send_replace(leads_for(8, 2));
        assert_eq!(ended.await.unwrap(), 12);
        assert_eq!(leadership.begins().await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn alone_it_leads_until_there_is_an_election() {
        let (election, mut leadership) = Leadership::new(Standing::Alone);
        let term = leadership.begins().await;
        let for_ever = tokio::time::timeout(Duration::from_secs(9999), leadership.ends(term)).await;
        assert!(for_ever.is_err());
        election.send_replace(Standing::Follows);
        leadership.ends(term).await;
        assert!(!leadership.leads());
    }
}
