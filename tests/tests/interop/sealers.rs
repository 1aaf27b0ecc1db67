//! Who seals.

use std::fmt;
use std::process::Command;

use anyhow::Result;
use harness::implementation::Implementation;
use harness::output::run_with_input;
use harness::peers;
use harness::sealing_keys::SealingKey;
use serde_json::Value;

use crate::Scope;

#[derive(Clone, Copy)]
pub(crate) enum Sealer {
    Kubeseal(Implementation),
    Kubesealpy,
}

pub(crate) const SEALERS: [Sealer; 3] = [
    Sealer::Kubeseal(Implementation::Ours),
    Sealer::Kubeseal(Implementation::Reference),
    Sealer::Kubesealpy,
];

impl Sealer {
    /// For names of objects.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Sealer::Kubeseal(implementation) => implementation.name(),
            Sealer::Kubesealpy => "kubesealpy",
        }
    }

    /// Seals a Secret without any cluster.
    pub(crate) fn seal(self, secret: &Value, key: &SealingKey, scope: Scope) -> Result<Value> {
        let mut command = match self {
            Sealer::Kubeseal(implementation) => {
                let mut command = Command::new(implementation.programs()?.kubeseal);
                command
                    .args(["--scope", scope.0, "--format", "json", "--cert"])
                    .arg(&key.certificate);
                command
            }
            Sealer::Kubesealpy => {
                let mut command = kubesealpy()?;
                command.arg("seal").arg(&key.certificate).arg(scope.0);
                command
            }
        };
        run_with_input(&mut command, secret.to_string().as_bytes())?
            .success()?
            .json()
    }
}

impl fmt::Display for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// The Python implementation as a filter.
pub(crate) fn kubesealpy() -> Result<Command> {
    let mut command = Command::new(peers::python()?);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/kubesealpy/peer.py"));
    Ok(command)
}
