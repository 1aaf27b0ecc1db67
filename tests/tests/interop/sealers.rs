//! Who seals.

use std::fmt;
use std::process::Command;

use anyhow::Result;
use harness::implementation::Implementation;
use harness::output::run_with_input;
use harness::peers::{self, PeerSet};
use harness::sealing_keys::SealingKey;
use serde_json::Value;

use crate::Scope;

#[derive(Clone, Copy)]
pub(crate) enum Sealer {
    Kubeseal(Implementation),
    Kubesealpy,
    /// `@linode/kubeseal-encrypt`: texts alone, for their namespace alone.
    Linode,
}

pub(crate) const SEALERS: [Sealer; 4] = [
    Sealer::Kubeseal(Implementation::Ours),
    Sealer::Kubeseal(Implementation::Reference),
    Sealer::Kubesealpy,
    Sealer::Linode,
];

impl Sealer {
    /// For names of objects.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Sealer::Kubeseal(implementation) => implementation.name(),
            Sealer::Kubesealpy => "kubesealpy",
            Sealer::Linode => "linode",
        }
    }

    /// Whether it can seal for that scope.
    pub(crate) fn knows(self, scope: Scope) -> bool {
        !matches!(self, Sealer::Linode) || scope.0 == "namespace-wide"
    }

    /// Whether it can seal such a value.
    pub(crate) fn takes(self, value: &[u8]) -> bool {
        !matches!(self, Sealer::Linode) || std::str::from_utf8(value).is_ok()
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
            Sealer::Linode => {
                let mut command = Command::new("node");
                command
                    .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/browser/seal.mjs"))
                    .arg(PeerSet::installed(&[peers::BROWSER])?.path(&peers::BROWSER)?)
                    .arg(&key.certificate);
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
