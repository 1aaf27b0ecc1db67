//! Who opens.

use std::fmt;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use harness::cluster::Cluster;
use harness::implementation::{Implementation, UNLIMITED};
use harness::output::run_with_input;
use harness::process::Process;
use harness::sealing_keys::SealingKey;
use serde_json::Value;

use crate::sealers::kubesealpy;
use crate::{Keys, Scope};

#[derive(Clone, Copy)]
pub(crate) enum Opener {
    Controller(Implementation),
    Recovery(Implementation),
    Kubesealpy,
}

pub(crate) const OPENERS: [Opener; 5] = [
    Opener::Controller(Implementation::Ours),
    Opener::Controller(Implementation::Reference),
    Opener::Recovery(Implementation::Ours),
    Opener::Recovery(Implementation::Reference),
    Opener::Kubesealpy,
];

impl Opener {
    /// For names of objects.
    pub(crate) fn id(self) -> String {
        match self {
            Opener::Controller(implementation) => format!("{}-controller", implementation.name()),
            Opener::Recovery(implementation) => format!("{}-recovery", implementation.name()),
            Opener::Kubesealpy => "kubesealpy".to_owned(),
        }
    }
}

impl fmt::Display for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Opener::Controller(implementation) => write!(f, "{} controller", implementation.name()),
            Opener::Recovery(implementation) => write!(f, "{} --recovery-unseal", implementation.name()),
            Opener::Kubesealpy => f.write_str("kubesealpy"),
        }
    }
}

/// Where things are opened: one cluster for each controller, started when first needed, with all keys from the start.
pub(crate) struct Laboratory {
    ours: OnceLock<Result<Served>>,
    reference: OnceLock<Result<Served>>,
    keys: Keys,
}

/// A cluster with a controller.
struct Served {
    controller: Process,
    cluster: Cluster,
}

impl Laboratory {
    pub(crate) fn new(keys: Keys) -> Laboratory {
        Laboratory {
            ours: OnceLock::new(),
            reference: OnceLock::new(),
            keys,
        }
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Opens a SealedSecret; the answer is the Secret.
    pub(crate) fn open(&self, opener: Opener, sealed: &Value, key: &SealingKey, scope: Scope) -> Result<Value> {
        let mut command = match opener {
            Opener::Controller(implementation) => return self.served(implementation)?.open(sealed),
            Opener::Recovery(implementation) => {
                let mut command = Command::new(implementation.programs()?.kubeseal);
                command
                    .args(["--recovery-unseal", "--recovery-private-key"])
                    .arg(&key.private_key);
                command
            }
            Opener::Kubesealpy => {
                let mut command = kubesealpy()?;
                command.arg("unseal").arg(&key.private_key).arg(scope.0);
                command
            }
        };
        let opened = run_with_input(command.current_dir(self.keys.folder()), sealed.to_string().as_bytes())?;
        let mut opened = opened.success()?.json()?;
        // The reference writes an empty value as null there; the cluster would read it as the empty value it is.
        let items = opened
            .get_mut("data")
            .and_then(Value::as_object_mut)
            .context("no data")?;
        items
            .values_mut()
            .filter(|value| value.is_null())
            .for_each(|value| *value = "".into());
        Ok(opened)
    }

    fn served(&self, implementation: Implementation) -> Result<&Served> {
        let slot = match implementation {
            Implementation::Ours => &self.ours,
            Implementation::Reference => &self.reference,
        };
        slot.get_or_init(|| Served::start(implementation, &self.keys))
            .as_ref()
            .map_err(|error| anyhow!("{error:#}"))
    }
}

impl Served {
    fn start(implementation: Implementation, keys: &Keys) -> Result<Served> {
        let cluster = Cluster::start()?;
        cluster.install(implementation)?;
        for key in keys.all() {
            cluster.apply(&key.secret()?.to_string())?;
        }
        let controller = cluster.start_controller(implementation, UNLIMITED)?;
        Ok(Served { controller, cluster })
    }

    fn open(&self, sealed: &Value) -> Result<Value> {
        let name = sealed
            .pointer("/metadata/name")
            .and_then(Value::as_str)
            .context("no name")?;
        self.cluster.apply(&sealed.to_string())?;
        let secret = self
            .cluster
            .eventually(Duration::from_secs(60), &format!("Secret {name}"), || {
                self.controller.check_running()?;
                self.cluster.get_json(&["secret", name, "-n", "default"])
            })?;
        let owner = secret.pointer("/metadata/ownerReferences/0/kind");
        ensure!(
            owner.is_some_and(|kind| kind == "SealedSecret"),
            "not owned by its SealedSecret: {secret}"
        );
        Ok(secret)
    }
}
