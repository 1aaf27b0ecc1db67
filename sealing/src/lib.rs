//! Seal and open [Sealed Secrets](https://github.com/bitnami-labs/sealed-secrets): the wire format, keys and certificates, whole
//! documents.
//!
//! The crate is pure: it does no I/O and reads no clock. Time and randomness are arguments; [`random`] says which draws AWS-LC
//! makes by itself. *Bytes* are sealed and opened; *documents* are sealed, unsealed and resealed.
//!
//! # Seal a Secret and unseal it
//!
//! A [key pair](keyring::KeyPair) is an RSA key and its certificate. The certificate is public and seals; the private key opens.
//!
//! ```
//! use std::sync::Arc;
//!
//! use sealing::SystemRandom;
//! use sealing::cert::{CertParameters, SealingCert};
//! use sealing::key::PrivateKey;
//! use sealing::keyring::KeyRing;
//! use sealing::render::{Rendering, WORK};
//! use sealing::seal::{SealParameters, seal};
//! use sealing::sealer::{Format, Sealer};
//! use sealing::secret::ClearSecret;
//! use sealing::unseal::unseal;
//!
//! let random = &mut SystemRandom::default();
//! let private = PrivateKey::generate(2048)?;
//! let parameters = CertParameters {
//!     common_name: String::new(),
//!     not_before: "2026-01-01T00:00:00Z".parse()?,
//!     not_after: "2036-01-01T00:00:00Z".parse()?,
//! };
//! let cert = SealingCert::self_signed(&private, &parameters, random)?;
//!
//! let text = "
//! apiVersion: v1
//! kind: Secret
//! metadata: {name: db, namespace: shop}
//! stringData: {password: hunter2}
//! ";
//! let secret = ClearSecret::from_document(&manifest::read(text.as_bytes())?[0])?;
//! let sealer = Sealer::new(&cert, Format::V1);
//! let sealed = seal(&secret, &SealParameters::default(), &sealer, random)?;
//! assert!(manifest::to_yaml(&sealed)?.contains("encryptedData"));
//!
//! let mut keys = KeyRing::default();
//! keys.insert(Arc::new(private), cert.not_before());
//! let mut rendering = Rendering {
//!     now: &jiff::Zoned::default(),
//!     random,
//!     refuse_nondeterministic: false,
//!     work: WORK,
//! };
//! let unsealed = unseal(&sealed, &keys, &[], &mut rendering)?;
//! assert_eq!(unsealed.secret.items["password"].expose(), b"hunter2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`key_secret`] writes key pairs into the Secrets in which a controller keeps them, and reads them back.
//!
//! # Scopes, and errors of opening
//!
//! A [`Scope`](binding::Scope) says where a ciphertext opens: under one name in one namespace, in one namespace, or in the whole
//! cluster. A [`Binding`](binding::Binding) is a scope with the names that it needs.
//!
//! ```
//! # use std::sync::Arc;
//! use sealing::SystemRandom;
//! use sealing::binding::{Binding, Scope};
//! use sealing::key::PrivateKey;
//! use sealing::keyring::{KeyRing, OpenError};
//!
//! let private = PrivateKey::generate(2048)?;
//! let shop = Binding::new(Scope::NamespaceWide, "shop", "")?;
//! let bytes = private.public().seal(b"hunter2", &shop.label(), &mut SystemRandom::default())?;
//!
//! let mut keys = KeyRing::default();
//! keys.insert(Arc::new(private), jiff::Timestamp::UNIX_EPOCH);
//! assert_eq!(keys.open(&bytes, &shop, "password", &[])?.plaintext.expose(), b"hunter2");
//!
//! let other = Binding::new(Scope::NamespaceWide, "other", "")?;
//! let refused = keys.open(&bytes, &other, "password", &[]).unwrap_err();
//! assert_eq!(refused, OpenError::NoKey { fitting: 1, sealed_bits: 2048 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Format v1 has one answer for a wrong key, another binding and a damaged session key: RSA-OAEP does not tell them apart.
//! [`OpenError::is_damage`](keyring::OpenError::is_damage) is true where no key and no name can help. For an object,
//! [`UnsealError::Items`](unseal::UnsealError::Items) has the errors by item. No error carries a plaintext, a key or a ciphertext.
//!
//! # Many keys
//!
//! A [`KeyRing`](keyring::KeyRing) tries its keys newest first, and each wrong key costs a private-key operation. A
//! [key hint](key_hint) is an annotation that names the keys of an object; [`unseal`](unseal::unseal) tries those first.
//! Keys that opened other objects ([`recent_keys`]) come next: pass them as `preferred`. Both save time and decide nothing.
//!
//! ```
//! use crds::SealedSecret;
//! use sealing::key_hint::KeyHint;
//! use sealing::sealer::Sealer;
//!
//! fn add_hint(sealed: &mut SealedSecret, sealer: &Sealer<'_>) {
//!     KeyHint::of_key(sealer.fingerprint()).write(&mut sealed.metadata);
//! }
//! ```
//!
//! # Format v2
//!
//! [Format v2](v2) is post-quantum: a certificate carries a hybrid key (X-Wing) beside its RSA key. Values are bound to their item
//! too, and padded. A [`Sealer`](sealer::Sealer) never lowers the format of a value that it replaces.
//!
//! ```
//! # use std::sync::Arc;
//! # use sealing::SystemRandom;
//! # use sealing::binding::{Binding, Scope};
//! # use sealing::cert::{CertParameters, SealingCert};
//! # use sealing::key::PrivateKey;
//! # use sealing::keyring::KeyRing;
//! use sealing::raw::{open_raw, seal_raw};
//! use sealing::sealer::{Format, Sealer};
//! use sealing::v2;
//!
//! # let random = &mut SystemRandom::default();
//! # let private = PrivateKey::generate(2048)?;
//! # let parameters = CertParameters {
//! #     common_name: String::new(),
//! #     not_before: "2026-01-01T00:00:00Z".parse()?,
//! #     not_after: "2036-01-01T00:00:00Z".parse()?,
//! # };
//! let hybrid = v2::PrivateKey::from_seed(&v2::Seed::generate(random)?)?;
//! let cert = SealingCert::self_signed_hybrid(&private, hybrid.public(), &parameters, random)?;
//! let binding = Binding::new(Scope::Strict, "shop", "db")?;
//! let sealer = Sealer::new(&cert, Format::V2);
//! let text = seal_raw(b"hunter2", &binding, "password", &sealer, random)?;
//!
//! let mut keys = KeyRing::default();
//! keys.insert_hybrid(Arc::new(private), [Arc::new(hybrid)], cert.not_before());
//! assert_eq!(open_raw(text.as_bytes(), &binding, "password", &keys)?.expose(), b"hunter2");
//! assert!(open_raw(text.as_bytes(), &binding, "user", &keys).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Modules
//!
//! - Bytes: [`envelope`] (the wire format), [`v2`] (its next version), [`sealed_value`] (either), [`sealer`] (which of them is
//!   written), [`binding`] (scope → label), [`key`], [`cert`], [`keyring`], [`recent_keys`].
//! - Documents: [`secret`] (a Secret in clear), [`seal`], [`unseal`], [`reseal`], [`raw`],
//!   [`merge`] (items into an existing object), [`diff`] (a sealed object and a clear one), [`inspect`]
//!   (one value without keys), [`key_hint`], [`size`] (what is too large for the API server), [`render`]
//!   (`spec.template.data`), [`input_digest`] (whether an object has changed), [`key_secret`] (the Secrets that hold keys). Text
//!   is read, written and edited by the crate [`manifest`].
//!
//! The feature `aws-lc` (default) is the whole crate. `pure-rust` needs no C compiler, and seals with public keys only.

mod base64_text;
pub mod binding;
pub mod cert;
pub mod diff;
pub mod envelope;
pub mod input_digest;
pub mod inspect;
pub mod key;
pub mod key_hint;
pub mod key_secret;
pub mod keyring;
pub mod merge;
mod pem;
mod primitives;
pub mod random;
pub mod raw;
pub mod recent_keys;
pub mod render;
pub mod reseal;
pub mod seal;
pub mod sealed_value;
pub mod sealer;
pub mod secret;
mod secret_bytes;
pub mod size;
pub mod unseal;
pub mod v2;

pub use primitives::CryptoFailure;
pub use random::SystemRandom;
pub use secret_bytes::SecretBytes;
