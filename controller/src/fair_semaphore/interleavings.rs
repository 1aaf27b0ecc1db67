//! Every order in which a few tasks ask, give up and give back. Each of these is one step under one lock, so an order of
//! steps is all that threads can differ in; what a task does outside of the lock, on its own channel, commutes with the rest.

use std::pin::Pin;
use std::task::{Context, Waker};

use super::*;

type Asking = Pin<Box<dyn Future<Output = Permit<char>>>>;

/// What a task does.
enum Task {
    Asks(Asking),
    Works(Permit<char>),
    Ended,
}

/// Steps that each task makes at most: to ask, then to give up or to give back.
const TENANTS: [char; 4] = ['a', 'a', 'b', 'a'];

struct Run {
    semaphore: Arc<FairSemaphore<char>>,
    tasks: Vec<Option<Task>>,
}

impl Run {
    fn new(permits: usize) -> Self {
        Self {
            semaphore: FairSemaphore::new(permits),
            tasks: TENANTS.iter().map(|_| None).collect(),
        }
    }

    /// The next step of a task; `gives_up` matters while it waits. Gives whether there was one.
    fn step(&mut self, task: usize, gives_up: bool) -> bool {
        let semaphore = self.semaphore.clone();
        let tenant = TENANTS[task];
        let next = match self.tasks[task].take() {
            None => Task::Asks(Box::pin(async move { semaphore.acquire(&tenant, Lane::Light).await })),
            Some(Task::Asks(asking)) if gives_up => {
                drop(asking);
                Task::Ended
            }
            Some(Task::Works(permit)) => {
                drop(permit);
                Task::Ended
            }
            Some(state) => {
                self.tasks[task] = Some(state);
                return false;
            }
        };
        self.tasks[task] = Some(next);
        self.poll();
        true
    }

    /// Lets every task that has got a permit take it.
    fn poll(&mut self) {
        for task in self.tasks.iter_mut().flatten() {
            if let Task::Asks(asking) = task
                && let std::task::Poll::Ready(permit) = asking.as_mut().poll(&mut Context::from_waker(Waker::noop()))
            {
                *task = Task::Works(permit);
            }
        }
    }

    fn count(&self, wanted: fn(&Task) -> bool) -> usize {
        self.tasks.iter().flatten().filter(|task| wanted(task)).count()
    }

    fn check(&self, permits: usize, order: &[(usize, bool)]) {
        let working = self.count(|task| matches!(task, Task::Works(_)));
        let asking = self.count(|task| matches!(task, Task::Asks(_)));
        let free = self.semaphore.state().free;
        assert_eq!(working + free, permits, "permits are lost or made: {order:?}");
        assert!(asking == 0 || free == 0, "a task waits beside a free permit: {order:?}");
    }
}

/// All orders that begin with this one.
fn explore(permits: usize, order: &mut Vec<(usize, bool)>, explored: &mut usize) {
    let mut run = Run::new(permits);
    for (task, gives_up) in order.iter() {
        if !run.step(*task, *gives_up) {
            return;
        }
        run.check(permits, order);
    }
    *explored += 1;
    for task in 0..TENANTS.len() {
        for gives_up in [false, true] {
            let waits = matches!(run.tasks[task], Some(Task::Asks(_)));
            if gives_up == waits {
                order.push((task, gives_up));
                explore(permits, order, explored);
                order.pop();
            }
        }
    }
}

#[test]
fn no_order_loses_a_permit() {
    for permits in 1..=3 {
        let mut explored = 0;
        explore(permits, &mut Vec::new(), &mut explored);
        assert!(explored > 1000, "{explored}");
    }
}
