//! A control plane that the machine has already: for a demonstration, which needs no version in particular.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use super::{CONTROL_PLANE, ETCD, KUBE_APISERVER, Peer, PeerSet};

/// Where the test environment of controller-runtime (envtest) looks for its programs.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

/// The machine's own programs of a control plane, and where they are, for messages. An explicit `KUBEBUILDER_ASSETS`
/// wins; programs on the PATH are used where none were built. etcd and kube-apiserver are required, the others are taken
/// from the same folder where they are there.
///
/// # Errors
/// `KUBEBUILDER_ASSETS` names a folder without etcd or kube-apiserver.
pub fn control_plane() -> Result<Option<(PeerSet, String)>> {
    if let Some(folder) = std::env::var_os(ASSETS).filter(|folder| !folder.is_empty()) {
        let folder = PathBuf::from(folder);
        let place = format!("{ASSETS} ({})", folder.display());
        for peer in [ETCD, KUBE_APISERVER] {
            ensure!(folder.join(peer.name).is_file(), "there is no {} in {place}", peer.name);
        }
        return Ok(Some((found_in(std::slice::from_ref(&folder)), place)));
    }
    if PeerSet::installed(&CONTROL_PLANE).is_ok() {
        return Ok(None);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = found_in(&std::env::split_paths(&path).collect::<Vec<_>>());
    let whole = [ETCD, KUBE_APISERVER].iter().all(|peer| found.has(peer));
    Ok(whole.then(|| (found, "the PATH".to_owned())))
}

fn found_in(folders: &[PathBuf]) -> PeerSet {
    let find = |peer: &Peer| {
        let mut candidates = folders.iter().map(|folder| folder.join(peer.name));
        candidates.find(|candidate| Path::is_file(candidate))
    };
    let found = CONTROL_PLANE.iter().filter_map(|peer| Some((peer.name, find(peer)?)));
    PeerSet(found.collect())
}
