//! Keys, certificates and tokens of a control plane, made afresh for each, and kubeconfigs that use them.

use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::json;

use super::Cluster;

pub(super) const CA_CERTIFICATE: &str = "ca.crt";
pub(super) const SERVER_CERTIFICATE: &str = "server.crt";
pub(super) const SERVER_KEY: &str = "server.key";
/// Another pair for the same names, for what renews its certificate.
const RENEWED_CERTIFICATE: &str = "renewed.crt";
const RENEWED_KEY: &str = "renewed.key";
pub(super) const TOKEN_KEY: &str = "tokens.key";
pub(super) const TOKEN_PUBLIC_KEY: &str = "tokens.pub";
pub(super) const TOKENS: &str = "tokens.csv";
pub(super) const ADMIN_KUBECONFIG: &str = "admin.kubeconfig";

/// Writes all that a control plane at this address needs into its state folder.
pub(super) fn write(state: &Path, address: Ipv4Addr, port: u16) -> Result<()> {
    let put = |name: &str, text: &str| {
        fs::write(state.join(name), text).with_context(|| format!("cannot write {name} into {}", state.display()))
    };
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name
        .push(DnType::CommonName, "control plane of a test");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    put(CA_CERTIFICATE, &ca.self_signed(&ca_key)?.pem())?;

    // The loopback names are for the relay (see `crate::relay`), through which the user's own programs come.
    let names = [&address.to_string(), "127.0.0.1", "localhost", "kubernetes.default.svc"].map(str::to_owned);
    let issuer = Issuer::new(ca, ca_key);
    for (certificate, key) in [(SERVER_CERTIFICATE, SERVER_KEY), (RENEWED_CERTIFICATE, RENEWED_KEY)] {
        let pair = KeyPair::generate()?;
        let server = CertificateParams::new(names.clone())?.signed_by(&pair, &issuer)?;
        put(certificate, &server.pem())?;
        put(key, &pair.serialize_pem())?;
    }

    let token_key = KeyPair::generate()?;
    put(TOKEN_KEY, &token_key.serialize_pem())?;
    put(TOKEN_PUBLIC_KEY, &token_key.public_key_pem())?;

    let admin = random_name() + &random_name();
    put(TOKENS, &format!("{admin},admin,admin,\"system:masters\"\n"))?;
    let kubeconfig = kubeconfig(state, &format!("https://{address}:{port}"), &admin)?;
    put(ADMIN_KUBECONFIG, &kubeconfig)
}

/// A kubeconfig (in JSON, which every reader of kubeconfigs takes) with the cluster's CA and the given token.
fn kubeconfig(state: &Path, server: &str, token: &str) -> Result<String> {
    let ca = base64::engine::general_purpose::STANDARD.encode(fs::read(state.join(CA_CERTIFICATE))?);
    let name = "test";
    let whole = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": ca}}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    });
    Ok(serde_json::to_string_pretty(&whole)?)
}

/// Sixteen hexadecimal digits from the operating system's randomness (the standard library seeds its hash maps there).
pub(crate) fn random_name() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

impl Cluster {
    /// The administrator's kubeconfig, for programs inside the namespace.
    pub fn admin_kubeconfig(&self) -> PathBuf {
        self.state().join(ADMIN_KUBECONFIG)
    }

    /// The CA certificate (PEM) of the API server.
    pub fn ca_certificate(&self) -> PathBuf {
        self.state().join(CA_CERTIFICATE)
    }

    /// Certificate and key (PEM) for servers at the cluster's address, signed by that CA.
    pub fn server_certificate(&self) -> (PathBuf, PathBuf) {
        (self.state().join(SERVER_CERTIFICATE), self.state().join(SERVER_KEY))
    }

    /// A token of a service account that exists, valid for a day.
    pub fn service_account_token(&self, namespace: &str, account: &str) -> Result<String> {
        let token = self.kubectl_ok(&["create", "token", account, "-n", namespace, "--duration=24h"])?;
        Ok(token.stdout.trim().to_owned())
    }

    /// A kubeconfig with a service account's own token and no other right, for programs inside the namespace.
    pub fn service_account_kubeconfig(&self, namespace: &str, account: &str) -> Result<PathBuf> {
        let (address, port) = self.api_server_address();
        let token = self.service_account_token(namespace, account)?;
        let path = self.state().join(format!("{namespace}-{account}.kubeconfig"));
        fs::write(
            &path,
            kubeconfig(self.state(), &format!("https://{address}:{port}"), &token)?,
        )?;
        Ok(path)
    }

    /// The administrator's token.
    pub(crate) fn admin_token(&self) -> Result<String> {
        let tokens = fs::read_to_string(self.state().join(TOKENS))?;
        Ok(tokens.split(',').next().context("the token file is empty")?.to_owned())
    }

    /// The administrator's kubeconfig with another address for the API server.
    pub(crate) fn admin_kubeconfig_for(&self, server: &str) -> Result<String> {
        kubeconfig(self.state(), server, &self.admin_token()?)
    }

    /// The folder of files that a pod of this service account has under its well-known path.
    pub(crate) fn pod_files(&self, namespace: &str, account: &str) -> Result<PathBuf> {
        let folder = self.state().join(format!("{namespace}-{account}.pod"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("token"), self.service_account_token(namespace, account)?)?;
        fs::write(folder.join("namespace"), namespace)?;
        fs::copy(self.ca_certificate(), folder.join("ca.crt"))?;
        Ok(folder)
    }
}
