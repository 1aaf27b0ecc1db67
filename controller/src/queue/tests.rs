use super::rooms::OF_A_NAMESPACE;
use super::*;

fn name(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap();
    ObjectName {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

async fn next(queue: &Queue) -> String {
    queue.next().await.to_string()
}

async fn idle(queue: &Queue) -> bool {
    tokio::time::timeout(Duration::from_millis(1), queue.next())
        .await
        .is_err()
}

#[tokio::test(start_paused = true)]
async fn namespaces_take_turns() {
    let queue = Queue::default();
    for text in ["a/1", "a/2", "a/3", "b/1", "a/4"] {
        queue.add(name(text));
    }
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(next(&queue).await);
    }
    assert_eq!(order, ["a/1", "b/1", "a/2", "a/3", "a/4"]);
}

#[tokio::test(start_paused = true)]
async fn namespaces_whose_passes_take_long_let_others_pass() {
    let queue = Queue::default();
    for n in 0..300 {
        queue.add(name(&format!("long{n}/1")));
        queue.add(name(&format!("long{n}/2")));
    }
    for _ in 0..300 {
        let taken = queue.next().await;
        tokio::time::advance(Duration::from_millis(20)).await;
        queue.done(taken, None);
    }
    queue.add(name("b/1"));
    assert_eq!(next(&queue).await, "b/1");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_takes_no_more_than_its_workers() {
    let queue = Queue::default();
    for n in 0..=OF_A_NAMESPACE {
        queue.add(name(&format!("a/{n}")));
    }
    let mut held = Vec::new();
    for _ in 0..OF_A_NAMESPACE {
        held.push(queue.next().await);
    }
    assert!(idle(&queue).await, "it has all of them");
    queue.add(name("b/1"));
    assert_eq!(next(&queue).await, "b/1");
    queue.add(name("a/more"));
    queue.done(held.remove(0), None);
    assert_eq!(next(&queue).await, format!("a/{OF_A_NAMESPACE}"));
    assert!(idle(&queue).await);
    queue.add(held[0].clone());
    let first = held.remove(0);
    queue.done(first.clone(), None);
    assert_eq!(next(&queue).await, "a/more");
    queue.done(held.remove(0), None);
    assert_eq!(next(&queue).await, first.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_name_waits_once_and_is_never_worked_on_twice() {
    let queue = Queue::default();
    queue.add(name("a/1"));
    queue.add(name("a/1"));
    assert_eq!(queue.waiting(), 1);
    assert_eq!(next(&queue).await, "a/1");
    assert_eq!(queue.waiting(), 0);
    assert!(idle(&queue).await);
    queue.add(name("a/1"));
    assert!(idle(&queue).await, "it is in work");
    queue.done(name("a/1"), Some(Duration::from_secs(60)));
    assert_eq!(
        next(&queue).await,
        "a/1",
        "what came meanwhile does not wait for the pause"
    );
    queue.done(name("a/1"), None);
    assert!(idle(&queue).await);
}

#[tokio::test(start_paused = true)]
async fn pauses_are_kept_and_cut_short() {
    let queue = Queue::default();
    let start = Instant::now();
    queue.add_after(name("a/1"), Duration::from_secs(10));
    queue.add_after(name("a/1"), Duration::from_secs(20));
    queue.add_after(name("a/2"), Duration::from_secs(5));
    assert_eq!(next(&queue).await, "a/2");
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(next(&queue).await, "a/1");
    assert_eq!(start.elapsed().as_secs(), 10);
    queue.done(name("a/1"), Some(Duration::from_secs(100)));
    queue.add(name("a/1"));
    assert_eq!(next(&queue).await, "a/1", "a change does not wait for the pause");
    queue.done(name("a/1"), None);
    assert!(
        tokio::time::timeout(Duration::from_secs(1000), queue.next())
            .await
            .is_err(),
        "the pause went with it"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_what_is_forgotten() {
    let queue = Queue::default();
    for text in ["a/1", "a/2", "b/1"] {
        queue.add(name(text));
    }
    queue.add_after(name("c/1"), Duration::from_secs(5));
    for text in ["a/1", "b/1", "c/1", "d/1"] {
        queue.forget(&name(text));
    }
    assert_eq!(next(&queue).await, "a/2");
    queue.done(name("a/2"), None);
    assert!(idle(&queue).await);
    let state = queue.state();
    assert!(state.ready.is_empty() && state.namespaces.is_empty() && state.full.is_empty() && state.waiting == 0);
    assert!(state.rooms.is_empty());
    assert!(state.later.is_empty() && state.times.is_empty() && state.in_work.is_empty());
}

#[tokio::test(start_paused = true)]
async fn several_workers_share_the_work() {
    let queue = std::sync::Arc::new(Queue::default());
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move { queue.next().await })
        })
        .collect();
    tokio::task::yield_now().await;
    for n in 0..4 {
        queue.add(name(&format!("a/{n}")));
    }
    let mut seen = HashSet::new();
    for worker in workers {
        seen.insert(worker.await.unwrap());
    }
    assert_eq!(seen.len(), 4);
}
#[tokio::test(start_paused = true)]
async fn namespaces_whose_passes_are_slow_leave_places_to_others() {
    let queue = Queue::new(Lane::Light.places());
    let take_all = async || {
        let mut held = Vec::new();
        while let Ok(taken) = tokio::time::timeout(Duration::from_millis(1), queue.next()).await {
            held.push(taken);
        }
        held
    };
    for number in 0..200 * OF_A_NAMESPACE {
        queue.add(name(&format!("slow{}/{number}", number % 200)));
    }
    let held = take_all().await;
    assert_eq!(held.len(), 200, "one each, once a quarter of the places are taken");
    queue.add(name("b/1"));
    assert_eq!(next(&queue).await, "b/1");
    queue.done(name("b/1"), None);

    // Slow ones stay at one each; of one that is quick, more and more are in work.
    tokio::time::advance(Duration::from_secs(10)).await;
    for taken in held {
        queue.done(taken, None);
    }
    let mut held = take_all().await;
    assert_eq!(held.len(), 200);
    for number in 0..2 * OF_A_NAMESPACE {
        queue.add(name(&format!("b/{number}")));
    }
    let mut most = 0;
    for _ in 0..OF_A_NAMESPACE {
        let quick = take_all().await;
        most = most.max(quick.len());
        for taken in quick {
            queue.done(taken, None);
        }
    }
    assert!(most > 4, "{most}");
    // Room for all again: each has what one may have.
    while held.len() > 1 {
        queue.done(held.pop().unwrap(), None);
    }
    assert!(take_all().await.len() > 60);
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_another_line_takes_no_room() {
    let queue = Queue::new(Lane::Costly.places());
    for text in ["a/1", "a/2", "a/3", "a/4"] {
        queue.add(name(text));
    }
    let held = [queue.next().await, queue.next().await];
    assert!(idle(&queue).await);
    queue.pass_on(&held[0]);
    assert_eq!(next(&queue).await, "a/3");
    queue.done(held[0].clone(), None);
    assert!(idle(&queue).await, "it was given back once");
}
