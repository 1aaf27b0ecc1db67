//! `kubeseal keys list`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealing::cert::SealingCert;
use sealing::sealer::SealItemError;

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

/// Asks the cluster, and tells; `flags` are those that reach it, with a space before each.
pub(super) fn run(
    controller: &Controller,
    certs: &[PathBuf],
    flags: &str,
    json: bool,
    environment: &Environment,
    now: Timestamp,
) -> Result<(), Error> {
    let local = local_certs(certs, flags)?;
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
///
/// # Errors
/// One of them cannot be read.
fn local_certs(named: &[PathBuf], flags: &str) -> Result<Vec<LocalCert>, Error> {
    if named.is_empty() {
        project_certs(flags)?.into_iter().collect()
    } else {
        named.iter().map(|path| local_cert(path, true, flags)).collect()
    }
}

/// As [`local_certs`], without those files of the project file that cannot be read, which lint finds.
///
/// # Errors
/// One that was named cannot be read, or the project file makes no sense.
pub(in crate::commands) fn readable_certs(named: &[PathBuf], flags: &str) -> Result<Vec<LocalCert>, Error> {
    if named.is_empty() {
        Ok(project_certs(flags)?.into_iter().filter_map(Result::ok).collect())
    } else {
        local_certs(named, flags)
    }
}

fn local_cert(path: &Path, for_this_cluster: bool, flags: &str) -> Result<LocalCert, Error> {
    let name = InputName(path.display().to_string());
    let bytes = files::read_file(path).map_err(CertFile)?;
    let cert = name.cert(&bytes)?;
    cert.hybrid().map_err(|error| name.fault(SealItemError::from(error)))?;
    Ok(LocalCert {
        name: name.0,
        for_this_cluster,
        flags: flags.to_owned(),
        facts: KeyFacts::of(&cert),
    })
}

/// The certificates of the project file around the current folder, as far as they are files that are there.
fn project_certs(flags: &str) -> Result<Vec<Result<LocalCert, Error>>, Error> {
    let Ok(here) = real_place(Path::new("stdin")) else {
        return Ok(Vec::new());
    };
    let Some(located) = here.parent().map(Located::for_folder).transpose()?.flatten() else {
        return Ok(Vec::new());
    };
    let current = std::env::current_dir()
        .and_then(dunce::canonicalize)
        .unwrap_or_default();
    let clusters = located.project.clusters();
    let read = |cluster| -> Result<Option<LocalCert>, Error> {
        // One that has not been fetched does not keep the others from being shown.
        let Some(path) = located.cert_file_if_there(cluster)? else {
            return Ok(None);
        };
        let shown = path.strip_prefix(&current).unwrap_or(&path);
        let cert = local_cert(shown, clusters.len() == 1, flags);
        cert.map(Some).map_err(|error| located.with_fetch(cluster, error))
    };
    Ok(clusters
        .iter()
        .filter_map(|cluster| read(cluster).transpose())
        .collect())
}
