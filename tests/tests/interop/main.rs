//! Who seals × who opens × scope × key size: each cell of the matrix is a test. Then the same for format v2.

#![allow(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks is null; what a test cannot change, it fails on"
)]

mod openers;
mod sealers;
mod v2;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, ensure};
use harness::samples;
use harness::sealing_keys::SealingKey;
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use tempfile::TempDir;

use openers::{Laboratory, OPENERS, Opener};
use sealers::{SEALERS, Sealer};

const SIZES: [u32; 2] = [2048, 4096];

/// The reach of a sealed value, by the name that every implementation's flag has for it.
#[derive(Clone, Copy)]
pub(crate) struct Scope(&'static str);

const SCOPES: [Scope; 3] = [Scope("strict"), Scope("namespace-wide"), Scope("cluster-wide")];

/// Shared by all cells: one key of each size.
pub(crate) struct Keys {
    keys: Vec<(u32, SealingKey)>,
    folder: TempDir,
}

impl Keys {
    fn generate() -> Result<Keys> {
        let folder = tempfile::tempdir()?;
        let keys = SIZES
            .into_iter()
            .map(|bits| Ok((bits, SealingKey::generate(folder.path(), bits)?)))
            .collect::<Result<_>>()?;
        Ok(Keys { keys, folder })
    }

    pub(crate) fn of(&self, bits: u32) -> Result<&SealingKey> {
        let found = self.keys.iter().find(|(size, _)| *size == bits);
        Ok(&found.context("no key of this size")?.1)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &SealingKey> {
        self.keys.iter().map(|(_, key)| key)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn main() {
    let laboratory: Arc<OnceLock<Result<Laboratory, String>>> = Arc::default();
    let mut trials = v2::trials();
    for sealer in SEALERS {
        for opener in OPENERS {
            for scope in SCOPES.into_iter().filter(|scope| sealer.knows(*scope)) {
                for bits in SIZES {
                    let name = format!("{sealer} seals, {opener} opens, {}, {bits} bits", scope.0);
                    let laboratory = Arc::clone(&laboratory);
                    trials.push(Trial::test(name, move || {
                        let made = laboratory.get_or_init(|| {
                            Keys::generate()
                                .map(Laboratory::new)
                                .map_err(|error| format!("{error:#}"))
                        });
                        let made = made.as_ref().map_err(String::clone)?;
                        cell(made, sealer, opener, scope, bits).map_err(|error| format!("{error:#}").into())
                    }));
                }
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

fn cell(laboratory: &Laboratory, sealer: Sealer, opener: Opener, scope: Scope, bits: u32) -> Result<()> {
    let key = laboratory.keys().of(bits)?;
    let mut secret = samples::secret(
        "default",
        &format!("{}-{}-{}-{bits}", sealer.id(), opener.id(), scope.0),
    );
    let items = samples::items().into_iter().filter(|(_, value)| sealer.takes(value));
    secret["data"] = json!(samples::encoded(&items.collect()));
    let sealed = sealer.seal(&secret, key, scope).context("sealing")?;
    let text = sealed.to_string();
    for value in secret["data"]
        .as_object()
        .context("data")?
        .values()
        .filter_map(Value::as_str)
    {
        // Short values appear in any base64 text by chance.
        ensure!(
            value.len() < 12 || !text.contains(value),
            "a value stands in the sealed object"
        );
    }
    let opened = laboratory.open(opener, &sealed, key, scope).context("opening")?;
    ensure!(
        opened["data"] == secret["data"],
        "opened: {:#}\nsealed was: {:#}",
        opened["data"],
        secret["data"]
    );
    Ok(())
}
