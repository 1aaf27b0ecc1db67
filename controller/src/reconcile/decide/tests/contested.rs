//! What becomes of a Secret that others write back.

use jiff::SignedDuration;

use super::*;

/// One pass after the other over a Secret that is other than it should be, or not, so many seconds apart.
fn passes(drifts: &[(bool, i64)]) -> (Vec<String>, ReconcileState) {
    let digest = Some("the object.the settings".to_owned());
    let mut memory = ReconcileState {
        input_digest: digest,
        ..ReconcileState::default()
    };
    let (mut now, mut told): (Timestamp, _) = (NOW.parse().unwrap(), Vec::new());
    let sealed = sealed(1, synced(1));
    for (drift, seconds) in drifts {
        now += SignedDuration::from_secs(*seconds);
        let managers = json!([
            {"manager": "controller", "time": NOW, "operation": "Update"},
            {"manager": "replicator", "time": EARLIER, "operation": "Update"},
        ]);
        let data = if *drift { json!({"a": "b2xk"}) } else { json!({}) };
        let observed = Observed {
            sealed: &sealed,
            opened: &asked(|_| {}),
            digest: "the object.the settings",
            live: Ok(Some(live(
                json!({"data": data, "metadata": {"managedFields": managers}}),
            ))),
            unlabelled_key: None,
            kept_empty_for: None,
        };
        let plan = decide(&observed, &memory, &SETTINGS, now);
        let step = if plan.secret == SecretStep::Leave {
            "leave"
        } else {
            "replace"
        };
        let pause = plan.next.map(|pause| pause.as_secs());
        told.push(format!("{step} {} {pause:?}", plan.synced));
        memory = plan.memory;
    }
    (told, memory)
}

#[test]
fn what_others_write_back_at_once_is_put_right_at_growing_pauses() {
    let mut drifts = vec![(true, 1); 6];
    drifts.extend([(false, 0), (true, 1), (true, 1), (true, 3), (true, 1)]);
    let (told, memory) = passes(&drifts);
    assert_eq!(
        told[..5],
        ["replace true None"; 5],
        "somebody's slips are mended at once"
    );
    assert_eq!(
        told[5..],
        [
            "replace false Some(2)",
            "leave false Some(2)",
            "leave false Some(1)",
            "replace false Some(4)",
            "leave false Some(1)",
            "replace false Some(8)"
        ],
        "whatever wakes it meanwhile"
    );
    let said = memory.reported.unwrap().failure.unwrap();
    let failure = Failure::Contested(Some("replicator".to_owned()));
    assert_eq!(said, Said::new("SecretContested", &failure.to_string()));
}

#[test]
fn a_contest_ends_when_the_secret_stays_as_it_is() {
    let mut drifts = vec![(true, 1); 6];
    drifts.extend([(true, 299), (false, 299), (true, 1)]);
    let (told, memory) = passes(&drifts);
    assert_eq!(
        told[6..],
        ["replace false Some(4)", "leave true None", "replace true None"],
        "a long pause is no end"
    );
    assert!(!memory.repairs.are_contested());
    let (told, _) = passes(&[(true, 61); 20]);
    assert_eq!(told, ["replace true None"; 20], "a change now and then is no contest");
}
