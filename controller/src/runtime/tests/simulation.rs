//! The controller's own watches, index, queue, passes and decisions over an API server that is simulated, in virtual time: how
//! many requests there are, how long it takes and what it keeps, with more objects than a test's control plane holds.
//! `cargo xtask simulate` runs it at length.

mod machine;
mod report;
mod server;

use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use jiff::Timestamp;
use kube::client::ClientBuilder;
use sealing::binding::Binding;
use sealing::key::PrivateKey;
use sealing::sealer::Sealer;
use tokio::time::Instant;

use super::super::*;
use crate::args::Args;
use crate::keys::Keys;
use machine::{Costs, Machine};
use report::{Measured, Meter};
use server::{Server, Shape};

/// How much is simulated.
#[derive(Debug, Clone, Copy)]
struct Size {
    objects: usize,
    items: usize,
    /// Among so many namespaces.
    tenants: u16,
    cores: usize,
    costs: Costs,
}

/// One process.
struct Replica {
    known: Known,
    told: watch::Sender<Standing>,
    keys: watch::Sender<Arc<Keys>>,
    stop: CancellationToken,
    ended: tokio::task::JoinHandle<()>,
}

impl Replica {
    fn start(server: &Server, machine: &Arc<Machine>, keys: Keys, standing: Standing) -> Self {
        let (told, leadership) = Leadership::new(standing);
        let known = Known::default();
        let (keys_told, keys) = watch::channel(Arc::new(keys));
        let settings = Settings::new(Args::try_parse_from(["controller"]).unwrap()).unwrap();
        let direct = || ClientBuilder::new(server::service(server), "kube-system");
        let access = client::Access {
            client: client::client(direct(), None, leadership.clone()),
            watching: client::client(direct().with_layer(&pages::PagesLayer::new()), None, leadership.clone()),
            watches_alone: watch::channel(false).1,
            namespace: "kube-system".to_owned(),
        };
        let (relist, relists) = Relist::new();
        let parts = Parts {
            metrics: Arc::new(Metrics::new(VERSION, true, known.index.clone()).unwrap()),
            events: Events::start(&access.client, &leadership),
            known: known.clone(),
            stop: CancellationToken::new(),
            settings,
            access,
            leadership,
            relist,
            relists,
        };
        let capacity = Capacity {
            files: 1024,
            watches_alone: parts.access.watches_alone.clone(),
        };
        let filled = served::fill(parts.watches(), vec![None], None, capacity);
        let cores = machine.number.min(MOST_CORES);
        let reconciler = Reconciler {
            opening: Some(Box::new(machine.opening())),
            ..parts.reconciler(&keys, Cores::new(cores), cores)
        };
        let stop = parts.stop.clone();
        let ended = tokio::spawn(async move {
            filled.await;
            let mut writers = JoinSet::new();
            let terms = (parts.leadership, parts.relist);
            work::work(&mut writers, Arc::new(reconciler), terms, parts.known, &parts.stop).await;
            while writers.join_next().await.is_some() {}
        });
        Self {
            known,
            told,
            keys: keys_told,
            stop,
            ended,
        }
    }

    /// Waits until nothing waits for a pass, and this holds. Gives the most that waited.
    async fn until(&self, holds: impl Fn() -> bool) -> usize {
        let start = Instant::now();
        let mut most = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let waiting = self.known.queue.waiting();
            most = most.max(waiting);
            if waiting == 0 && start.elapsed() > LIST && holds() {
                // What the last passes wrote is told.
                tokio::time::sleep(Duration::from_secs(1)).await;
                return most;
            }
            assert!(start.elapsed() < Duration::from_secs(86_400), "it does not end");
        }
    }
}

/// A key, and a value that it opens anywhere.
fn key() -> (Arc<PrivateKey>, String) {
    let key = Arc::new(PrivateKey::generate(2048).unwrap());
    let sealer = Sealer::of_key(key.public());
    let mut random = sealing::SystemRandom::default();
    let sealed = sealing::raw::seal_raw(b"a value", &Binding::ClusterWide, "", &sealer, &mut random);
    (key, sealed.unwrap())
}

fn ring(key: Option<&Arc<PrivateKey>>) -> Keys {
    let mut keys = Keys {
        version: 1,
        ..Keys::default()
    };
    if let Some(key) = key {
        keys.ring.insert(key.clone(), Timestamp::UNIX_EPOCH);
        keys.version = 2;
    }
    keys
}

fn server(size: Size, sealed: &str, most: usize) -> (Server, Arc<Machine>) {
    let machine = Machine::new(size.cores, size.costs);
    let shape = Shape {
        items: size.items,
        sealed: sealed.to_owned(),
    };
    let server = Server::new(shape, machine.clone(), most);
    let each = size.objects / usize::from(size.tenants);
    (0..size.tenants).for_each(|tenant| server.fill(tenant, each));
    (server, machine)
}

/// All that a simulation shows, one row after the other.
fn simulate(size: Size) -> Vec<Measured> {
    let (key, sealed) = key();
    let (api, machine) = server(size, &sealed, usize::MAX);
    let mut rows = vec![in_virtual_time(cold_start(size, &api, &machine, &key))];
    rows.extend(in_virtual_time(in_sync(&api, &machine, &key)));
    drop(api);
    let (api, machine) = server(size, &sealed, usize::MAX);
    rows.push(in_virtual_time(late_key(size, &api, &machine, &key)));
    drop(api);
    let (api, machine) = server(size, &sealed, FEW);
    rows.push(in_virtual_time(throttled(size, &api, &machine, &key)));
    rows
}

/// Until `scenario` ends, and with it all that it started.
fn in_virtual_time<T>(scenario: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(scenario)
}

/// Secrets are made, while another tenant goes on.
async fn cold_start(size: Size, api: &Server, machine: &Arc<Machine>, key: &Arc<PrivateKey>) -> Measured {
    let meter = Meter::start("cold start", api);
    let replica = Replica::start(api, machine, ring(Some(key)), Standing::Alone);
    let other = tokio::spawn(other_tenant(api.clone(), size.tenants));
    let most = replica.until(|| api.served() >= size.objects).await;
    other.await.unwrap();
    let all = size.objects + OTHERS;
    let most = most.max(replica.until(|| api.served() >= all).await);
    meter.stop(most)
}

/// All is in sync: a restart, two more replicas that follow, one of which leads then, and a new key.
async fn in_sync(api: &Server, machine: &Arc<Machine>, key: &Arc<PrivateKey>) -> Vec<Measured> {
    let until = Instant::now() + Duration::from_secs(1 << 20);
    let leads = |term| Standing::Leads { until, term };
    let meter = Meter::start("restart", api);
    let first = Replica::start(api, machine, ring(Some(key)), leads(1));
    let mut rows = vec![meter.stop(first.until(|| true).await)];
    let meter = Meter::start("two more replicas, which follow", api);
    let followers = [(); 2].map(|()| Replica::start(api, machine, ring(Some(key)), Standing::Follows));
    tokio::time::sleep(Duration::from_secs(60)).await;
    rows.push(meter.stop(0));
    let meter = Meter::start("one of them leads", api);
    let [second, _third] = &followers;
    first.told.send_replace(Standing::Follows);
    second.told.send_replace(leads(2));
    rows.push(meter.stop(second.until(|| true).await));
    let meter = Meter::start("a new key", api);
    let renewed = |keys: &Keys| Keys {
        version: keys.version + 1,
        ..keys.clone()
    };
    second.keys.send_modify(|keys| *keys = Arc::new(renewed(keys)));
    rows.push(meter.stop(second.until(|| true).await));
    rows
}

/// A key that comes late wakes all.
async fn late_key(size: Size, api: &Server, machine: &Arc<Machine>, key: &Arc<PrivateKey>) -> Measured {
    let replica = Replica::start(api, machine, ring(None), Standing::Alone);
    replica.until(|| api.served() >= size.objects).await;
    let meter = Meter::start("the key of all comes late", api);
    replica.keys.send_replace(Arc::new(ring(Some(key))));
    let most = replica.until(|| api.secrets() >= size.objects).await;
    meter.stop(most)
}

/// The API server refuses what is more than little.
async fn throttled(size: Size, api: &Server, machine: &Arc<Machine>, key: &Arc<PrivateKey>) -> Measured {
    let meter = Meter::start("cold start, an API server that serves 2 at a time", api);
    let replica = Replica::start(api, machine, ring(Some(key)), Standing::Alone);
    let most = replica.until(|| api.secrets() >= size.objects).await;
    meter.stop(most)
}

/// Requests at a time of a server that has little to give.
const FEW: usize = 2;
/// Longer than it takes until the first of a list is there.
const LIST: Duration = Duration::from_secs(1);
/// Objects that another tenant makes.
const OTHERS: usize = 50;

async fn other_tenant(server: Server, tenant: u16) {
    for _ in 0..OTHERS {
        tokio::time::sleep(Duration::from_millis(100)).await;
        server.make(tenant);
    }
}

const COSTS: Costs = Costs {
    operation: Duration::from_micros(2000),
    pass: Duration::from_micros(700),
    write: Duration::from_micros(1000),
    listed: Duration::from_micros(60),
};

/// Small enough for every run of the tests. What is kept is not measured here: other tests run in the same process.
#[test]
fn requests_are_few_and_no_tenant_waits_for_another() {
    let objects = 600;
    let rows = simulate(Size {
        objects,
        items: 1,
        tenants: 2,
        cores: 2,
        costs: COSTS,
    });
    let row = |what: &str| rows.iter().find(|row| row.what.starts_with(what)).unwrap();
    for what in ["cold start", "the key of all"] {
        let made = objects + if what == "cold start" { OTHERS } else { 0 };
        assert_eq!(row(what).count("write a Secret"), made, "{what}");
        assert_eq!(row(what).count("write a status"), made, "{what}");
        assert!(row(what).count("post an event") <= made, "{what}");
    }
    let cold = row("cold start");
    assert_eq!(cold.count("read a SealedSecret") + cold.count("read a Secret"), 0);
    for what in ["restart", "two more", "one of them", "a new key"] {
        let writes = ["write a Secret", "write a status", "post an event"].map(|kind| row(what).count(kind));
        assert_eq!(writes, [0; 3], "{what}");
    }
    assert!(cold.most_waiting > objects / 4, "{}", cold.most_waiting);
    let longest = cold.waits.last().unwrap().expect("a Secret came");
    assert!(longest < Duration::from_millis(200), "{longest:?}");
    let throttled = rows.last().unwrap();
    assert!(throttled.count("refused for now") > 0);
    assert!(throttled.requests() < 8 * objects, "{throttled:?}");
}

#[test]
fn openings_hold_up_no_end() {
    let (key, sealed) = key();
    let costs = Costs {
        operation: Duration::from_secs(60),
        ..COSTS
    };
    let size = Size {
        objects: 4,
        items: 1,
        tenants: 1,
        cores: 2,
        costs,
    };
    let (api, machine) = server(size, &sealed, usize::MAX);
    in_virtual_time(async {
        let replica = Replica::start(&api, &machine, ring(Some(&key)), Standing::Alone);
        tokio::time::sleep(Duration::from_secs(10)).await;
        replica.stop.cancel();
        let ended = tokio::time::timeout(Duration::from_secs(1), replica.ended).await;
        assert!(ended.is_ok_and(|ended| ended.is_ok()));
        assert_eq!(api.secrets(), 0);
    });
}

/// `cargo xtask simulate`; a few objects where nothing is asked for. `SIMULATE`: objects, items of each, namespaces, cores; then microseconds of an operation, a pass, a write, a listed object.
#[test]
fn simulated() {
    let asked = std::env::var("SIMULATE").unwrap_or_else(|_| "40,1,4,2,2000,700,2600,60".to_owned());
    let numbers: Vec<u64> = asked.split(',').map(|number| number.parse().unwrap()).collect();
    let [objects, items, tenants, cores, operation, pass, write, listed] = *numbers else {
        panic!("SIMULATE={asked}: eight numbers are needed");
    };
    let rows = simulate(Size {
        objects: usize::try_from(objects).unwrap(),
        items: usize::try_from(items).unwrap(),
        tenants: u16::try_from(tenants).unwrap(),
        cores: usize::try_from(cores).unwrap(),
        costs: Costs {
            operation: Duration::from_micros(operation),
            pass: Duration::from_micros(pass),
            write: Duration::from_micros(write),
            listed: Duration::from_micros(listed),
        },
    });
    assert!(rows.iter().all(|row| row.requests() > 0 || row.what == "a new key"));
    report::print(&rows, usize::try_from(objects).unwrap());
}
