//! `kubeseal keys list`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealing::cert::SealingCert;

use crate::cluster::{Cluster, ClusterError, Controller};
use crate::colour::Colour;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Output};
use crate::keys::{Inventory, KeyFacts, KeysError, LocalCert, table};
use crate::objects::InputName;
use crate::place::real_place;
use crate::project::CertFile;
use crate::project::search::Located;

/// Asks the cluster, and tells.
pub(super) fn run(
    controller: &Controller,
    certs: &[PathBuf],
    json: bool,
    environment: &Environment,
    now: Timestamp,
) -> Result<(), Error> {
    let local = local_certs(certs)?;
    let cluster = Cluster::connect(&controller.cluster, environment)?;
    let secrets = cluster.key_secrets(&controller.namespace)?;
    if secrets.is_empty() {
        return Err(KeysError::None(controller.namespace.clone()).into());
    }
    let served = served(&cluster, controller);
    let objects = match cluster.sealed_secrets() {
        Ok(objects) => Some(objects),
        // Who may read the keys need not be allowed to list everybody's objects.
        Err(ClusterError::Objects { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let secrets: Vec<_> = secrets.iter().map(|secret| &secret.0).collect();
    let served = served.as_ref().map(|cert| cert.public().fingerprint());
    let inventory = Inventory::of(&secrets, served, objects.as_deref(), &local, now);
    let text = if json {
        format!("{:#}\n", table::json(&inventory))
    } else {
        table::text(&inventory, now, Colour::of_stdout(environment))
    };
    Ok(files::write(&Output::Stdout, text.as_bytes())?)
}

/// The certificate that the controller serves, if it does.
fn served(cluster: &Cluster, controller: &Controller) -> Option<SealingCert> {
    SealingCert::from_pem(&cluster.certificate(controller).ok()?).ok()
}

/// The certificates that were named; else those files of the project file around the current folder that are there.
pub(in crate::commands) fn local_certs(named: &[PathBuf]) -> Result<Vec<LocalCert>, Error> {
    let read = |path: &Path, for_this_cluster| -> Result<LocalCert, Error> {
        let name = InputName(path.display().to_string());
        let bytes = files::read_file(path).map_err(CertFile)?;
        let cert = SealingCert::from_pem(&bytes).map_err(|error| name.fault(error))?;
        Ok(LocalCert {
            name: name.0,
            for_this_cluster,
            facts: KeyFacts::of(&cert),
        })
    };
    if !named.is_empty() {
        return named.iter().map(|path| read(path, true)).collect();
    }
    let Ok(here) = real_place(Path::new("stdin")) else {
        return Ok(Vec::new());
    };
    let Some(located) = here.parent().map(Located::for_folder).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let current = std::env::current_dir()
        .and_then(std::fs::canonicalize)
        .unwrap_or_default();
    let clusters = located.project.clusters();
    let mut certs = Vec::new();
    for cluster in clusters {
        // While nobody has fetched one, the others say what they say all the same.
        if let Some(path) = located.cert_file_if_there(cluster)? {
            certs.push(read(path.strip_prefix(&current).unwrap_or(&path), clusters.len() == 1)?);
        }
    }
    Ok(certs)
}
