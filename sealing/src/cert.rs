//! The sealing certificate: carries the public key, its age and its expiry.

use jiff::Timestamp;
use thiserror::Error;
use x509_parser::der_parser::Oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::key::{KeyError, PublicKey};
use crate::pem;
use crate::primitives;
use crate::v2;

const TAG: &str = "CERTIFICATE";

/// A parsed X.509 certificate with an RSA key.
#[derive(Debug)]
pub struct SealingCert {
    pem: String,
    public: PublicKey,
    not_before: Timestamp,
    not_after: Timestamp,
    subject: String,
    alternative: Option<Alternative>,
}

/// The alternative key of a certificate, not yet read.
#[derive(Debug)]
struct Alternative {
    /// Value of the extension; `None` when the certificate has it more than once.
    value: Option<Vec<u8>>,
    /// SubjectPublicKeyInfo of the RSA key.
    spki: Vec<u8>,
    /// The RSA key has signed the certificate.
    is_self_signed: bool,
}

/// Why a text is not a sealing certificate. The first three messages are the reference's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertError {
    /// There is no `CERTIFICATE` block.
    #[error("data does not contain any valid RSA or ECDSA certificates")]
    NoCertificate,
    /// It holds a key that cannot seal.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It has expired. Holds the last instant of its validity.
    #[error("failed to encrypt using an expired certificate on {}", .0.strftime("%B %-d, %Y"))]
    Expired(Timestamp),
    /// A block is broken. Holds its place, from 1.
    #[error("certificate {0} of the file is malformed")]
    Malformed(usize),
    /// Making a certificate failed.
    #[error("the certificate could not be made")]
    NotMade,
}

impl SealingCert {
    /// Reads a PEM text. The first `CERTIFICATE` block without headers is the sealing certificate; further ones (a
    /// chain) must parse and are otherwise ignored (reference behaviour). Expiry is not checked here.
    ///
    /// # Errors
    /// [`CertError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, CertError> {
        let chain = Self::chain(text)?;
        let first = chain.first().ok_or(CertError::NoCertificate)?;
        Self::from_der(first, PublicKey::from_spki)
    }

    /// Reads a PEM text as [`Self::from_pem`] does, and returns the certificate of this key, wherever it stands:
    /// `tls.crt` of a Secret may begin with a CA. Without one for this key, returns the first.
    ///
    /// # Errors
    /// [`CertError`].
    pub fn of_key(key: &PublicKey, text: &[u8]) -> Result<Self, CertError> {
        let chain = Self::chain(text)?;
        let read = |der: &Zeroizing<Vec<u8>>| Self::from_der(der, PublicKey::of_private_key);
        let mut readable = chain.iter().filter_map(|der| read(der).ok());
        match readable.find(|cert| cert.public.fingerprint() == key.fingerprint()) {
            Some(cert) => Ok(cert),
            None => read(chain.first().ok_or(CertError::NoCertificate)?),
        }
    }

    /// The certificates of a PEM text, as DER; each of them parses.
    fn chain(text: &[u8]) -> Result<Vec<Zeroizing<Vec<u8>>>, CertError> {
        let blocks = pem::blocks(text).ok_or(CertError::Malformed(1))?;
        let chain = blocks
            .into_iter()
            .filter(|block| block.tag == TAG && !block.has_headers);
        chain
            .enumerate()
            .map(|(index, block)| match X509Certificate::from_der(&block.der) {
                Ok(([], _)) => Ok(block.der),
                _ => Err(CertError::Malformed(index + 1)),
            })
            .collect()
    }

    fn from_der(der: &[u8], public: fn(&[u8]) -> Result<PublicKey, KeyError>) -> Result<Self, CertError> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|_| CertError::Malformed(1))?;
        let validity = certificate.validity();
        let instant = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp());
        Ok(Self {
            pem: pem::encode(TAG, der).to_string(),
            public: public(certificate.public_key().raw)?,
            not_before: instant(validity.not_before).map_err(|_| CertError::Malformed(1))?,
            not_after: instant(validity.not_after).map_err(|_| CertError::Malformed(1))?,
            subject: certificate.subject().to_string(),
            alternative: Alternative::of(&certificate),
        })
    }

    /// The certificate's hybrid key; the RSA key must have signed it. A certificate whose hybrid key is broken or not
    /// signed still has its RSA key: a caller that must not fall back to RSA checks this first.
    ///
    /// # Errors
    /// [`v2::HybridKeyMalformed`].
    pub fn hybrid(&self) -> Result<Option<v2::PublicKey>, v2::HybridKeyMalformed> {
        match &self.alternative {
            None => Ok(None),
            Some(Alternative { value: None, .. }) => Err(v2::HybridKeyMalformed),
            Some(Alternative {
                value: Some(value),
                is_self_signed,
                ..
            }) => match v2::decode_extension(value)? {
                Some(_) if !is_self_signed => Err(v2::HybridKeyMalformed),
                hybrid => Ok(hybrid),
            },
        }
    }

    /// The pin of both keys; `None` for a certificate without a hybrid key.
    ///
    /// # Errors
    /// [`v2::HybridKeyMalformed`].
    pub fn pin(&self) -> Result<Option<v2::Pin>, v2::HybridKeyMalformed> {
        let hybrid = self.hybrid()?;
        let both = self.alternative.as_ref().zip(hybrid);
        Ok(both.map(|(alternative, hybrid)| v2::Pin::of(&alternative.spki, &hybrid)))
    }

    /// PEM of this one certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The key that seals.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// First instant of validity; orders keys.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Last instant of validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The subject's distinguished name; empty by default.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Refuses a certificate that has expired at `now`. The start of validity is not checked (reference behaviour).
    ///
    /// # Errors
    /// [`CertError::Expired`].
    pub fn check_not_expired(&self, now: Timestamp) -> Result<(), CertError> {
        if now > self.not_after {
            Err(CertError::Expired(self.not_after))
        } else {
            Ok(())
        }
    }
}

impl Alternative {
    fn of(certificate: &X509Certificate<'_>) -> Option<Self> {
        let id = Oid::from(v2::EXTENSION).ok()?;
        let mut values = certificate.extensions().iter().filter(|extension| extension.oid == id);
        let first = values.next()?;
        Some(Self {
            value: values.next().is_none().then(|| first.value.to_vec()),
            spki: certificate.public_key().raw.to_vec(),
            is_self_signed: is_self_signed(certificate),
        })
    }
}

/// Whether the certificate is signed with its own key, as controllers sign those with a hybrid key. The signature shows
/// that the hybrid key is not damaged, and that the holder of the RSA key added it (as long as RSA is unbroken).
fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    let algorithm = &certificate.signature_algorithm.algorithm;
    *algorithm == x509_parser::oid_registry::OID_PKCS1_SHA256WITHRSA
        && primitives::verifies(
            certificate.public_key().raw,
            certificate.tbs_certificate.as_ref(),
            &certificate.signature_value.data,
        )
}

#[cfg(feature = "aws-lc")]
pub use self_signed::CertParameters;

#[cfg(feature = "aws-lc")]
mod self_signed {
    use rcgen::{
        BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, IsCa, KeyPair,
        KeyUsagePurpose, PKCS_RSA_SHA256, SerialNumber,
    };
    use time::OffsetDateTime;

    use super::*;
    use crate::key::PrivateKey;
    use crate::random::Random;

    /// The variable fields of a new certificate.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct CertParameters {
        /// Common name of subject and issuer; empty for an empty distinguished name (the default).
        pub common_name: String,
        /// Start of validity.
        pub not_before: Timestamp,
        /// End of validity.
        pub not_after: Timestamp,
    }

    impl SealingCert {
        /// Makes the self-signed certificate that the reference makes: X.509 v3, SHA-256 with RSA, key usage
        /// encipher-only (critical), CA without path length (critical), subject key id, random 128-bit serial.
        ///
        /// # Errors
        /// [`CertError::NotMade`] when the backend fails or an instant is outside X.509's range.
        pub fn self_signed(
            key: &PrivateKey,
            parameters: &CertParameters,
            random: &mut dyn Random,
        ) -> Result<Self, CertError> {
            Self::sign_with(key, Vec::new(), parameters, random)
        }

        /// The same, with a hybrid key in the extension for an alternative key.
        ///
        /// # Errors
        /// [`CertError::NotMade`], as of [`Self::self_signed`].
        pub fn self_signed_hybrid(
            key: &PrivateKey,
            hybrid: &v2::PublicKey,
            parameters: &CertParameters,
            random: &mut dyn Random,
        ) -> Result<Self, CertError> {
            let value = v2::encode_extension(hybrid).map_err(|_| CertError::NotMade)?;
            let extension = CustomExtension::from_oid_content(v2::EXTENSION, value);
            Self::sign_with(key, vec![extension], parameters, random)
        }

        fn sign_with(
            key: &PrivateKey,
            extensions: Vec<CustomExtension>,
            parameters: &CertParameters,
            random: &mut dyn Random,
        ) -> Result<Self, CertError> {
            let mut serial = [0; 16];
            random.fill(&mut serial).map_err(|_| CertError::NotMade)?;
            // X.509 serials are positive (RFC 5280 §4.1.2.2).
            serial[0] &= 0x7f;
            let instant = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.as_second());

            let mut params = CertificateParams::default();
            params.distinguished_name = DistinguishedName::new();
            if !parameters.common_name.is_empty() {
                params
                    .distinguished_name
                    .push(DnType::CommonName, parameters.common_name.as_str());
            }
            params.serial_number = Some(SerialNumber::from_slice(&serial));
            params.not_before = instant(parameters.not_before).map_err(|_| CertError::NotMade)?;
            params.not_after = instant(parameters.not_after).map_err(|_| CertError::NotMade)?;
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::EncipherOnly];
            params.custom_extensions = extensions;

            let pkcs8 = key.pkcs8().map_err(|_| CertError::NotMade)?;
            let signer = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.as_slice().into(), &PKCS_RSA_SHA256)
                .map_err(|_| CertError::NotMade)?;
            let certificate = params.self_signed(&signer).map_err(|_| CertError::NotMade)?;
            Self::from_pem(pem::encode(TAG, certificate.der()).as_bytes())
        }
    }
}
