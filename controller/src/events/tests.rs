//! Who gets how many events, and who waits for whom.

use std::sync::mpsc;

use axum::body::Body;
use axum::http::{Request, Response};

use super::*;
use crate::lease::leadership::Standing;

fn notice(message: &str) -> Notice {
    Notice {
        kind: EventType::Normal,
        reason: "Unsealed",
        message: message.to_owned(),
    }
}

#[test]
fn what_is_printed_longer_than_it_is_is_cut_all_the_same() {
    let message = shown(&"\u{80}".repeat(2000));
    assert!(message.starts_with(r"\u{80}\u{80}"), "{message}");
    assert!(message.len() <= LONGEST_LOGGED, "{}", message.len());
}

#[test]
fn an_event_that_repeats_is_counted_up_for_a_while() {
    let mut posted = Posted::default();
    let start = Instant::now();
    assert_eq!(posted.known("u", &notice("m"), start), None);
    posted.remember("u".to_owned(), notice("m"), "e1".to_owned(), 1, start);
    assert_eq!(posted.known("u", &notice("m"), start), Some(("e1".to_owned(), 1)));
    assert_eq!(posted.known("u", &notice("other"), start), None);
    assert_eq!(posted.known("v", &notice("m"), start), None);
    assert_eq!(posted.known("u", &notice("m"), start + COUNTED_FOR), None);
}

#[test]
fn one_object_cannot_flood() {
    let mut allowances = Allowances::default();
    let start = Instant::now();
    let refill = OF_AN_OBJECT.interval;
    assert_eq!((0..100).filter(|_| allowances.admit("n", "u", start)).count(), 25);
    assert!(!allowances.admit("n", "u", start + refill / 2));
    assert!(allowances.admit("n", "u", start + refill));
    assert!(allowances.admit("n", "v", start), "others are not affected");
}

#[test]
fn a_namespace_cannot_flood_with_objects_that_are_made_anew() {
    let mut allowances = Allowances::default();
    let start = Instant::now();
    let mut admitted = |namespace: &str, now| {
        let uids = (0..5000).map(|uid| format!("{namespace}-{uid}-{now:?}"));
        uids.filter(|uid| allowances.admit(namespace, uid, now)).count()
    };
    assert_eq!(admitted("a", start), 1000);
    assert_eq!(admitted("b", start), 1000, "others are not affected");
    assert_eq!(admitted("a", start + Duration::from_secs(10)), 10);
    assert!(allowances.objects.len() <= 2010, "what is refused takes no place");
}

#[test]
fn object_beyond_those_told_apart_goes_by_its_namespace_alone() {
    let mut allowances = Allowances::default();
    let start = Instant::now();
    for object in 0..OBJECTS {
        let namespace = format!("crowd-{}", object % 128);
        assert!(allowances.admit(&namespace, &object.to_string(), start));
    }
    let admitted = (0..2000).filter(|_| allowances.admit("quiet", "u", start));
    assert_eq!(admitted.count(), 1000);
}

#[test]
fn one_object_takes_nothing_from_its_neighbours() {
    let mut allowances = Allowances::default();
    let start = Instant::now();
    assert_eq!((0..5000).filter(|_| allowances.admit("a", "u", start)).count(), 25);
    let others = (0..5000).filter(|uid| allowances.admit("a", &uid.to_string(), start));
    assert_eq!(others.count(), 975);
}

#[test]
fn the_memory_is_bounded() {
    let (mut posted, mut allowances) = (Posted::default(), Allowances::default());
    let start = Instant::now();
    for n in 0..OBJECTS + 1000 {
        let uid = n.to_string();
        allowances.admit(&uid, &uid, start);
        posted.remember(uid, notice("m"), "e".to_owned(), 1, start);
    }
    assert!(posted.events.len() <= REMEMBERED);
    assert!(allowances.namespaces.len() <= NAMESPACES + 1 && allowances.objects.len() <= OBJECTS + 1);
}

#[test]
fn a_long_name_of_the_object_leaves_room_for_the_rest() {
    let now: Timestamp = "2024-06-01T00:00:00.123456789Z".parse().unwrap();
    assert_eq!(name("one", now), "one.17d4b84d4fa8cd15");
    let long = name(&"x".repeat(253), now);
    assert!(long.len() == 253 && long.ends_with("xx.17d4b84d4fa8cd15"), "{long}");
    let dashed = name(&format!("{}{}", "x".repeat(200), "-.".repeat(20)), now);
    assert_eq!(
        dashed,
        format!("{}.17d4b84d4fa8cd15", "x".repeat(200)),
        "no label ends with a dash"
    );
}

/// An API server that takes 5 ms for an event, and half a minute where a webhook is slow. Tells whose event it has taken.
fn events() -> (Events, mpsc::Receiver<String>) {
    let (posted, told) = mpsc::channel();
    let server = tower::service_fn(move |request: Request<kube::client::Body>| {
        let posted = posted.clone();
        async move {
            let namespace = request.uri().path().split('/').nth(4).unwrap_or_default().to_owned();
            let is_slow = namespace.starts_with("slow");
            tokio::time::sleep(Duration::from_millis(if is_slow { 25_000 } else { 5 })).await;
            let body = request.into_body().collect_bytes().await?;
            posted.send(namespace)?;
            Ok::<_, tower::BoxError>(Response::builder().status(201).body(Body::from(body))?)
        }
    });
    let (_, leadership) = Leadership::new(Standing::Alone);
    (Events::start(&Client::new(server, "default"), &leadership), told)
}

fn post_for(events: &Events, namespace: &str, object: usize) {
    let name = format!("object-{object}");
    let subject = Subject::key_secret(namespace, &name, &format!("{namespace}-{name}"));
    events.post(subject, notice("m"));
}

#[tokio::test(start_paused = true)]
async fn flood_of_many_namespaces_drops_no_event_of_another() {
    let (events, told) = events();
    for object in 0..40 {
        (0..250).for_each(|tenant| post_for(&events, &format!("flood-{tenant}"), object));
    }
    (0..5).for_each(|object| post_for(&events, "quiet", object));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told.try_iter().filter(|namespace| namespace == "quiet").count(), 5);
}

#[tokio::test(start_paused = true)]
async fn slow_namespace_holds_up_no_event_of_another() {
    let (events, told) = events();
    for object in 0..100 {
        (0..4).for_each(|tenant| post_for(&events, &format!("slow-{tenant}"), object));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    (0..50).for_each(|object| post_for(&events, "quiet", object));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told.try_iter().filter(|namespace| namespace == "quiet").count(), 50);
}

#[tokio::test(start_paused = true)]
async fn events_of_one_namespace_alone_are_all_posted() {
    let (events, told) = events();
    (0..900).for_each(|object| post_for(&events, "one", object));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(told.try_iter().count(), 900);
}
