//! How long things take, for `cargo xtask bench templates`: the other half is `oracle/main.go`, with the same words.
//!
//! `timing time ROUNDS` reads {"template": text, "data": {name: base64}} and writes how many nanoseconds a rendering
//! takes, and one with the parsing before it. `timing bombs` writes how long each call of `tests/bombs.txt` takes in a
//! loop without end, until a limit stops it. `timing work` writes how long the costly functions take.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a program, which reads, measures and prints"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gotmpl::{Context, Functions, Limits, Random, Template};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use rustix::time::{ClockId, clock_gettime};

#[derive(serde::Deserialize)]
struct Asked {
    template: String,
    data: BTreeMap<String, String>,
}

struct Seeded(ChaCha20Rng);

impl Random for Seeded {
    fn fill(&mut self, buffer: &mut [u8]) -> bool {
        self.0.fill_bytes(buffer);
        true
    }
}

type Failure = Box<dyn std::error::Error>;

fn now(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}

fn render(template: &Template, data: &BTreeMap<String, Vec<u8>>, seed: u8) -> Result<Vec<u8>, gotmpl::Error> {
    let now = jiff::Zoned::default();
    let mut random = Seeded(ChaCha20Rng::from_seed([seed; 32]));
    let mut context = Context::new(&now, &mut random, Limits::default());
    let data = data.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    template.render_strings(data, &mut context)
}

/// Nanoseconds of one of many rounds, after some for warming up.
fn each(rounds: u32, mut once: impl FnMut() -> Result<(), gotmpl::Error>) -> Result<u128, gotmpl::Error> {
    for _ in 0..rounds / 10 {
        once()?;
    }
    let start = now(ClockId::Monotonic);
    for _ in 0..rounds {
        once()?;
    }
    Ok((now(ClockId::Monotonic) - start).as_nanos() / u128::from(rounds))
}

fn time(functions: &Functions, rounds: u32) -> Result<(), Failure> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let asked: Asked = serde_json::from_str(&line)?;
    let mut data = BTreeMap::new();
    for (name, value) in asked.data {
        data.insert(name, STANDARD.decode(value)?);
    }
    let parse = || Template::parse("t", &asked.template, functions);
    let parsed = parse()?;
    let rendering = each(rounds, || render(&parsed, &data, 0).map(drop))?;
    let whole = each(rounds, || render(&parse()?, &data, 0).map(drop))?;
    println!("{{\"render\":{rendering},\"parse_and_render\":{whole}}}");
    Ok(())
}

/// What a rendering takes of the processor, in microseconds, and how it ended.
fn measured(functions: &Functions, text: &str, seed: u8) -> Result<(u128, String), Failure> {
    let template = Template::parse("t", text, functions)?;
    let start = now(ClockId::ThreadCPUTime);
    let ended = render(&template, &BTreeMap::new(), seed);
    let took = (now(ClockId::ThreadCPUTime) - start).as_micros();
    Ok((
        took,
        ended.map_or_else(|error| error.to_string(), |_| "ended".to_owned()),
    ))
}

fn bombs(functions: &Functions) -> Result<(), Failure> {
    let lines = include_str!("../tests/bombs-values.tsv").lines();
    let lines: Vec<Vec<&str>> = lines.map(|line| line.split('\t').collect()).collect();
    for (place, size) in ["large", "middling", "small"].into_iter().enumerate() {
        let calls = include_str!("../tests/bombs.txt").lines();
        for call in calls.filter(|line| !line.starts_with('#')) {
            let used = lines
                .iter()
                .filter(|line| line.first().is_some_and(|name| call.contains(name)));
            let values: String = used.filter_map(|line| line.get(place + 1)).copied().collect();
            let text = format!("{values}{{{{ range 1000000 }}}}{{{{ $x := {call} }}}}{{{{ end }}}}");
            let mut best = measured(functions, &text, 0)?;
            for _ in 0..2 {
                if best.0 > 25_000 && best.0 < 500_000 {
                    best = best.min(measured(functions, &text, 0)?);
                }
            }
            println!("{} {size} {call} # {}", best.0, best.1);
        }
    }
    Ok(())
}

fn work(functions: &Functions) -> Result<(), Failure> {
    // The price, and the call.
    for line in include_str!("../tests/work.txt").lines() {
        let (price, call) = line.split_once(' ').ok_or("a price and a call")?;
        let rounds = 5;
        let mut sum = 0;
        for seed in 0..rounds {
            sum += measured(functions, &format!("{{{{ $x := {call} }}}}"), seed)?.0;
        }
        println!("{} {price} {call}", sum / u128::from(rounds));
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let functions = Functions::with_sprig();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["time", rounds] => time(&functions, rounds.parse()?),
        ["bombs"] => bombs(&functions),
        ["work"] => work(&functions),
        _ => Err("time ROUNDS, bombs or work".into()),
    }
}
