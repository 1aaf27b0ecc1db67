//! What is seen of the Lease and when → what is done.

use super::*;

const TIMES: LeaseTimes = LeaseTimes::DEFAULT;
const LASTS: Duration = TIMES.lease_duration;

fn candidate(pod: &str) -> Candidate {
    Candidate::new(Identity::new(pod, Some("u1"), 1), LASTS)
}

impl Candidate {
    /// A step with a Lease that lasts as long as in good times.
    fn looks(&mut self, found: Option<&LeaseSpec>, now: Instant, wall: Timestamp) -> Step {
        self.step(found, now, wall, LASTS)
    }
}

fn wall(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A Lease of `holder` that was renewed at `renewed`, seconds of its holder's clock.
fn held(holder: &str, renewed: i64) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(holder.to_owned()),
        lease_duration_seconds: Some(12),
        acquire_time: Some(MicroTime(wall(-1000))),
        renew_time: Some(MicroTime(wall(renewed))),
        lease_transitions: Some(4),
        ..LeaseSpec::default()
    }
}

fn written(step: Step) -> (LeaseSpec, bool) {
    match step {
        Step::Write { spec, taken } => (*spec, taken),
        Step::Respect(left) => panic!("respects for {left:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn one_look() {
    let own = candidate("a").identity.text;
    // (what is seen, whether it is written and with how many transitions, whether leadership begins)
    let cases = [
        ("none", None, Some((0, true))),
        ("given up", Some(held("", 0)), Some((5, true))),
        (
            "nobody",
            Some(LeaseSpec {
                holder_identity: None,
                ..held("", 0)
            }),
            Some((5, true)),
        ),
        ("our own", Some(held(&own, 0)), Some((4, false))),
        (
            "of an earlier process of this Pod",
            Some(held("a_u1_00", 0)),
            Some((5, true)),
        ),
        ("of a former Pod of this name", Some(held("a_u2_00", 0)), None),
        ("of something of this Pod's name", Some(held("a_00", 0)), None),
        ("of another Pod", Some(held("b_00", 0)), None),
        (
            "of another Pod, long ago by the clock on the wall",
            Some(held("b_00", -9999)),
            None,
        ),
        ("of another Pod whose name begins alike", Some(held("a_b_00", 0)), None),
        ("of something else", Some(held("a", 0)), None),
        ("empty", Some(LeaseSpec::default()), Some((1, true))),
    ];
    for (name, seen, expected) in cases {
        let mut candidate = candidate("a");
        let step = candidate.looks(seen.as_ref(), Instant::now(), wall(0));
        match expected {
            None => assert_eq!(step, Step::Respect(LASTS), "{name}"),
            Some((transitions, taken)) => {
                let (spec, begins) = written(step);
                assert_eq!((spec.lease_transitions, begins), (Some(transitions), taken), "{name}");
                assert_eq!(spec.holder_identity.as_deref(), Some(own.as_str()), "{name}");
                assert_eq!(spec.renew_time, Some(MicroTime(wall(0))), "{name}");
                assert_eq!(spec.lease_duration_seconds, Some(12), "{name}");
                let since = if taken { wall(0) } else { wall(-1000) };
                assert_eq!(spec.acquire_time, Some(MicroTime(since)), "{name}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_holder_expires_by_our_own_clock_from_its_last_sign_of_life() {
    let start = Instant::now();
    let mut candidate = candidate("a");
    let mut look = |at: u64, seen: &LeaseSpec| candidate.looks(Some(seen), start + Duration::from_secs(at), wall(0));
    let left = |seconds| Step::Respect(Duration::from_secs(seconds));
    assert_eq!(look(0, &held("b_00", 0)), left(12));
    assert_eq!(look(5, &held("b_00", 0)), left(7));
    assert_eq!(look(6, &held("b_00", 5)), left(12), "it was renewed");
    assert_eq!(look(17, &held("b_00", 5)), left(1));
    assert_eq!(look(17, &held("c_00", 5)), left(12), "another one was faster");
    let (spec, taken) = written(look(29, &held("c_00", 5)));
    assert!(taken);
    assert_eq!(spec.lease_transitions, Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_lease_lasts_as_long_as_its_holder_says() {
    let start = Instant::now();
    let of = |seconds| LeaseSpec {
        lease_duration_seconds: seconds,
        ..held("b_00", 0)
    };
    for (told, lasts) in [(Some(30), 30), (Some(1), 1), (None, 12), (Some(-1), 12)] {
        let step = candidate("a").looks(Some(&of(told)), start, wall(0));
        assert_eq!(step, Step::Respect(Duration::from_secs(lasts)), "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_pods_name_nobody_is_taken_for_an_earlier_process() {
    let here = Identity::new("laptop", None, 1);
    assert_eq!(here.text, "laptop_0000000000000001");
    let mut candidate = Candidate::new(here, LASTS);
    let step = candidate.looks(Some(&held("laptop_0000000000000002", 0)), Instant::now(), wall(0));
    assert_eq!(step, Step::Respect(LASTS));
    assert_eq!(candidate.other_holder(), Some("laptop_0000000000000002"));
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_taken_at_once() {
    let mut leader = candidate("a");
    let (spec, _) = written(leader.looks(None, Instant::now(), wall(0)));
    let mut follower = candidate("b");
    let respected = follower.looks(Some(&spec), Instant::now(), wall(0));
    assert_eq!(respected, Step::Respect(LASTS));
    let (taken, begins) = written(follower.looks(Some(&given_up(&spec, wall(1))), Instant::now(), wall(1)));
    assert!(begins);
    assert_eq!(taken.lease_transitions, Some(1));
    assert_eq!(follower.other_holder(), None);
}

/// A leader stops writing well before another one may begin, even when that one saw the last renewal at once.
#[test]
fn no_two_write_at_a_time() {
    assert_eq!(TIMES.fault(), None);
    let replaced = LASTS + TIMES.look_every() * 2;
    assert!(replaced <= Duration::from_secs(15), "{replaced:?}");
    for (lease_duration, renew_deadline, retry_period) in
        [(12, 12, 2), (12, 10, 2), (12, 8, 3), (7200, 8, 2), (12, 8, 0)]
    {
        let [lease_duration, renew_deadline, retry_period] =
            [lease_duration, renew_deadline, retry_period].map(Duration::from_secs);
        let times = LeaseTimes {
            lease_duration,
            renew_deadline,
            retry_period,
        };
        assert!(times.fault().is_some(), "{times:?}");
    }
}
