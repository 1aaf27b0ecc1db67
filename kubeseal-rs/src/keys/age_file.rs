//! Files that age (age-encryption.org/v1) encrypts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::io::{Read as _, Write as _};
use std::path::Path;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::x25519::Recipient;
use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, IdentityFile};
use age_core::format::{FileKey, Stanza};
use manifest::text_lossy;
use zeroize::Zeroizing;

use super::KeysError;
use crate::error::Error;
use crate::files;
use crate::quoting;

/// How an encrypted file begins that is text.
const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
/// How an encrypted file begins that is not text.
const BINARY: &[u8] = b"age-encryption.org/v1";

/// The stanza of the header that names a key in the file. Readers skip it, as the format requires.
const MARK: &str = "sealed-secrets-key";

/// As a recipient: names the keys of a file beside its recipients. They are public, and open nothing.
struct Named<'a>(&'a BTreeSet<String>);

impl age::Recipient for Named<'_> {
    fn wrap_file_key(&self, _: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let mark = |key: &String| Stanza {
            tag: MARK.to_owned(),
            args: vec![key.clone()],
            body: Vec::new(),
        };
        Ok((self.0.iter().map(mark).collect(), HashSet::new()))
    }
}

/// As an identity: collects those names, and opens nothing.
#[derive(Default)]
struct Names(RefCell<BTreeSet<String>>);

impl Identity for Names {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        if stanza.tag == MARK {
            self.0.borrow_mut().extend(stanza.args.iter().cloned());
        }
        None
    }
}

/// The keys that an encrypted file says it holds; none of a file that says nothing.
pub(crate) fn named(bytes: &[u8]) -> BTreeSet<String> {
    let names = Names::default();
    if let Ok(decryptor) = Decryptor::new_buffered(ArmoredReader::new(&*armored(bytes))) {
        // No identity is among them.
        let _ = decryptor.decrypt(std::iter::once(&names as &dyn Identity));
    }
    names.0.into_inner()
}

/// What age reads: text as UTF-8.
fn armored(bytes: &[u8]) -> Cow<'_, [u8]> {
    match bytes.starts_with(BINARY) {
        true => Cow::Borrowed(bytes),
        false => Cow::Owned(text_lossy(bytes).as_bytes().to_vec()),
    }
}

/// Whether these are the bytes of an encrypted file.
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(BINARY) || text_lossy(bytes).starts_with(ARMOR)
}

/// Recipients as they are typed: `age1…`.
///
/// # Errors
/// [`KeysError::NotARecipient`].
pub(crate) fn recipients(texts: &[String]) -> Result<Vec<Recipient>, KeysError> {
    let read = |text: &String| text.parse().map_err(|_| KeysError::NotARecipient(text.clone()));
    texts.iter().map(read).collect()
}

/// Encrypts to all `recipients`, and names the `keys` in it; the result is text.
///
/// # Errors
/// [`KeysError::Age`].
pub(crate) fn encrypted(clear: &[u8], recipients: &[Recipient], keys: &BTreeSet<String>) -> Result<Vec<u8>, KeysError> {
    let failed = |error: &dyn std::fmt::Display| KeysError::Age(error.to_string());
    let named = Named(keys);
    let named = (!keys.is_empty()).then_some(&named as &dyn age::Recipient);
    let all = recipients.iter().map(|one| one as &dyn age::Recipient).chain(named);
    let encryptor = Encryptor::with_recipients(all).map_err(|error| failed(&error))?;
    let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).map_err(|error| failed(&error))?;
    let mut writer = encryptor.wrap_output(armor).map_err(|error| failed(&error))?;
    writer.write_all(clear).map_err(|error| failed(&error))?;
    let armor = writer.finish().map_err(|error| failed(&error))?;
    armor.finish().map_err(|error| failed(&error))
}

/// The bytes in clear: as they are when they are not encrypted, else opened with one of the identities in the file
/// `identity`. `name` is that of their source for messages.
///
/// # Errors
/// [`KeysError`], or that the file of identities cannot be read.
pub(crate) fn in_clear(
    bytes: Zeroizing<Vec<u8>>,
    identity: Option<&Path>,
    name: &str,
) -> Result<Zeroizing<Vec<u8>>, Error> {
    if !is_encrypted(&bytes) {
        return Ok(bytes);
    }
    let identity = identity.ok_or_else(|| KeysError::Encrypted(name.to_owned()))?;
    let file = files::read_file(identity)?;
    let not_one = || KeysError::NotAnIdentity(quoting::path(identity));
    let identities = IdentityFile::from_buffer(text_lossy(&file).as_bytes())
        .ok()
        .and_then(|file| file.into_identities().ok())
        .filter(|identities| !identities.is_empty())
        .ok_or_else(not_one)?;
    let failed = |error: &dyn std::fmt::Display| KeysError::Age(error.to_string());
    let encrypted = armored(&bytes);
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(&*encrypted)).map_err(|error| failed(&error))?;
    let mut reader = decryptor
        .decrypt(
            identities
                .iter()
                .map(|identity| identity.as_ref() as &dyn age::Identity),
        )
        .map_err(|error| failed(&error))?;
    let mut clear = Zeroizing::new(Vec::new());
    reader.read_to_end(&mut clear).map_err(|error| failed(&error))?;
    Ok(clear)
}
