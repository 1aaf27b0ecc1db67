//! The only place that names a crypto backend.
//!
//! `aws_lc` (default) does everything. `pure_rust` seals with a public key and needs no C compiler; it is also the
//! independent second implementation that the tests hold `aws_lc` against. Private-key work exists in `aws_lc` alone:
//! the `rsa` crate leaks timing (RUSTSEC-2023-0071).

use thiserror::Error;

#[cfg(feature = "aws-lc")]
pub(crate) mod aws_lc;
#[cfg(any(test, feature = "pure-rust"))]
pub(crate) mod pure_rust;

#[cfg(feature = "aws-lc")]
pub(crate) use aws_lc as backend;
#[cfg(all(feature = "pure-rust", not(feature = "aws-lc")))]
pub(crate) use pure_rust as backend;

#[cfg(not(any(feature = "aws-lc", feature = "pure-rust")))]
compile_error!("enable the feature `aws-lc` (everything) or `pure-rust` (sealing with a public key)");

/// Bytes of an AES-256 session key.
pub(crate) const SESSION_KEY: usize = 32;
/// The nonce of every body; a session key is used once.
pub(crate) const ZERO_NONCE: [u8; 12] = [0; 12];

/// The backend refused an operation. Carries nothing: backends tell no reason, and none may leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoFailure;
