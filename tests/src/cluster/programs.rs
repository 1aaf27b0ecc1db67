//! The command lines of the control plane's programs.

use std::path::Path;

use anyhow::Result;

use super::{Ports, audit, credentials};
use crate::launch::Launch;
use crate::netns::Network;
use crate::peers::{self, PeerSet};

pub(super) fn etcd<'a>(network: &'a Network, state: &'a Path, peers: &PeerSet, ports: Ports) -> Result<Launch<'a>> {
    let clients = format!("http://127.0.0.1:{}", ports.etcd);
    let others = format!("http://127.0.0.1:{}", ports.etcd_peers);
    Ok(Launch::new(network, state, "etcd", peers.path(&peers::ETCD)?)
        .arg("--data-dir")
        .arg(state.join("etcd"))
        .args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients])
        .args(["--listen-peer-urls", &others, "--initial-advertise-peer-urls", &others])
        .args(["--initial-cluster", &format!("default={others}")])
        // The data goes with the test: nothing is lost when the disk has not seen it.
        .args(["--unsafe-no-fsync", "--log-level", "warn"]))
}

pub(super) fn api_server<'a>(
    network: &'a Network,
    state: &'a Path,
    peers: &PeerSet,
    ports: Ports,
) -> Result<Launch<'a>> {
    let in_state = |option: &str, file: &str| format!("--{option}={}", state.join(file).display());
    let address = network.address();
    Ok(
        Launch::new(network, state, "kube-apiserver", peers.path(&peers::KUBE_APISERVER)?)
            .args([
                format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd),
                format!("--bind-address={address}"),
                format!("--advertise-address={address}"),
                format!("--secure-port={}", ports.api_server),
                in_state("tls-cert-file", credentials::SERVER_CERTIFICATE),
                in_state("tls-private-key-file", credentials::SERVER_KEY),
                in_state("token-auth-file", credentials::TOKENS),
                in_state("service-account-key-file", credentials::TOKEN_PUBLIC_KEY),
                in_state("service-account-signing-key-file", credentials::TOKEN_KEY),
                in_state("cert-dir", "apiserver"),
                in_state("audit-policy-file", audit::POLICY),
                in_state("audit-log-path", audit::LOG),
            ])
            .args([
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.96.0.0/16",
                "--authorization-mode=RBAC",
                // With one API server and no kubelet, the Endpoints of `kubernetes` have no reader.
                "--endpoint-reconciler-type=none",
                "--allow-privileged=true",
            ]),
    )
}

pub(super) fn controller_manager<'a>(network: &'a Network, state: &'a Path, peers: &PeerSet) -> Result<Launch<'a>> {
    let in_state = |option: &str, file: &str| format!("--{option}={}", state.join(file).display());
    let program = peers.path(&peers::KUBE_CONTROLLER_MANAGER)?;
    Ok(Launch::new(network, state, "kube-controller-manager", program)
        .args([
            in_state("kubeconfig", credentials::ADMIN_KUBECONFIG),
            in_state("root-ca-file", credentials::CA_CERTIFICATE),
        ])
        .args([
            "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,\
             root-ca-certificate-publisher-controller",
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=200",
            "--kube-api-burst=400",
        ]))
}
