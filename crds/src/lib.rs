//! The Kubernetes shapes of Sealed Secrets: the `SealedSecret` type and every name on the wire, once.
//!
//! No behaviour beyond serialising and comparing. The manifest under `yaml/` is generated from these types
//! (`cargo xtask codegen`); a test fails when it is stale.

mod lenient_object;
mod lenient_serde;
pub mod names;
pub mod reasons;
mod schema;
mod sealed_secret;

pub use lenient_object::{Fault, Lenient, Unreadable};
pub use sealed_secret::{
    SealedSecret, SealedSecretCondition, SealedSecretSpec, SealedSecretStatus, SecretTemplate, WrittenSecret,
    condition_status,
};
