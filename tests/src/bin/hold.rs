//! Starts a control plane, prints its state folder, and holds it until killed or until stdin ends.

use std::io::Read as _;

use anyhow::Result;
use harness::cluster::Cluster;

fn main() -> Result<()> {
    let cluster = Cluster::start()?;
    println!("{}", cluster.state().display());
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
