//! `cargo xtask fuzz templates`: random templates and values, rendered by gotmpl and by Go; what differs is made small
//! and printed as a case for `gotmpl/tests/cases/found.txt`.

mod grammar;
mod shrink;
mod subject;
mod words;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::oracle::{Answer, Oracle, Rendering};
use subject::Subject;

/// The arguments of `cargo xtask fuzz templates`.
#[derive(clap::Args)]
pub struct Args {
    /// How long to look.
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// Where to start: the same seed gives the same templates. Random without it.
    #[arg(long)]
    seed: Option<u64>,
    /// How many disagreements are enough.
    #[arg(long, default_value_t = 20)]
    enough: usize,
}

/// The comparisons so far.
#[derive(Default)]
struct Counts {
    all: u64,
    outputs: u64,
    failures: u64,
    /// Ours went over a limit, which Go does not have; or it depends on the present; or Go gave no answer.
    left_out: u64,
    different: usize,
}

/// gotmpl's output for a template; `None` where it fails.
pub fn output(rendering: &Rendering) -> Option<Vec<u8>> {
    match Subject::new().render(rendering)? {
        subject::SubjectAnswer::Output(output) => Some(output),
        subject::SubjectAnswer::Failure { .. } => None,
    }
}

/// Looks for disagreements; fails when there are any.
///
/// # Errors
/// There is no Go, or something differs.
pub fn run(args: &Args) -> Result<()> {
    let mut oracle = Oracle::start()?;
    let seed = args.seed.unwrap_or_else(|| rand::thread_rng().r#gen());
    println!("seed {seed}");
    let end = Instant::now() + Duration::from_secs(args.minutes * 60);
    let mut counts = Counts::default();
    let mut subject = Subject::new();
    while Instant::now() < end && counts.different < args.enough {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(counts.all));
        let rendering = grammar::rendering(&mut random);
        counts.all += 1;
        if differs(&mut subject, &mut oracle, &rendering, Some(&mut counts))? {
            counts.different += 1;
            report(&mut subject, &mut oracle, rendering)?;
        }
    }
    let Counts {
        all,
        outputs,
        failures,
        left_out,
        different,
    } = counts;
    println!(
        "{all} templates: {outputs} outputs and {failures} failures compared, {left_out} left out, {different} different"
    );
    if different > 0 {
        bail!("{different} templates give something else than with Go");
    }
    Ok(())
}

/// Whether the answers of gotmpl and Go must be equal and are not.
fn differs(
    subject: &mut Subject,
    oracle: &mut Oracle,
    rendering: &Rendering,
    counts: Option<&mut Counts>,
) -> Result<bool> {
    let mut unused = Counts::default();
    let counts = counts.unwrap_or(&mut unused);
    let Some(answer) = subject.render(rendering) else {
        counts.left_out += 1;
        return Ok(false);
    };
    let theirs = oracle.ask(rendering)?;
    match (&answer, &theirs) {
        (_, Answer::Silence) => counts.left_out += 1,
        (_, Answer::Output(_)) => counts.outputs += 1,
        (_, Answer::Failure(_)) => counts.failures += 1,
    }
    Ok(!answer.agrees(&theirs))
}

/// Prints a disagreement as a case, with both answers.
fn report(subject: &mut Subject, oracle: &mut Oracle, rendering: Rendering) -> Result<()> {
    let small = shrink::shrink(rendering, |candidate| differs(subject, oracle, candidate, None))?;
    println!();
    if !small.data.is_empty() {
        let data: BTreeMap<_, _> = small
            .data
            .iter()
            .map(|(name, value)| (name, STANDARD.encode(value)))
            .collect();
        println!("data {{}}\ndata64 {}", serde_json::to_string(&data)?);
    }
    println!("{}", small.template);
    println!(
        "# ours: {:?}\n# Go:   {:?}",
        subject.render(&small),
        oracle.ask(&small)?
    );
    Ok(())
}
