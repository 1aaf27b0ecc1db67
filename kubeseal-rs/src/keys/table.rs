//! The keys as a table for people and as JSON for scripts.

use crds::names;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Inventory, Key, KeyFacts, State};
use crate::colour::{Colour, Tone};

const HEAD: [&str; 6] = ["NAME", "STATE", "FINGERPRINT", "AGE", "EXPIRES", "OBJECTS"];

/// For people.
pub(crate) fn text(inventory: &Inventory, now: Timestamp, colour: Colour) -> String {
    let mut rows: Vec<Vec<String>> = inventory.keys.iter().map(|key| row(key, now).into()).collect();
    let mut head: Vec<String> = HEAD.map(str::to_owned).into();
    // Where no key is hybrid, there is nothing to tell apart.
    if inventory.keys.iter().any(is_hybrid) {
        head.push("OPENS".to_owned());
        for (key, row) in inventory.keys.iter().zip(&mut rows) {
            row.push(opens(key).join(", "));
        }
    }
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line: Vec<_> = cells.collect();
        line.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = colour.paint(Tone::Strong, line(&head).trim_end()) + "\n";
    for (key, row) in inventory.keys.iter().zip(&rows) {
        let tone = match key.state {
            State::Current => Some(Tone::Good),
            State::Broken(_) | State::OpensV1Only => Some(Tone::Bad),
            State::Retired(_) => Some(Tone::Quiet),
            State::Active | State::OpensOnly => None,
        };
        let plain = line(row);
        text += &tone.map_or(plain.clone(), |tone| colour.paint(tone, plain.trim_end()) + "\n");
    }
    for remark in remarks(inventory) {
        text += &format!("{} {remark}\n", colour.paint(Tone::Doubtful, "note:"));
    }
    text
}

fn row(key: &Key, now: Timestamp) -> [String; 6] {
    let state = match &key.state {
        State::Current => "current".to_owned(),
        State::Active => "active".to_owned(),
        State::OpensOnly => "opens only".to_owned(),
        State::OpensV1Only => "opens v1 only".to_owned(),
        State::Retired(label) => format!("retired ({label})"),
        State::Broken(_) => "broken".to_owned(),
    };
    let days = |since: Timestamp| format!("{}d", (now.as_second() - since.as_second()) / 86_400);
    let cert = key.cert.as_ref();
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        key.name.clone(),
        state,
        or_dash(cert.map(|cert| cert.fingerprint.to_string())),
        or_dash(cert.map(|cert| days(cert.since))),
        or_dash(cert.map(|cert| cert.until.strftime("%Y-%m-%d").to_string())),
        key.objects
            .map_or_else(|| "unknown".to_owned(), |count| count.to_string()),
    ]
}

fn is_hybrid(key: &Key) -> bool {
    !matches!(key.hybrid, Ok(None))
}

/// The versions of the format that a key opens.
fn opens(key: &Key) -> &'static [&'static str] {
    match (&key.state, &key.hybrid) {
        (State::Broken(_), _) => &[],
        (_, Ok(Some(_))) => &["v1", "v2"],
        _ => &["v1"],
    }
}

/// What the table itself does not say.
fn remarks(inventory: &Inventory) -> Vec<String> {
    let mut remarks = Vec::new();
    for key in &inventory.keys {
        if let State::Broken(why) = &key.state {
            remarks.push(format!("{} holds no usable key: {why}", key.name));
        }
        if let Err(why) = &key.hybrid {
            remarks.push(format!(
                "{} opens format v1 only, and no certificate of it is handed out: {why} (kubeseal keys restore brings {} back \
                 from a backup)",
                key.name,
                names::KEY_ITEM_SEED
            ));
        }
        if let (State::Current, Some(cert)) = (&key.state, key.cert.as_ref().filter(|cert| cert.hybrid.is_some())) {
            remarks.push(format!(
                "both keys of {} are pinned in a project file by fingerprint: {}",
                key.name,
                cert.pin()
            ));
        }
        if key.state == State::OpensOnly {
            remarks.push(format!(
                "{} holds a key that is too short to seal, and breakable: kubeseal reseal moves what it sealed to the current one",
                key.name
            ));
        }
    }
    for (key, count) in &inventory.missing {
        remarks.push(format!(
            "{count} objects need the key {key}, which no Secret holds: restore it, or seal them again"
        ));
    }
    match inventory.unknown_objects {
        None => remarks.push("the SealedSecrets could not be listed, so it is unknown which keys they need".to_owned()),
        Some(0) => {}
        Some(count) => remarks.push(format!(
            "of {count} more objects it is unknown which keys they need: they have no status of this controller and no key hint"
        )),
    }
    remarks.extend(inventory.remarks.iter().cloned());
    remarks
}

/// For scripts. `objects` is null where it is unknown.
pub(crate) fn json(inventory: &Inventory) -> Value {
    let keys: Vec<_> = inventory
        .keys
        .iter()
        .map(|key| {
            let (state, label) = match &key.state {
                State::Current => ("current", None),
                State::Active => ("active", None),
                State::OpensOnly => ("opens-only", None),
                State::OpensV1Only => ("opens-v1-only", None),
                State::Retired(label) => ("retired", Some(label)),
                State::Broken(_) => ("broken", None),
            };
            let cert = key.cert.as_ref();
            json!({
                "name": key.name,
                "state": state,
                "label": label,
                "fingerprint": cert.map(|cert| cert.fingerprint.as_str()),
                "opens": opens(key),
                "keyId": cert.and_then(|cert| cert.hybrid.as_ref()).map(|(id, _)| id.to_string()),
                "pin": cert.map(KeyFacts::pin),
                "bits": cert.map(|cert| cert.bits),
                "since": cert.map(|cert| cert.since),
                "expires": cert.map(|cert| cert.until),
                "objects": key.objects,
            })
        })
        .collect();
    let missing: Vec<_> = inventory
        .missing
        .iter()
        .map(|(key, count)| json!({"fingerprint": key.as_str(), "objects": count}))
        .collect();
    json!({
        "keys": keys,
        "missingKeys": missing,
        "unknownObjects": inventory.unknown_objects,
        "notes": remarks(inventory),
    })
}
