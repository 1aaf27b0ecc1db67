//! Sealing keys that a test brings itself, as an administrator may.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use time::{Duration, OffsetDateTime};

use crate::implementation::NAMESPACE;

/// A key pair as two PEM files.
#[derive(Debug)]
pub struct SealingKey {
    /// The certificate.
    pub certificate: PathBuf,
    /// The private key in PKCS#8.
    pub private_key: PathBuf,
    name: String,
}

impl SealingKey {
    /// Makes one of 2048 or 4096 bits in the folder, with a self-signed certificate without a name, as the
    /// controllers make them. It is an hour old: a key that a controller makes is newer, and it is not due for renewal.
    pub fn generate(folder: &Path, bits: u32) -> Result<SealingKey> {
        let size = match bits {
            2048 => RsaKeySize::_2048,
            4096 => RsaKeySize::_4096,
            other => anyhow::bail!("no key of {other} bits"),
        };
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.not_before = OffsetDateTime::now_utc() - Duration::HOUR;
        parameters.not_after = parameters.not_before + Duration::days(3650);
        let key = SealingKey {
            certificate: folder.join(format!("{bits}.crt")),
            private_key: folder.join(format!("{bits}.key")),
            name: format!("sealed-secrets-key-{bits}"),
        };
        fs::write(&key.certificate, parameters.self_signed(&pair)?.pem())?;
        fs::write(&key.private_key, pair.serialize_pem())?;
        Ok(key)
    }

    /// The name of [`SealingKey::secret`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Secret that makes it one of the controller's keys.
    pub fn secret(&self) -> Result<Value> {
        Ok(json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {
                "name": self.name,
                "namespace": NAMESPACE,
                "labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "active"},
            },
            "data": {
                "tls.crt": STANDARD.encode(fs::read(&self.certificate)?),
                "tls.key": STANDARD.encode(fs::read(&self.private_key)?),
            },
        }))
    }
}
