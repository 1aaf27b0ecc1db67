//! Command lines of a user of this cluster.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::Cluster;
use crate::implementation::Implementation;
use crate::peers;

impl Cluster {
    /// A command that runs in that folder and inside the cluster's network, and finds `kubectl` and our `kubeseal` under their
    /// own names.
    pub fn desk(&self, program: impl AsRef<Path>, folder: &Path) -> Result<Command> {
        let programs = self.state().join("bin");
        std::fs::create_dir_all(&programs)?;
        for (name, target) in [
            ("kubeseal", Implementation::Ours.programs()?.kubeseal),
            ("kubectl", self.peer(&peers::KUBECTL)?.to_owned()),
        ] {
            match std::os::unix::fs::symlink(target, programs.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(error).with_context(|| format!("cannot put {name} on the path"));
                }
                // Another test of this process was first.
                _ => {}
            }
        }
        let path = std::env::var("PATH").context("PATH")?;
        let mut command = self.command(program.as_ref());
        command
            .current_dir(folder)
            .env("PATH", format!("{}:{path}", programs.display()));
        Ok(command)
    }
}
