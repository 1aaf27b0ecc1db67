//! Files that age (age-encryption.org/v1) encrypts.

use std::io::{Read as _, Write as _};
use std::path::Path;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::x25519::Recipient;
use age::{Decryptor, Encryptor, IdentityFile};
use manifest::text_lossy;
use zeroize::Zeroizing;

use super::KeysError;
use crate::error::Error;
use crate::files;
use crate::quoting;

/// How an encrypted file begins that is text.
const ARMOR: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
/// How an encrypted file begins that is no text.
const BINARY: &[u8] = b"age-encryption.org/v1";

/// Whether these are the bytes of an encrypted file.
pub(crate) fn is_encrypted(bytes: &[u8]) -> bool {
    bytes.starts_with(BINARY) || text_lossy(bytes).starts_with(ARMOR)
}

/// Encrypts to all `recipients` (`age1…`); the result is text.
///
/// # Errors
/// [`KeysError::NotARecipient`], [`KeysError::Age`].
pub(crate) fn encrypted(clear: &[u8], recipients: &[String]) -> Result<Vec<u8>, KeysError> {
    let keys: Vec<Recipient> = recipients
        .iter()
        .map(|text| text.parse().map_err(|_| KeysError::NotARecipient(text.clone())))
        .collect::<Result<_, _>>()?;
    let failed = |error: &dyn std::fmt::Display| KeysError::Age(error.to_string());
    let encryptor = Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
        .map_err(|error| failed(&error))?;
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
    let text = text_lossy(&bytes);
    let encrypted = if bytes.starts_with(BINARY) {
        bytes.as_slice()
    } else {
        text.as_bytes()
    };
    let decryptor = Decryptor::new_buffered(ArmoredReader::new(encrypted)).map_err(|error| failed(&error))?;
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
