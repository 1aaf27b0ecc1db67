//! `--recovery-unseal`: SealedSecrets and private keys → Secrets in clear, offline.

use std::sync::Arc;

use jiff::{Timestamp, Zoned};
use manifest::Format;
use sealing::SystemRandom;
use sealing::key_secret::private_keys;
use sealing::keyring::KeyRing;
use sealing::recent_keys::RecentKeys;
use sealing::render::Rendering;
use sealing::unseal::{UnsealError, place, unseal};

use crate::command::{Input, Output, PrivateKeys};
use crate::error::Error;
use crate::files;
use crate::keys::age_file;
use crate::objects::{self, Fault, InputName};

/// Opens all SealedSecrets, then writes the result at once.
pub(crate) fn run(
    input: &Input,
    namespace: Option<&str>,
    output: &Output,
    format: Format,
    keys: &PrivateKeys,
) -> Result<(), Error> {
    let (bytes, keys) =
        crate::commands::read_before(input, || crate::commands::read_objects(input), || key_ring(keys))?;
    let name = InputName::of(input);
    let mut rendering = Rendering {
        now: &Zoned::now(),
        random: &mut SystemRandom::default(),
        refuse_nondeterministic: false,
    };
    let mut clear = Vec::new();
    let lately = RecentKeys::default();
    for (document, mut sealed) in name.sealed_secrets(name.documents(&bytes)?)? {
        place(&mut sealed, namespace);
        let opened = unseal(&sealed, &keys, &lately.keys(), &mut rendering).map_err(|error| {
            let fault = match error {
                UnsealError::Items(_) if keys.is_empty() => Fault::UnsealWithoutKeys(error),
                other => Fault::Unseal(other),
            };
            name.fault_at(document.place(), fault)
        })?;
        lately.opened(&opened.opened_by);
        clear.push(opened.secret.to_value().map_err(|_| name.fault(manifest::EmitError))?);
    }
    let text = objects::text(&clear, format);
    clear.into_iter().for_each(manifest::wipe);
    let text = text.map_err(|error| name.fault(error))?;
    Ok(files::write_clear(output, text.as_bytes())?)
}

/// All keys of all files. Their age is not known from the key alone, so they are tried in the order of the files.
pub(crate) fn key_ring(private: &PrivateKeys) -> Result<KeyRing, Error> {
    let mut keys = KeyRing::default();
    for path in &private.files {
        let name = InputName(path.display().to_string());
        let bytes = age_file::in_clear(files::read_file(path)?, private.identity.as_deref(), &name.0)?;
        for key in private_keys(&bytes).map_err(|error| name.fault(error))? {
            keys.insert(Arc::new(key), Timestamp::UNIX_EPOCH);
        }
    }
    Ok(keys)
}
