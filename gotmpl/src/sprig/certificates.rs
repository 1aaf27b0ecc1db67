//! Certificates that templates make: authorities, self-signed ones, and ones signed by an authority.

use std::any::Any;
use std::net::IpAddr;
use std::time::Duration;

use der::asn1::{
    BitString, GeneralizedTime, Ia5String, OctetString, PrintableStringRef, SetOfVec, UtcTime, Utf8StringRef,
};
use der::{Decode, Encode};
use rand_chacha::rand_core::RngCore;
use sha2::{Digest, Sha256};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{AsExtension, Extension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};

use super::encoding::decode_base64;
use super::keys::{PrivateKey, to_pem};
use super::random::generator;
use super::{I, Outcome, S};
use crate::context::Context;
use crate::function::{Args, Func, FuncError};
use crate::types::{Kind, Named, Type};
use crate::value::{List, Object, Str, Value};

const LIST: Type = Type::List(&Type::Any);
const AUTHORITY: Type = Type::Named(&CERTIFICATE);

pub(super) static FUNCS: &[Func] = &[
    Func::new("genCA", &[S, I], |context, args| {
        let key = PrivateKey::new_rsa(context, 2048)?;
        authority(context, args, &key)
    })
    .nondeterministic(),
    Func::new("genCAWithKey", &[S, I, S], |context, args| {
        let key = PrivateKey::from_pem(context, args.bytes(2)?)?;
        authority(context, args, &key)
    })
    .nondeterministic(),
    Func::new("genSelfSignedCert", &[S, LIST, LIST, I], |context, args| {
        let key = PrivateKey::new_rsa(context, 2048)?;
        self_signed(context, args, &key)
    })
    .nondeterministic(),
    Func::new("genSelfSignedCertWithKey", &[S, LIST, LIST, I, S], |context, args| {
        let key = PrivateKey::from_pem(context, args.bytes(4)?)?;
        self_signed(context, args, &key)
    })
    .nondeterministic(),
    Func::new("genSignedCert", &[S, LIST, LIST, I, AUTHORITY], |context, args| {
        let key = PrivateKey::new_rsa(context, 2048)?;
        signed(context, args, &key)
    })
    .nondeterministic(),
    Func::new(
        "genSignedCertWithKey",
        &[S, LIST, LIST, I, AUTHORITY, S],
        |context, args| {
            let key = PrivateKey::from_pem(context, args.bytes(5)?)?;
            signed(context, args, &key)
        },
    )
    .nondeterministic(),
    Func::new("buildCustomCert", &[S, S], build_custom),
];

const FAILED: FuncError = FuncError::Failed("no certificate could be made");
const NO_CERTIFICATE: FuncError = FuncError::Failed("no certificate");

static CERTIFICATE: Named = Named {
    name: "sprig.certificate",
    kind: Kind::Struct,
};

/// A certificate and its key, in PEM.
struct KeyPair {
    cert: Str,
    key: Str,
}

impl Object for KeyPair {
    fn go_type(&self) -> &'static Named {
        &CERTIFICATE
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn size(&self) -> usize {
        self.cert.len() + self.key.len()
    }

    fn field(&self, name: &str) -> Option<Value> {
        self.fields()
            .into_iter()
            .find_map(|(field, value)| (field == name).then_some(value))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", Value::String(self.cert.clone())),
            ("Key", Value::String(self.key.clone())),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        let other = other.as_any().downcast_ref::<KeyPair>();
        other.is_some_and(|other| self.cert == other.cert && self.key == other.key)
    }
}

/// What a certificate is to say.
struct Wanted {
    subject: Name,
    names: Vec<GeneralName>,
    days: i64,
    is_authority: bool,
}

/// Who signs: the certificate itself, unless another signer is given.
struct Signer<'s> {
    subject: Name,
    key: &'s PrivateKey,
    key_id: Option<Vec<u8>>,
}

fn authority(context: &mut Context<'_>, args: Args<'_>, key: &PrivateKey) -> Outcome {
    let wanted = Wanted {
        subject: common_name(args.bytes(0)?)?,
        names: Vec::new(),
        days: args.int(1)?,
        is_authority: true,
    };
    make(context, &wanted, key, None)
}

fn self_signed(context: &mut Context<'_>, args: Args<'_>, key: &PrivateKey) -> Outcome {
    let wanted = wanted(context, args)?;
    make(context, &wanted, key, None)
}

fn signed(context: &mut Context<'_>, args: Args<'_>, key: &PrivateKey) -> Outcome {
    let authority = args.object::<KeyPair>(4)?;
    let cert = parse(&authority.cert)?;
    let signer_key = PrivateKey::from_pem(context, &authority.key)?;
    let same_key = cert
        .tbs_certificate
        .subject_public_key_info
        .to_der()
        .is_ok_and(|info| signer_key.public_key() == Ok(info));
    if !same_key {
        return Err(FuncError::Failed(
            "the authority's certificate and key do not belong together",
        ));
    }
    let wanted = wanted(context, args)?;
    let extensions = cert.tbs_certificate.extensions.iter().flatten();
    let key_id = extensions
        .filter(|extension| extension.extn_id == const_oid(SUBJECT_KEY_ID))
        .find_map(|extension| SubjectKeyIdentifier::from_der(extension.extn_value.as_bytes()).ok());
    let signer = Signer {
        subject: cert.tbs_certificate.subject,
        key: &signer_key,
        key_id: key_id.map(|id| id.0.as_bytes().to_vec()),
    };
    make(context, &wanted, key, Some(signer))
}

const SUBJECT_KEY_ID: &str = "2.5.29.14";

fn const_oid(dotted: &str) -> der::asn1::ObjectIdentifier {
    der::asn1::ObjectIdentifier::new_unwrap(dotted)
}

/// `cn ips names days …`.
fn wanted(context: &mut Context<'_>, args: Args<'_>) -> Result<Wanted, FuncError> {
    let mut texts = |list: &List| -> Result<Vec<String>, FuncError> {
        let text = |value: &Value| match value {
            Value::String(text) => {
                // It is copied into the name, the extension, the message, the certificate and its PEM.
                context.allocate(text.len().saturating_mul(8).saturating_add(256))?;
                context.steps(4 + text.len() as u64 / 32)?;
                String::from_utf8(text.to_vec()).map_err(|_| FAILED)
            }
            _ => Err(FuncError::Failed("an address or a name is no string")),
        };
        list.items().iter().map(text).collect()
    };
    let mut names = Vec::new();
    let addresses = texts(args.list(1)?)?;
    for name in texts(args.list(2)?)? {
        names.push(GeneralName::DnsName(Ia5String::new(&name).map_err(|_| FAILED)?));
    }
    for address in addresses {
        let address: IpAddr = address.parse().map_err(|_| FuncError::Failed("no IP address"))?;
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address
                .to_ipv4_mapped()
                .map_or(address.octets().to_vec(), |four| four.octets().to_vec()),
        };
        names.push(GeneralName::IpAddress(OctetString::new(bytes).map_err(|_| FAILED)?));
    }
    Ok(Wanted {
        subject: common_name(args.bytes(0)?)?,
        names,
        days: args.int(3)?,
        is_authority: false,
    })
}

/// A name that consists of a common name; of nothing, when that is empty.
fn common_name(name: &[u8]) -> Result<Name, FuncError> {
    let name = std::str::from_utf8(name).map_err(|_| FAILED)?;
    if name.is_empty() {
        return Ok(RdnSequence(Vec::new()));
    }
    let value = match PrintableStringRef::new(name) {
        Ok(printable) => der::Any::from(printable),
        Err(_) => der::Any::from(Utf8StringRef::new(name).map_err(|_| FAILED)?),
    };
    let attribute = AttributeTypeAndValue {
        oid: const_oid("2.5.4.3"),
        value,
    };
    let set = SetOfVec::try_from(vec![attribute]).map_err(|_| FAILED)?;
    Ok(RdnSequence(vec![RelativeDistinguishedName(set)]))
}

fn extension(value: &impl AsExtension, critical: bool) -> Result<Extension, FuncError> {
    let mut extension = value.to_extension(&RdnSequence(Vec::new()), &[]).map_err(|_| FAILED)?;
    extension.critical = critical;
    Ok(extension)
}

/// The extensions in the order in which Go writes them.
fn extensions(wanted: &Wanted, key_id: &[u8], authority_id: Option<&[u8]>) -> Result<Vec<Extension>, FuncError> {
    let usage = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
    let usage = if wanted.is_authority {
        usage | KeyUsages::KeyCertSign
    } else {
        usage
    };
    let octets = |bytes: &[u8]| OctetString::new(bytes).map_err(|_| FAILED);
    let purposes = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"].map(const_oid);
    let constraints = BasicConstraints {
        ca: wanted.is_authority,
        path_len_constraint: None,
    };
    let mut all = vec![
        extension(&KeyUsage(usage), true)?,
        extension(&ExtendedKeyUsage(purposes.to_vec()), false)?,
        extension(&constraints, true)?,
    ];
    if wanted.is_authority {
        all.push(extension(&SubjectKeyIdentifier(octets(key_id)?), false)?);
    }
    if let Some(id) = authority_id {
        let id = AuthorityKeyIdentifier {
            key_identifier: Some(octets(id)?),
            ..AuthorityKeyIdentifier::default()
        };
        all.push(extension(&id, false)?);
    }
    if !wanted.names.is_empty() {
        let nameless = wanted.subject.0.is_empty();
        all.push(extension(&SubjectAltName(wanted.names.clone()), nameless)?);
    }
    Ok(all)
}

/// From now on, for so many days.
fn validity(context: &Context<'_>, days: i64) -> Result<Validity, FuncError> {
    let now = context.now().timestamp().as_second();
    // Go counts nanoseconds, and they overflow.
    let length = days.wrapping_mul(24 * 3600 * 1_000_000_000) / 1_000_000_000;
    let time = |seconds: i64| {
        let since = Duration::from_secs(u64::try_from(seconds).ok()?);
        match UtcTime::from_unix_duration(since) {
            Ok(time) => Some(Time::UtcTime(time)),
            Err(_) => GeneralizedTime::from_unix_duration(since).ok().map(Time::GeneralTime),
        }
    };
    let (not_before, not_after) = time(now).zip(time(now.saturating_add(length))).ok_or(FAILED)?;
    Ok(Validity { not_before, not_after })
}

fn make(context: &mut Context<'_>, wanted: &Wanted, key: &PrivateKey, signer: Option<Signer<'_>>) -> Outcome {
    let public = key.public_key()?;
    let public = SubjectPublicKeyInfoOwned::from_der(&public).map_err(|_| FAILED)?;
    // RFC 7093, method 1.
    let digest = Sha256::digest(public.subject_public_key.raw_bytes());
    let key_id = digest.get(..20).unwrap_or_default();
    let signer = signer.unwrap_or_else(|| Signer {
        subject: wanted.subject.clone(),
        key,
        key_id: None,
    });
    let authority_id = signer.key_id.as_deref().filter(|_| signer.subject != wanted.subject);
    let mut serial = [0; 16];
    generator(context)?.fill_bytes(&mut serial);
    let algorithm = signer.key.algorithm()?;
    let algorithm = x509_cert::spki::AlgorithmIdentifierOwned::from_der(&algorithm).map_err(|_| FAILED)?;
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&serial).map_err(|_| FAILED)?,
        signature: algorithm.clone(),
        issuer: signer.subject,
        validity: validity(context, wanted.days)?,
        subject: wanted.subject.clone(),
        subject_public_key_info: public,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions(wanted, key_id, authority_id)?),
    };
    let message = tbs_certificate.to_der().map_err(|_| FAILED)?;
    context.allocate(message.len().saturating_mul(4))?;
    context.steps(message.len() as u64 / 32)?;
    let signature = signer.key.sign(context, &message)?;
    let certificate = Certificate {
        tbs_certificate,
        signature_algorithm: algorithm,
        signature: BitString::from_bytes(&signature).map_err(|_| FAILED)?,
    };
    let der = certificate.to_der().map_err(|_| FAILED)?;
    Ok(Value::object(KeyPair {
        cert: to_pem("CERTIFICATE", &der).as_bytes().into(),
        key: key.to_pem()?.as_bytes().into(),
    }))
}

fn parse(text: &[u8]) -> Result<Certificate, FuncError> {
    let block = pem::parse(text).map_err(|_| NO_CERTIFICATE)?;
    Certificate::from_der(block.contents()).map_err(|_| NO_CERTIFICATE)
}

/// A certificate and a key that were made elsewhere, both in base64 of their PEM, when they can be read.
fn build_custom(context: &mut Context<'_>, args: Args<'_>) -> Outcome {
    context.steps(40_000)?;
    let decoded = |index| -> Result<Vec<u8>, FuncError> { decode_base64(args.bytes(index)?).ok_or(NO_CERTIFICATE) };
    let (cert, key) = (Str::from(decoded(0)?), Str::from(decoded(1)?));
    parse(&cert)?;
    PrivateKey::from_pem(context, &key)?;
    Ok(Value::object(KeyPair { cert, key }))
}
