//! The election against an API server of its own.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse as _;
use kube::{Client, Config};
use tokio::net::TcpListener;

use super::*;

/// An election whose API server answers every request with `status` and the Lease, which a PUT replaces.
async fn election(status: StatusCode, lease: &Arc<Mutex<String>>) -> (Election, watch::Receiver<Standing>) {
    let lease = lease.clone();
    let answer = async move |method: Method, body: String| {
        let mut lease = lease.lock().unwrap();
        if method == Method::PUT {
            *lease = body;
        }
        (status, [("content-type", "application/json")], lease.clone()).into_response()
    };
    election_at(Router::new().fallback(answer)).await
}

async fn election_at(api_server: Router) -> (Election, watch::Receiver<Standing>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, api_server).await });
    let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
    let (told, standing) = watch::channel(Standing::Follows);
    let identity = Identity::new("a", None, 1);
    let api = Api::namespaced(client, "ns");
    (
        Election::new(api, "l".to_owned(), identity, LeaseTimes::DEFAULT, told),
        standing,
    )
}

fn held_by(holder: &str) -> Arc<Mutex<String>> {
    let lease = serde_json::json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l", "resourceVersion": "1"},
        "spec": {"holderIdentity": holder},
    });
    Arc::new(Mutex::new(lease.to_string()))
}

#[tokio::test]
async fn a_lease_is_given_up_even_when_a_renewal_was_cut_off() {
    let own = Identity::new("a", None, 1).text;
    for (holder, left) in [(own.as_str(), ""), ("another", "another")] {
        let lease = held_by(holder);
        let (election, _standing) = election(StatusCode::OK, &lease).await;
        election.told.send_replace(Standing::Leads {
            until: Instant::now() + LeaseTimes::DEFAULT.renew_deadline,
            term: 1,
        });
        election.give_up().await;
        let lease: Lease = serde_json::from_str(&lease.lock().unwrap()).unwrap();
        assert_eq!(lease.spec.unwrap().holder_identity.as_deref(), Some(left));
    }
}

#[tokio::test]
async fn a_renewal_that_took_effect_without_an_answer_counts() {
    for takes_effect in [true, false] {
        let lease = held_by("");
        let kept = lease.clone();
        let answer = async move |method: Method, body: String| {
            let mut lease = kept.lock().unwrap();
            let json = [("content-type", "application/json")];
            if method != Method::PUT {
                return (StatusCode::OK, json, lease.clone()).into_response();
            }
            if takes_effect {
                *lease = body;
            }
            (StatusCode::INTERNAL_SERVER_ERROR, json, String::new()).into_response()
        };
        let (mut election, standing) = election_at(Router::new().fallback(answer)).await;
        for round in 0..40 {
            election.round().await;
            let term = match *standing.borrow() {
                Standing::Leads { term, until } if until > Instant::now() => Some(term),
                _ => None,
            };
            let expected = (takes_effect && round > 0).then_some(1);
            assert_eq!(term, expected, "round {round}, {takes_effect}");
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(1)).await;
            tokio::time::resume();
        }
        let left = election.unanswered.len();
        assert!(left < 10, "{left} renewals are remembered");
    }
}

#[tokio::test]
async fn where_leases_are_denied_they_are_asked_for_again_soon_and_then_each_minute() {
    let denied = serde_json::json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden", "message": "no",
    });
    let (mut election, standing) = election(StatusCode::FORBIDDEN, &Arc::new(Mutex::new(denied.to_string()))).await;
    let (mut pauses, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..8 {
        let pause = election.round().await;
        pauses.push(pause.as_secs());
        alone.push(*standing.borrow() == Standing::Alone);
        tokio::time::pause();
        tokio::time::advance(pause).await;
        tokio::time::resume();
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    // For a moment, an API server that has just started denies everything to everybody.
    assert_eq!(alone, [false, false, false, true, true, true, true, true]);
}

#[tokio::test]
async fn a_term_after_anothers_is_not_the_first() {
    for (before, term) in [("", 1), ("another", 2)] {
        let lease = held_by(before);
        let (mut election, standing) = election(StatusCode::OK, &lease).await;
        election.round().await;
        if !before.is_empty() {
            assert_eq!(*standing.borrow(), Standing::Follows);
            let given_up = lease.lock().unwrap().replace("another", "");
            *lease.lock().unwrap() = given_up;
            election.round().await;
        }
        assert!(matches!(*standing.borrow(), Standing::Leads { term: found, .. } if found == term));
    }
}
