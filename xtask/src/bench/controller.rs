//! `cargo xtask bench controller`: the controller beside the reference's, on one control plane, by turns.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null, and what the bench then misses, it fails on"
)]

mod api;
pub(crate) mod client;
mod goals;
mod rows;
pub(crate) mod stage;

use anyhow::Result;
use harness::peers;

use super::crypto_rates::Rates;
use super::page::Page;
use super::release;
use rows::Row;
use stage::{Programs, Stage};

/// The reference's default.
const BITS: u32 = 4096;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fewer objects: a quarter of the time, and less sure figures. Nothing is written.
    #[arg(long)]
    quick: bool,
    /// This row alone (may be repeated). Nothing is written.
    #[arg(long = "row", value_enum)]
    rows: Vec<Row>,
    /// The rows of many objects alone: 10,000 of 3 items and 50,000 of one, or this number of one item. Nothing is written.
    #[arg(long, value_name = "OBJECTS", num_args = 0..=1, conflicts_with = "rows")]
    large: Option<Option<usize>>,
}

/// How much of everything.
#[derive(Clone, Copy)]
struct Size {
    objects: usize,
    many: usize,
    /// Of the row of many objects: how many, of how many items.
    large: (usize, usize),
    /// The same of the row of more of them.
    larger: (usize, usize),
    /// Objects of one tenant that wait while another makes some.
    waiting: usize,
    foreign: usize,
    latencies: usize,
    /// Cold starts of each contender without a limit.
    rounds: usize,
    /// Seconds after which the reference with its default limit has shown its rate.
    longest: u64,
}

const FULL: Size = Size {
    objects: 1000,
    many: 10_000,
    large: (10_000, 3),
    larger: (50_000, 1),
    waiting: 20_000,
    foreign: 3000,
    latencies: 120,
    rounds: 2,
    longest: 60,
};

const QUICK: Size = Size {
    objects: 300,
    many: 1000,
    large: (1000, 3),
    larger: (5000, 1),
    waiting: 5000,
    foreign: 1000,
    latencies: 40,
    rounds: 1,
    longest: 30,
};

pub(crate) fn run(args: &Args) -> Result<()> {
    let mut size = if args.quick { QUICK } else { FULL };
    if let Some(Some(objects)) = args.large {
        size.large = (objects, 1);
    }
    peers::ensure(
        &[&peers::CONTROL_PLANE[..], &[peers::REF_KUBESEAL, peers::REF_CONTROLLER]].concat(),
        &|line| println!("{line}"),
    )?;
    let [controller, kubeseal] = release::build_all([("controller", "controller"), ("kubeseal-rs", "kubeseal")])?;
    let programs = Programs { controller, kubeseal };
    let mut page = Page::new(
        "controller",
        "The controller beside the reference's",
        "The release build of this repository beside the reference's controller v0.40.0, one after the other on one control \
         plane (etcd and kube-apiserver, on the same cores), under the same CustomResourceDefinition and the same rights. \
         Each SealedSecret has one item, sealed with RSA of 4096 bits. CPU is that of the controller's process alone. Each \
         section has a control plane of its own.",
    );
    let rates = Rates::measure(BITS)?;
    let all = args.rows.is_empty() && args.large.is_none();
    let rows = match args.large {
        Some(None) => &[Row::Large, Row::Larger][..],
        Some(Some(_)) => &[Row::Large],
        None if all => &Row::ALL[..],
        None => &args.rows,
    };
    let mut goals = Vec::new();
    for row in rows {
        goals.extend(row.measure(&Stage::new(programs.clone())?, size, &rates, &mut page)?);
    }
    page.section(
        "Goals",
        "What this is to reach, and what was measured above.",
        &goals::table(&goals),
    );
    if all && !args.quick { page.write() } else { Ok(()) }
}
