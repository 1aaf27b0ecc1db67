//! Private keys that templates make and read: RSA, ECDSA, Ed25519 and DSA, in the PEM forms of Go's `x509`.
//!
//! They come from the rendering's own random source, which no backend with a source of its own would take, so these are
//! the pure-Rust crates. The keys are new to the world when the template is rendered; they sign a certificate there and
//! open nothing. A sealed key (`gen*WithKey`) signs again at every rendering, so signatures of RSA are blinded: the timing
//! weakness of the `rsa` crate (RUSTSEC-2023-0071) has no target.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Encode};
use ed25519_dalek::Signer;
use pkcs8::{AlgorithmIdentifierRef, EncodePublicKey, PrivateKeyInfo};
use rand_chacha::rand_core::RngCore;
use rsa::RsaPrivateKey;
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::traits::PublicKeyParts;
use sec1::{EcParameters, EcPrivateKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::random::generator;
use super::{Outcome, S, text};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};

pub(super) static FUNCS: &[Func] = &[Func::new("genPrivateKey", &[S], gen_private_key).nondeterministic()];

const FAILED: FuncError = FuncError::Failed("no key could be made");
const NO_KEY: FuncError = FuncError::Failed("no private key");

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// A private key.
pub(super) enum PrivateKey {
    Rsa(Box<RsaPrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(Box<p521::SecretKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    /// The DER of Go's (and OpenSSL's) own form. Such a key signs no certificate.
    Dsa(Zeroizing<Vec<u8>>),
}

/// A new key of a kind; an unknown kind gives a text that says so, as in the original.
fn gen_private_key(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    let kind = args.bytes(0)?;
    let key = match kind {
        b"" | b"rsa" => PrivateKey::new_rsa(context, 4096)?,
        b"dsa" => new_dsa(context)?,
        b"ecdsa" => new_p256(context)?,
        b"ed25519" => {
            context.steps(2000)?;
            let mut seed = Zeroizing::new([0; 32]);
            generator(context)?.fill_bytes(seed.as_mut());
            PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed)))
        }
        _ => return text([b"Unknown type ", kind].concat()),
    };
    text(key.to_pem()?.as_bytes())
}

fn new_p256(context: &mut Context<'_>) -> Result<PrivateKey, FuncError> {
    context.steps(2000)?;
    let mut random = generator(context)?;
    Ok(PrivateKey::P256(p256::SecretKey::random(&mut random)))
}

// What keys and signatures cost, see `Limits::work`.
const RSA_2048: u32 = 250;
const RSA_4096: u32 = 2500;
const DSA_2048: u32 = 1500;
const SIGNATURE: u32 = 25;
const READING: u32 = 2;

/// The price for a key of another size: the work grows with the third power.
fn of_size(price: u32, bytes: usize, usual: usize) -> u32 {
    let cube = |bytes: usize| (bytes as u64).saturating_pow(3);
    let price = u64::from(price).saturating_mul(cube(bytes)) / cube(usual);
    u32::try_from(price).unwrap_or(u32::MAX)
}

/// 2048 bits with a subgroup of 256.
fn new_dsa(context: &mut Context<'_>) -> Result<PrivateKey, FuncError> {
    context.work(DSA_2048)?;
    let mut random = generator(context)?;
    let components = dsa::Components::generate(&mut random, dsa::KeySize::DSA_2048_256);
    let key = dsa::SigningKey::generate(&mut random, components);
    let public = key.verifying_key();
    let group = public.components();
    let numbers = [
        Vec::new(),
        group.p().to_bytes_be(),
        group.q().to_bytes_be(),
        group.g().to_bytes_be(),
        public.y().to_bytes_be(),
        key.x().to_bytes_be(),
    ];
    let numbers: Vec<_> = numbers
        .iter()
        .map(|number| UintRef::new(number))
        .collect::<Result<_, _>>()
        .map_err(|_| FAILED)?;
    Ok(PrivateKey::Dsa(Zeroizing::new(numbers.to_der().map_err(|_| FAILED)?)))
}

fn der_of(value: &impl Encode) -> Result<Vec<u8>, FuncError> {
    value.to_der().map_err(|_| FAILED)
}

/// The DER of SEC 1 with the curve in it, which Go wants.
fn sec1_der(curve: ObjectIdentifier, scalar: &[u8], public: &[u8]) -> Result<Zeroizing<Vec<u8>>, FuncError> {
    let key = EcPrivateKey {
        private_key: scalar,
        parameters: Some(EcParameters::NamedCurve(curve)),
        public_key: Some(public),
    };
    der_of(&key).map(Zeroizing::new)
}

/// SEC 1 for one curve's crate.
macro_rules! sec1_of {
    ($curve:expr, $key:expr) => {{
        use p256::elliptic_curve::sec1::ToEncodedPoint;
        let public = $key.public_key().to_encoded_point(false);
        sec1_der($curve, &Zeroizing::new($key.to_bytes()), public.as_bytes())?
    }};
}

impl PrivateKey {
    pub(super) fn new_rsa(context: &mut Context<'_>, bits: usize) -> Result<PrivateKey, FuncError> {
        context.work(if bits > 2048 { RSA_4096 } else { RSA_2048 })?;
        let key = RsaPrivateKey::new(&mut generator(context)?, bits).map_err(|_| FAILED)?;
        Ok(PrivateKey::Rsa(Box::new(key)))
    }

    /// The PEM that Go writes: PKCS #1 for RSA, SEC 1 for ECDSA, PKCS #8 for Ed25519, a form of its own for DSA.
    pub(super) fn to_pem(&self) -> Result<Zeroizing<String>, FuncError> {
        let (label, der) = match self {
            PrivateKey::Rsa(key) => {
                let der = key.to_pkcs1_der().map_err(|_| FAILED)?;
                ("RSA PRIVATE KEY", Zeroizing::new(der.as_bytes().to_vec()))
            }
            PrivateKey::P256(key) => ("EC PRIVATE KEY", sec1_of!(P256, key)),
            PrivateKey::P384(key) => ("EC PRIVATE KEY", sec1_of!(P384, key)),
            PrivateKey::P521(key) => ("EC PRIVATE KEY", sec1_of!(P521, key)),
            PrivateKey::Ed25519(key) => {
                let seed = Zeroizing::new(key.to_bytes());
                let inner = Zeroizing::new(der_of(&OctetStringRef::new(seed.as_ref()).map_err(|_| FAILED)?)?);
                let algorithm = AlgorithmIdentifierRef {
                    oid: ED25519,
                    parameters: None,
                };
                (
                    "PRIVATE KEY",
                    Zeroizing::new(der_of(&PrivateKeyInfo::new(algorithm, &inner))?),
                )
            }
            PrivateKey::Dsa(der) => ("DSA PRIVATE KEY", der.clone()),
        };
        Ok(to_pem(label, &der))
    }

    /// A key in any of the PEM forms that Go's `x509` reads.
    pub(super) fn from_pem(context: &mut Context<'_>, text: &[u8]) -> Result<PrivateKey, FuncError> {
        let block = pem::parse(text).map_err(|_| NO_KEY)?;
        // A key of RSA is checked, with numbers as long as they happen to be.
        context.work(of_size(READING, block.contents().len(), 1200))?;
        match block.tag() {
            "PRIVATE KEY" => PrivateKey::from_pkcs8(block.contents()),
            "RSA PRIVATE KEY" => PrivateKey::from_pkcs1(block.contents()),
            "EC PRIVATE KEY" => PrivateKey::from_sec1(block.contents(), None),
            "DSA PRIVATE KEY" => {
                let numbers = Vec::<UintRef<'_>>::from_der(block.contents()).map_err(|_| NO_KEY)?;
                let whole = numbers.len() == 6;
                whole
                    .then(|| PrivateKey::Dsa(Zeroizing::new(block.contents().to_vec())))
                    .ok_or(NO_KEY)
            }
            _ => Err(NO_KEY),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<PrivateKey, FuncError> {
        let key = RsaPrivateKey::from_pkcs1_der(der).map_err(|_| NO_KEY)?;
        Ok(PrivateKey::Rsa(Box::new(key)))
    }

    fn from_sec1(der: &[u8], curve: Option<ObjectIdentifier>) -> Result<PrivateKey, FuncError> {
        let key = EcPrivateKey::from_der(der).map_err(|_| NO_KEY)?;
        let named = key.parameters.and_then(|parameters| parameters.named_curve());
        let scalar = key.private_key;
        Ok(match curve.or(named) {
            Some(P256) => PrivateKey::P256(p256::SecretKey::from_slice(scalar).map_err(|_| NO_KEY)?),
            Some(P384) => PrivateKey::P384(p384::SecretKey::from_slice(scalar).map_err(|_| NO_KEY)?),
            Some(P521) => PrivateKey::P521(Box::new(p521::SecretKey::from_slice(scalar).map_err(|_| NO_KEY)?)),
            _ => return Err(NO_KEY),
        })
    }

    fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, FuncError> {
        let info = PrivateKeyInfo::from_der(der).map_err(|_| NO_KEY)?;
        match info.algorithm.oid {
            RSA => PrivateKey::from_pkcs1(info.private_key),
            EC => {
                let curve = info.algorithm.parameters_oid().map_err(|_| NO_KEY)?;
                PrivateKey::from_sec1(info.private_key, Some(curve))
            }
            ED25519 => {
                let seed = OctetStringRef::from_der(info.private_key).map_err(|_| NO_KEY)?;
                let seed = seed.as_bytes().try_into().map_err(|_| NO_KEY)?;
                Ok(PrivateKey::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(
                    seed,
                ))))
            }
            _ => Err(NO_KEY),
        }
    }

    /// The DER of the public key (SubjectPublicKeyInfo).
    pub(super) fn public_key(&self) -> Result<Vec<u8>, FuncError> {
        let document = match self {
            PrivateKey::Rsa(key) => key.to_public_key().to_public_key_der(),
            PrivateKey::P256(key) => key.public_key().to_public_key_der(),
            PrivateKey::P384(key) => key.public_key().to_public_key_der(),
            PrivateKey::P521(key) => key.public_key().to_public_key_der(),
            PrivateKey::Ed25519(key) => key.verifying_key().to_public_key_der(),
            PrivateKey::Dsa(_) => return Err(FuncError::Failed("a DSA key makes no certificate")),
        };
        document
            .map(|document| document.as_bytes().to_vec())
            .map_err(|_| FAILED)
    }

    /// The DER of the identifier of the algorithm by which Go signs with this kind of key.
    pub(super) fn algorithm(&self) -> Result<Vec<u8>, FuncError> {
        let oid = match self {
            PrivateKey::Rsa(_) => SHA256_WITH_RSA,
            PrivateKey::P256(_) => ECDSA_WITH_SHA256,
            PrivateKey::P384(_) => ECDSA_WITH_SHA384,
            PrivateKey::P521(_) => ECDSA_WITH_SHA512,
            PrivateKey::Ed25519(_) => ED25519,
            PrivateKey::Dsa(_) => return Err(FuncError::Failed("a DSA key makes no certificate")),
        };
        let parameters = matches!(self, PrivateKey::Rsa(_)).then_some(AnyRef::NULL);
        der_of(&AlgorithmIdentifierRef { oid, parameters })
    }

    /// Signs by [`PrivateKey::algorithm`].
    pub(super) fn sign(&self, context: &mut Context<'_>, message: &[u8]) -> Result<Vec<u8>, FuncError> {
        context.work(match self {
            PrivateKey::Rsa(key) => of_size(SIGNATURE, key.size(), 256).max(SIGNATURE),
            _ => SIGNATURE,
        })?;
        context.steps(3000)?;
        Ok(match self {
            PrivateKey::Rsa(key) => {
                let digest = Sha256::digest(message);
                // Blinded: the key may be a sealed one, which signs again and again.
                key.sign_with_rng(&mut generator(context)?, rsa::Pkcs1v15Sign::new::<Sha256>(), &digest)
                    .map_err(|_| FAILED)?
            }
            PrivateKey::P256(key) => {
                let signature: p256::ecdsa::DerSignature = p256::ecdsa::SigningKey::from(key).sign(message);
                signature.as_bytes().to_vec()
            }
            PrivateKey::P384(key) => {
                let signature: p384::ecdsa::DerSignature = p384::ecdsa::SigningKey::from(key).sign(message);
                signature.as_bytes().to_vec()
            }
            PrivateKey::P521(key) => {
                let scalar = Zeroizing::new(key.to_bytes());
                let key = p521::ecdsa::SigningKey::from_bytes(&scalar).map_err(|_| FAILED)?;
                let mut random = generator(context)?;
                let signature: p521::ecdsa::Signature =
                    p521::ecdsa::signature::RandomizedSigner::sign_with_rng(&key, &mut random, message);
                signature.to_der().as_bytes().to_vec()
            }
            PrivateKey::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            PrivateKey::Dsa(_) => return Err(FuncError::Failed("a DSA key makes no certificate")),
        })
    }
}

/// PEM in lines of 64 letters.
pub(super) fn to_pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Zeroizing::new(pem::encode_config(&pem::Pem::new(label, der), config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Limits, Random};

    /// Counts how often it is asked.
    struct Counting(u32);

    impl Random for Counting {
        fn fill(&mut self, buffer: &mut [u8]) -> bool {
            self.0 += 1;
            buffer.fill(7);
            true
        }
    }

    #[test]
    fn rsa_signatures_are_blinded() {
        let now = jiff::Zoned::default();
        let mut random = Counting(0);
        let mut context = Context::new(&now, &mut random, Limits::default());
        let key = PrivateKey::new_rsa(&mut context, 2048).unwrap();
        let signature = key.sign(&mut context, b"message").unwrap();
        // Once for the key, once for the blinding.
        assert_eq!(random.0, 2);
        let PrivateKey::Rsa(key) = key else {
            panic!("an RSA key")
        };
        let scheme = rsa::Pkcs1v15Sign::new::<Sha256>();
        assert!(
            key.to_public_key()
                .verify(scheme, &Sha256::digest(b"message"), &signature)
                .is_ok()
        );
    }

    #[test]
    fn the_price_of_a_key_grows_with_its_size() {
        assert_eq!(of_size(SIGNATURE, 256, 256), 25);
        assert_eq!(of_size(SIGNATURE, 512, 256), 200);
        assert!(of_size(READING, 1 << 20, 1200) > Limits::default().work);
    }
}
