//! Random templates that want to cost much, for `cargo xtask fuzz costs`: `cost FIRST COUNT` renders those of these numbers
//! and says what the dearest took; `cost show NUMBER` prints one.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program, which reads, measures and prints"
)]

#[path = "../tests/cost/generator.rs"]
mod generator;
#[path = "../tests/cost/measure.rs"]
mod measure;

use std::collections::BTreeMap;
use std::time::Duration;

use generator::hostile;
use gotmpl::Functions;
use measure::{Cost, LIMITS, cost_with_luck};

/// Of the processor, beside what costly functions pay for.
const WITHIN: Duration = Duration::from_millis(50);

/// At the same time.
const MEMORY: usize = 32 << 20;

fn show(functions: &Functions, names: &[&'static str], number: u64) {
    let hostile = hostile(functions, names, number);
    let Cost { time, memory, ended } = cost_with_luck(functions, &hostile.template, LIMITS, WITHIN);
    println!("{number} {}: {time:?}, {} KiB, {ended}", hostile.function, memory >> 10);
    let shown = hostile.template.floor_char_boundary(20_000);
    println!("  {}", hostile.template.get(..shown).unwrap_or_default());
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let functions = Functions::with_sprig();
    let names = functions.names();
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (first, count): (u64, u64) = match words.as_slice() {
        [word, number] if word == "show" => {
            show(&functions, &names, number.parse()?);
            return Ok(());
        }
        [first, count] => (first.parse()?, count.parse()?),
        _ => return Err("FIRST COUNT, or show NUMBER".into()),
    };
    let (mut longest, mut largest) = ((Duration::ZERO, 0), (0, 0));
    let (mut reached, mut over) = (BTreeMap::new(), 0u64);
    for number in first..first.saturating_add(count) {
        let hostile = hostile(&functions, &names, number);
        let cost = cost_with_luck(&functions, &hostile.template, LIMITS, WITHIN);
        longest = longest.max((cost.time, number));
        largest = largest.max((cost.memory, number));
        *reached.entry(kind(&cost.ended)).or_insert(0u64) += 1;
        if cost.time > WITHIN || cost.memory > MEMORY {
            over += 1;
            show(&functions, &names, number);
        }
    }
    println!("{count} templates from {first}: {over} over 50 ms or 32 MiB");
    println!(
        "longest {:?} (template {}), largest {} KiB (template {})",
        longest.0,
        longest.1,
        largest.0 >> 10,
        largest.1
    );
    println!("{reached:?}");
    if over > 0 {
        return Err(format!("{over} templates go over a limit").into());
    }
    Ok(())
}

/// How it ended, without the place.
fn kind(ended: &str) -> &'static str {
    const KINDS: &[(&str, &str)] = &[
        ("ended", "ended"),
        ("too many steps", "steps"),
        ("too much memory", "memory"),
        ("too large", "output"),
        ("too deep", "depth"),
        ("too many keys", "work"),
        ("argument of", "wrong arguments"),
        ("calling", "failed calls"),
    ];
    let found = KINDS.iter().find(|(part, _)| ended.contains(part));
    found.map_or("other failures", |(_, kind)| kind)
}
