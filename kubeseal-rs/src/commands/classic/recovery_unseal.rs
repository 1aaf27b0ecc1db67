//! `--recovery-unseal`: SealedSecrets and private keys → Secrets in clear, offline.

use jiff::Zoned;
use manifest::Format;
use sealing::SystemRandom;
use sealing::recent_keys::RecentKeys;
use sealing::render::Rendering;
use sealing::unseal::{UnsealError, fill_namespace, unseal};

use crate::commands::private_keys::{PrivateKeys, held_keys};
use crate::commands::read::{read_before, read_objects};
use crate::error::Error;
use crate::files::{self, Input, Output};
use crate::objects::{self, Fault, InputName};

/// Opens all SealedSecrets, then writes the result at once.
pub(crate) fn run(
    input: &Input,
    namespace: Option<&str>,
    output: &Output,
    format: Format,
    keys: &PrivateKeys,
) -> Result<(), Error> {
    let (bytes, keys) = read_before(input, || read_objects(input), || held_keys(keys))?;
    let name = InputName::of(input);
    let mut rendering = Rendering {
        now: &Zoned::now(),
        random: &mut SystemRandom::default(),
        refuse_nondeterministic: false,
        work: sealing::render::WORK,
    };
    let mut clear = Vec::new();
    let lately = RecentKeys::default();
    for (document, mut sealed) in name.sealed_secrets(name.documents(&bytes)?)? {
        fill_namespace(&mut sealed, namespace);
        let opened = unseal(&sealed, &keys.ring, &lately.keys(), &mut rendering).map_err(|error| {
            let fault = match error {
                UnsealError::Items(_) if keys.ring.is_empty() => Fault::UnsealWithoutKeys(error),
                other => keys.explained(other),
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
