//! Start-time fair queueing: the order in which tenants get turns at a shared resource. Each tenant has a virtual time, which
//! advances by the time that it uses. The tenant with the lowest virtual time is next, so a tenant that uses little waits only for
//! others that use as little.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// How far the virtual time of a tenant that did not wait lies before the current one: it comes before those that kept waiting.
const CREDIT: Duration = Duration::from_millis(100);
/// Default for the most by which a tenant's virtual time may be ahead of the current one.
const MOST_BEHIND: Duration = Duration::from_secs(5);
/// After this wait a tenant gets a turn whatever it has used: beside hundreds of busy tenants, virtual time passes hundreds of
/// times more slowly than real time.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// One turn in this many may go to the tenant that has waited longest. That delays tenants that use little by next to nothing.
const TURNS: u32 = 4;
/// Tables with fewer tenants than this are not swept.
const FEW: usize = 64;

/// How long the time of a tenant's last turn is kept.
const REMEMBERED: Duration = Duration::from_secs(600);
/// Tenants for which it is kept. With more, the table is cleared.
const MOST_REMEMBERED: usize = 4096;

/// Sort key of a waiting tenant: its virtual time, then its last turn (none, or the earliest, first), then its arrival.
type Place = (Duration, Option<Instant>, u64);

/// When a tenant began to wait.
#[derive(Debug)]
struct Arrival<K> {
    tenant: K,
    since: Instant,
}

/// The waiting tenants, and what each tenant used lately. `K` identifies a tenant.
#[derive(Debug)]
pub(crate) struct FairOrder<K> {
    waiting: BTreeMap<Place, K>,
    /// The places, and the arrivals.
    places: HashMap<K, (Place, u64)>,
    /// The same, by their arrivals.
    arrived: BTreeMap<u64, Arrival<K>>,
    /// Turns since the last one that went to the longest wait.
    turns: u32,
    /// Virtual times, where they are later than that of a tenant that did not wait.
    had: HashMap<K, Duration>,
    /// When tenants had their last turn. Virtual times are forgotten when no tenant waits. Without this, hundreds that come together
    /// again and again would each time come before a new tenant.
    served: HashMap<K, Instant>,
    /// `served` is swept when it reaches this size.
    sweep_served_at: usize,
    /// The most by which a tenant's virtual time may be ahead of the current one.
    most_behind: Duration,
    /// `had` is swept when it reaches this size.
    sweep_at: usize,
    /// The current virtual time: that of the last turn. It follows the clock while no tenant waits.
    now: Duration,
    seen: Instant,
    serial: u64,
}

impl<K> Default for FairOrder<K> {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            places: HashMap::new(),
            arrived: BTreeMap::new(),
            turns: 0,
            had: HashMap::new(),
            served: HashMap::new(),
            sweep_served_at: FEW,
            most_behind: MOST_BEHIND,
            sweep_at: FEW,
            now: CREDIT,
            seen: Instant::now(),
            serial: 0,
        }
    }
}

impl<K: Clone + Eq + Hash> FairOrder<K> {
    /// For work that takes seconds: use counts for ten minutes. Otherwise hundreds of tenants would get a first turn again and
    /// again.
    pub(crate) fn of_costly() -> Self {
        Self {
            most_behind: Duration::from_secs(600),
            ..Self::default()
        }
    }

    /// Whether no tenant waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Adds a tenant, if it does not wait already.
    pub(crate) fn push(&mut self, tenant: K) {
        if self.places.contains_key(&tenant) {
            return;
        }
        self.advance();
        let arrival = self.number();
        let since = self.seen;
        let arrived = Arrival {
            tenant: tenant.clone(),
            since,
        };
        self.arrived.insert(arrival, arrived);
        self.place(tenant, arrival);
    }

    fn place(&mut self, tenant: K, arrival: u64) {
        let had = self.had.get(&tenant).copied().unwrap_or_default();
        let served = self.served.get(&tenant).copied();
        let place = (had.max(self.of_who_was_away()), served, self.number());
        self.places.insert(tenant.clone(), (place, arrival));
        self.waiting.insert(place, tenant);
    }

    /// Removes and returns the next tenant.
    pub(crate) fn pop(&mut self) -> Option<K> {
        self.pop_if(|_| true)
    }

    /// Removes and returns the next tenant that may have a turn. Tenants before it that may not are removed, too.
    pub(crate) fn pop_if(&mut self, mut may: impl FnMut(&K) -> bool) -> Option<K> {
        self.advance();
        loop {
            let (_, longest) = self.arrived.first_key_value()?;
            let (&(virtual_time, ..), first) = self.waiting.first_key_value()?;
            let is_for_longest = self.turns + 1 >= TURNS && self.seen - longest.since > LONGEST_WAIT;
            let tenant = if is_for_longest { &longest.tenant } else { first }.clone();
            self.remove(&tenant);
            if !may(&tenant) {
                continue;
            }
            if is_for_longest {
                self.turns = 0;
            } else {
                self.turns = (self.turns + 1).min(TURNS);
                self.now = self.now.max(virtual_time);
            }
            self.note_served(&tenant);
            return Some(tenant);
        }
    }

    fn note_served(&mut self, tenant: &K) {
        let now = self.seen;
        self.served.insert(tenant.clone(), now);
        if self.served.len() >= self.sweep_served_at {
            self.served.retain(|_, served| now - *served < REMEMBERED);
            // Clients over HTTP can name any number of tenants.
            if self.served.len() >= MOST_REMEMBERED {
                self.served.clear();
            }
            self.sweep_served_at = (2 * self.served.len()).clamp(FEW, MOST_REMEMBERED);
        }
    }

    /// Removes a tenant.
    pub(crate) fn remove(&mut self, tenant: &K) {
        if let Some((place, arrival)) = self.places.remove(tenant) {
            self.waiting.remove(&place);
            self.arrived.remove(&arrival);
        }
    }

    /// Adds to what the tenant has used.
    pub(crate) fn charge(&mut self, tenant: K, time: Duration) {
        self.advance();
        let (least, most) = (self.of_who_was_away(), self.now + self.most_behind);
        let had = self.had.entry(tenant.clone()).or_default();
        *had = ((*had).max(least) + time).min(most);
        if let Some((place, arrival)) = self.places.get(&tenant).copied() {
            self.waiting.remove(&place);
            self.place(tenant, arrival);
        }
        if self.had.len() >= self.sweep_at {
            self.had.retain(|_, had| *had > least);
            self.sweep_at = (2 * self.had.len()).max(FEW);
        }
    }

    fn number(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    fn of_who_was_away(&self) -> Duration {
        self.now.saturating_sub(CREDIT)
    }

    fn advance(&mut self) {
        let seen = std::mem::replace(&mut self.seen, Instant::now());
        if self.waiting.is_empty() {
            self.now += self.seen - seen;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: Duration = Duration::from_millis(20);

    fn order(tenants: &mut FairOrder<usize>) -> Vec<usize> {
        std::iter::from_fn(|| tenants.pop()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_had_nothing_is_served_in_order_of_arrival() {
        let mut tenants = FairOrder::default();
        for tenant in [3, 1, 2, 1] {
            tenants.push(tenant);
        }
        tenants.remove(&1);
        assert_eq!(order(&mut tenants), [3, 2]);
        assert!(tenants.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_for_the_first_time_is_before_all_who_were_served_lately() {
        let mut tenants = FairOrder::default();
        for _ in 0..3 {
            (1..=300).for_each(|tenant| tenants.push(tenant));
            while let Some(tenant) = tenants.pop() {
                tokio::time::advance(TURN).await;
                tenants.charge(tenant, TURN);
            }
            // As long as nobody waits, what each had is forgotten.
            tokio::time::advance(Duration::from_secs(60)).await;
        }
        (1..=300).rev().for_each(|tenant| tenants.push(tenant));
        tenants.push(0);
        assert_eq!(tenants.pop(), Some(0));
        assert_eq!(tenants.pop(), Some(1), "who was served longest ago");
        order(&mut tenants);
        tokio::time::advance(REMEMBERED).await;
        (1000..2000).for_each(|tenant| tenants.push(tenant));
        order(&mut tenants);
        assert!(tenants.served.len() <= 1000 + FEW, "{}", tenants.served.len());
        (10_000..30_000).for_each(|tenant| tenants.push(tenant));
        order(&mut tenants);
        assert!(tenants.served.len() < MOST_REMEMBERED, "{}", tenants.served.len());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_no_turn_does_not_count_as_served() {
        let mut tenants = FairOrder::default();
        (1..=2).for_each(|tenant| tenants.push(tenant));
        assert_eq!(tenants.pop_if(|tenant| *tenant != 1), Some(2));
        assert!(tenants.is_empty());
        [1, 3].into_iter().for_each(|tenant| tenants.push(tenant));
        assert_eq!(order(&mut tenants), [1, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_take_much_do_not_hold_up_one_who_takes_little() {
        let mut tenants = FairOrder::default();
        (1..=300).for_each(|tenant| tenants.push(tenant));
        let mut waited = Vec::new();
        for _ in 0..8 {
            tenants.push(0);
            let mut before = 0;
            while let Some(tenant) = tenants.pop() {
                if tenant == 0 {
                    tenants.charge(tenant, Duration::from_millis(1));
                    break;
                }
                before += 1;
                tenants.charge(tenant, TURN);
                tenants.push(tenant);
            }
            waited.push(before);
        }
        assert_eq!(waited, [300, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_much_gets_its_share() {
        let mut tenants = FairOrder::default();
        let mut times = [0; 2];
        (0..2).for_each(|tenant| tenants.push(tenant));
        for _ in 0..210 {
            let tenant = tenants.pop().unwrap();
            let long = [TURN, 20 * TURN][tenant];
            tenants.charge(tenant, long);
            tenants.push(tenant);
            times[tenant] += 1;
        }
        assert!((190..=200).contains(&times[0]), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_took_much_once_waits_for_a_turn_of_each_other_at_most() {
        let mut tenants = FairOrder::default();
        tenants.charge(0, Duration::from_secs(1));
        (0..=250).for_each(|tenant| tenants.push(tenant));
        let mut turns = 0;
        loop {
            let tenant = tenants.pop().unwrap();
            if tenant == 0 {
                break;
            }
            turns += 1;
            tokio::time::advance(TURN).await;
            tenants.charge(tenant, TURN);
            tenants.push(tenant);
        }
        assert!(turns <= TURNS * 251, "{turns}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_had_is_forgotten_while_nobody_waits() {
        let mut tenants = FairOrder::default();
        for tenant in 0..10 * FEW {
            tenants.charge(tenant, Duration::from_secs(60));
        }
        tenants.push(0);
        tenants.push(usize::MAX);
        assert_eq!(order(&mut tenants), [usize::MAX, 0]);
        tokio::time::advance(2 * MOST_BEHIND).await;
        tenants.push(0);
        tenants.push(usize::MAX);
        assert_eq!(order(&mut tenants), [0, usize::MAX]);
        for tenant in 0..20 * FEW {
            tenants.charge(tenant, TURN);
            tokio::time::advance(CREDIT).await;
        }
        assert!(tenants.had.len() <= 2 * FEW, "{}", tenants.had.len());
    }
}
