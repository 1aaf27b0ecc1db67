//! The Secrets that hold sealing keys, and the files of private keys that recovery reads.

use std::collections::BTreeMap;

use crds::names;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use thiserror::Error;

use crate::cert::{CertError, SealingCert};
use crate::key::{KeyError, PrivateKey};
use crate::keyring::{CertificateOfAnotherKey, KeyPair};
use crate::pem;
use crate::secret::{ClearSecret, SecretError};
use crate::secret_bytes::SecretBytes;
use crate::v2::{self, HybridError};
use manifest::{DocumentError, Place};

/// Why a Secret is not a key Secret. Never carries key material.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeySecretError {
    /// An item is missing. Holds its name.
    #[error("the Secret has no item {0}")]
    ItemMissing(&'static str),
    /// The private key is not usable.
    #[error("{}", names::KEY_ITEM_PRIVATE)]
    Key(#[source] KeyError),
    /// The certificate is not usable.
    #[error("{}", names::KEY_ITEM_CERTIFICATE)]
    Cert(#[source] CertError),
    /// The two do not belong together.
    #[error(transparent)]
    Mismatch(#[from] CertificateOfAnotherKey),
}

/// Reads the key pair that a key Secret holds. Its type does not matter (reference behaviour).
///
/// # Errors
/// [`KeySecretError`].
pub fn key_pair(secret: &Secret) -> Result<KeyPair, KeySecretError> {
    let item = |name| {
        let data = secret.data.as_ref().and_then(|data| data.get(name));
        data.map(|bytes| bytes.0.as_slice())
            .ok_or(KeySecretError::ItemMissing(name))
    };
    let private = PrivateKey::from_pem(item(names::KEY_ITEM_PRIVATE)?).map_err(KeySecretError::Key)?;
    let chain = item(names::KEY_ITEM_CERTIFICATE)?;
    let cert = SealingCert::of_key(private.public(), chain).map_err(KeySecretError::Cert)?;
    Ok(KeyPair::new(private, cert)?)
}

/// The Secret to create for a new key pair: `generateName` = `prefix`, type `kubernetes.io/tls`, the active label over
/// `labels`, PKCS#1 key and certificate as PEM.
///
/// # Errors
/// [`KeyError`]; cannot happen for a pair that was generated here.
pub fn manifest(
    pair: &KeyPair,
    prefix: &str,
    mut labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
) -> Result<Secret, KeyError> {
    labels.insert(
        names::LABEL_SEALING_KEY.to_owned(),
        names::SEALING_KEY_ACTIVE.to_owned(),
    );
    let key = pair.private().to_pkcs1_pem()?;
    let item = |name: &str, text: &str| (name.to_owned(), ByteString(text.as_bytes().to_vec()));
    Ok(Secret {
        metadata: ObjectMeta {
            generate_name: Some(prefix.to_owned()),
            labels: Some(labels),
            annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
            ..ObjectMeta::default()
        },
        type_: Some(names::KEY_SECRET_TYPE.to_owned()),
        data: Some(BTreeMap::from([
            item(names::KEY_ITEM_PRIVATE, &key),
            item(names::KEY_ITEM_CERTIFICATE, pair.cert().pem()),
        ])),
        ..Secret::default()
    })
}

/// Why no private key was read from a file. Never carries key material.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFileError {
    /// The PEM text holds no usable key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file is neither PEM nor a manifest.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A document is not a Secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A Secret without a private key. The text is the reference's.
    #[error("{0}: secret must contain a 'tls.data' key (the item tls.key)")]
    NoKeyItem(Place),
    /// A Secret with a broken private key.
    #[error("{place}: item tls.key")]
    KeyItem {
        /// Where the Secret begins.
        place: Place,
        /// What is wrong.
        #[source]
        source: KeyError,
    },
}

/// A private key from a file, with its hybrid key where the file has it; a PEM text has none.
#[derive(Debug)]
pub struct FilePrivateKey {
    /// RSA.
    pub rsa: PrivateKey,
    /// Opens format v2. An error where the file's certificate or items announce a hybrid key that cannot be read: the
    /// key then opens format v1 only.
    pub hybrid: Result<Option<v2::PrivateKey>, HybridError>,
}

/// Reads the private keys of a file: a PEM text, or a manifest of key Secrets (one, many, or a `kind: List`).
///
/// # Errors
/// [`KeyFileError`]; a file without any key is an error.
pub fn private_keys(file: &[u8]) -> Result<Vec<FilePrivateKey>, KeyFileError> {
    const PEM_BEGIN: &[u8] = b"-----BEGIN ";
    let file = pem::utf8(file);
    if file.trim_ascii_start().starts_with(PEM_BEGIN) {
        let keys = PrivateKey::all_from_pem(&file)?.into_iter();
        return Ok(keys.map(|rsa| FilePrivateKey { rsa, hybrid: Ok(None) }).collect());
    }
    let mut keys = Vec::new();
    for document in manifest::read(&file)? {
        // Go programs that marshal typed Secrets write no kind; other objects say theirs and are refused.
        let secret = match document.value.get("kind") {
            None => ClearSecret::from_fields(&document)?,
            Some(_) => ClearSecret::from_document(&document)?,
        };
        let place = document.place();
        let pem = secret
            .items
            .get(names::KEY_ITEM_PRIVATE)
            .ok_or(KeyFileError::NoKeyItem(place))?;
        let rsa = PrivateKey::from_pem(pem.expose()).map_err(|source| KeyFileError::KeyItem { place, source })?;
        let item = |name| secret.items.get(name).map(SecretBytes::expose);
        // A certificate that cannot be read says nothing; a file without one may have a seed.
        let cert = item(names::KEY_ITEM_CERTIFICATE).and_then(|text| SealingCert::of_key(rsa.public(), text).ok());
        let hybrid = v2::hybrid_key_of(item(names::KEY_ITEM_SEED), cert.as_ref());
        keys.push(FilePrivateKey { rsa, hybrid });
    }
    Ok(keys)
}
