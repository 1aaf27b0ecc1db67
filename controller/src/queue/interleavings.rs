//! Every order of a few calls. Each call is one step under one lock; workers that wait are polled only when they were woken,
//! so that a lost wake-up shows.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::*;

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

enum Worker {
    Waits(Pin<Box<dyn Future<Output = ObjectName>>>, Arc<Woken>),
    Works(ObjectName),
}

#[derive(Debug, Clone, Copy)]
enum Call {
    Add(usize),
    Forget(usize),
    /// A worker that does nothing asks for a name; one that waits gives up; one that works has finished.
    Turn(usize),
}

const NAMES: [(&str, &str); 3] = [("a", "1"), ("a", "2"), ("b", "1")];
const WORKERS: usize = 2;
const CALLS: usize = 7;

fn name(number: usize) -> ObjectName {
    let (namespace, name) = NAMES[number];
    ObjectName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

struct Run {
    queue: Arc<Queue>,
    workers: [Option<Worker>; WORKERS],
}

impl Run {
    fn of(calls: &[Call]) -> Self {
        let queue = Queue::default();
        // One place for all but those that have none: each namespace waits for room as well as for its turn.
        queue.state().rooms = Rooms::new(1);
        let mut run = Self {
            queue: Arc::new(queue),
            workers: [const { None }; WORKERS],
        };
        for call in calls {
            run.call(*call);
            run.poll();
            run.check(calls);
        }
        run
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Add(number) => self.queue.add(name(number)),
            Call::Forget(number) => self.queue.forget(&name(number)),
            Call::Turn(worker) => {
                self.workers[worker] = match self.workers[worker].take() {
                    None => {
                        let queue = self.queue.clone();
                        let woken = Arc::new(Woken(AtomicBool::new(true)));
                        Some(Worker::Waits(Box::pin(async move { queue.next().await }), woken))
                    }
                    Some(Worker::Waits(..)) => None,
                    Some(Worker::Works(name)) => {
                        self.queue.done(name, None);
                        None
                    }
                };
            }
        }
    }

    /// Polls the workers that were woken, until none is.
    fn poll(&mut self) {
        let mut again = true;
        while std::mem::take(&mut again) {
            for slot in &mut self.workers {
                if let Some(Worker::Waits(next, woken)) = slot
                    && woken.0.swap(false, Ordering::Relaxed)
                {
                    again = true;
                    let waker = Waker::from(woken.clone());
                    if let Poll::Ready(name) = next.as_mut().poll(&mut Context::from_waker(&waker)) {
                        *slot = Some(Worker::Works(name));
                    }
                }
            }
        }
    }

    fn check(&self, calls: &[Call]) {
        let waits = self
            .workers
            .iter()
            .any(|worker| matches!(worker, Some(Worker::Waits(..))));
        let state = self.queue.state();
        assert!(
            !waits || state.namespaces.is_empty(),
            "a worker sleeps beside work: {calls:?}"
        );
        assert!(
            !state.full.iter().any(|namespace| state.rooms.has_room(namespace)),
            "who has room is not in line: {calls:?}"
        );
        let names = self.workers.iter().flatten().filter_map(|worker| match worker {
            Worker::Works(name) => Some(name),
            Worker::Waits(..) => None,
        });
        let names: Vec<_> = names.collect();
        assert!(
            names.windows(2).all(|pair| pair[0] != pair[1]),
            "two have it: {calls:?}"
        );
        assert_eq!(state.in_work.len(), names.len(), "{calls:?}");
    }
}

fn explore(calls: &mut Vec<Call>, explored: &mut usize) {
    drop(Run::of(calls));
    *explored += 1;
    if calls.len() == CALLS {
        return;
    }
    let names = 0..NAMES.len();
    let all = names.clone().map(Call::Add);
    let all = all.chain([Call::Forget(0)]).chain((0..WORKERS).map(Call::Turn));
    for call in all {
        calls.push(call);
        explore(calls, explored);
        calls.pop();
    }
}

#[test]
fn no_order_of_calls_loses_a_wake_up_or_gives_a_name_twice() {
    let mut explored = 0;
    explore(&mut Vec::new(), &mut explored);
    assert!(explored > 100_000, "{explored}");
}
