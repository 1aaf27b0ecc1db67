//! `cargo xtask bench controller`: the controller beside the reference's, on one control plane, by turns.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null, and what the bench then misses, it fails on"
)]

mod api;
pub(crate) mod client;
mod rows;
mod stage;

use anyhow::Result;
use harness::peers;

use super::page::Page;
use super::rates::Rates;
use super::release;
use stage::Stage;

/// The reference's default.
const BITS: u32 = 4096;

/// What was typed after `cargo xtask bench controller`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Fewer objects: a tenth of the time, and less sure figures.
    #[arg(long)]
    quick: bool,
}

/// How much of everything.
#[derive(Clone, Copy)]
struct Size {
    objects: usize,
    many: usize,
    foreign: usize,
    latencies: usize,
    /// Seconds after which the reference with its default limit has shown its rate.
    longest: u64,
}

impl Size {
    fn of(args: &Args) -> Size {
        if args.quick {
            Size {
                objects: 200,
                many: 1000,
                foreign: 500,
                latencies: 40,
                longest: 30,
            }
        } else {
            Size {
                objects: 1000,
                many: 10_000,
                foreign: 3000,
                latencies: 200,
                longest: 60,
            }
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let size = Size::of(args);
    peers::ensure(
        &[&peers::CONTROL_PLANE[..], &[peers::REF_KUBESEAL, peers::REF_CONTROLLER]].concat(),
        &|line| println!("{line}"),
    )?;
    let ours = release::build("controller", "controller")?;
    let mut page = Page::new(
        "controller",
        "The controller beside the reference's",
        "The release build of this repository beside the reference's controller v0.40.0, one after the other on one control \
         plane (etcd and kube-apiserver, on the same cores), under the same CustomResourceDefinition and the same rights. \
         Each SealedSecret has one item, sealed with RSA of 4096 bits. CPU is that of the controller's process alone.",
    );
    let rates = Rates::measure(BITS)?;
    rows::one_key(&Stage::new(ours.clone())?, size, &rates, &mut page)?;
    rows::many_keys(&Stage::new(ours)?, size, &mut page)?;
    page.write()
}
