//! Private keys without AWS-LC: types without a value, so that code that opens still compiles, and cannot run.

use zeroize::Zeroizing;

use super::{CryptoFailure, HYBRID_ENC, HYBRID_PUBLIC, SESSION_KEY};

/// RSA private key.
pub(crate) enum PrivateKey {}

impl PrivateKey {
    pub(crate) fn generate(_: usize) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        Err(CryptoFailure)
    }

    pub(crate) fn from_pkcs8(_: &[u8], _: usize) -> Result<Self, CryptoFailure> {
        Err(CryptoFailure)
    }

    pub(crate) fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        match *self {}
    }

    pub(crate) fn spki(&self) -> &[u8] {
        match *self {}
    }

    pub(crate) fn unwrap_key(&self, _: &[u8], _: &[u8]) -> Result<Zeroizing<[u8; SESSION_KEY]>, CryptoFailure> {
        match *self {}
    }
}

/// Private key of X-Wing.
pub(crate) enum HybridPrivateKey {}

impl HybridPrivateKey {
    pub(crate) fn from_seed(_: &[u8; 32]) -> Result<Self, CryptoFailure> {
        Err(CryptoFailure)
    }

    pub(crate) fn public(&self) -> &[u8; HYBRID_PUBLIC] {
        match *self {}
    }

    pub(crate) fn open(
        &self,
        _: &[u8; HYBRID_ENC],
        _: &[u8],
        _: &[u8],
        _: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
        match *self {}
    }
}

/// Unreachable: a private key opens the session key first.
pub(crate) fn decrypt(_: &[u8; SESSION_KEY], _: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoFailure> {
    Err(CryptoFailure)
}

/// As [`decrypt`].
pub(crate) fn same(_: &[u8], _: &[u8]) -> bool {
    false
}
