//! What commands read: inputs, and files that must not have changed since.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::Path;

use crds::SealedSecret;
use sealing::binding::BindingError;
use sealing::unseal::{binding, fill_namespace};
use zeroize::Zeroizing;

use super::error::CommandError;
use crate::error::{Error, Hinted};
use crate::files::{self, FileError, Input, is_stream};
use crate::lint::{Namespaces, Purpose};
use crate::objects::{Fault, InputName};
use crate::typed::Typed;

/// Reads the Kubernetes objects that `--secret-file` or stdin holds; the bytes are wiped when dropped.
pub(super) fn read_objects(input: &Input) -> Result<Zeroizing<Vec<u8>>, Error> {
    let bytes = files::read(input, "json/yaml k8s resource").map_err(|error| match input {
        Input::File(_) => Error::from(SecretFile(error)),
        Input::Stdin | Input::StdinOr(_) => error.into(),
    })?;
    check_came(input, bytes.trim_ascii())?;
    Ok(bytes)
}

/// That something came from stdin, where nothing shows that something else was meant.
pub(super) fn check_came(input: &Input, bytes: &[u8]) -> Result<(), Error> {
    match input {
        Input::StdinOr(word) if bytes.is_empty() => Err(Error::from(CommandError::from(word.clone())).of_usage()),
        _ => Ok(()),
    }
}

/// What `read` gives of `input`, and what `key` gives (a certificate, private keys). The input comes first, as in the
/// reference, so that a slip in its path is told before a cluster is asked; but from a terminal it comes last: nobody is to
/// type what could not be sealed then.
///
/// # Errors
/// Those of `read` and `key`.
pub(super) fn read_before<I, K>(
    input: &Input,
    read: impl FnOnce() -> Result<I, Error>,
    key: impl FnOnce() -> Result<K, Error>,
) -> Result<(I, K), Error> {
    if *input == Input::Stdin && io::stdin().is_terminal() {
        let key = key()?;
        return Ok((read()?, key));
    }
    let read = read()?;
    Ok((read, key()?))
}

/// Holds the file at `path`, which must still hold what was read from it: what another program wrote meanwhile must not be lost.
///
/// # Errors
/// As [`check_unchanged`].
pub(super) fn hold_unchanged(path: &Path, read: &[u8]) -> Result<Option<File>, Error> {
    let held = files::hold(path)?;
    check_unchanged(path, read)?;
    Ok(held)
}

/// Puts an object without a namespace into that which kustomizations give the objects of its file, if there is one.
///
/// # Errors
/// [`Fault::SeveralNamespaces`].
pub(super) fn place_by_kustomization(
    path: &Path,
    sealed: &mut SealedSecret,
    namespaces: &Namespaces,
    purpose: Purpose,
) -> Result<(), Fault> {
    if is_stream(path) || !matches!(binding(sealed), Err(BindingError::NamespaceMissing(_))) {
        return Ok(());
    }
    let mut given = namespaces.of(path, purpose).into_iter();
    match (given.next(), given.next()) {
        (one, None) => {
            fill_namespace(sealed, one.as_deref());
            Ok(())
        }
        (one, two) => Err(Fault::SeveralNamespaces(
            one.into_iter().chain(two).chain(given).collect(),
        )),
    }
}

/// Whether the file at `path` still holds what was read from it.
///
/// # Errors
/// [`Fault::ChangedMeanwhile`], or that it cannot be read any more.
pub(super) fn check_unchanged(path: &Path, read: &[u8]) -> Result<(), Error> {
    if **files::read_file(path)? == *read {
        Ok(())
    } else {
        Err(InputName(path.display().to_string())
            .fault(Fault::ChangedMeanwhile)
            .into())
    }
}

/// The file of Secrets cannot be read. The text is the reference's.
#[derive(Debug, thiserror::Error)]
#[error("Could not read file specified with --secret-file")]
struct SecretFile(#[source] FileError);

impl Hinted for SecretFile {
    fn hint(&self, _typed: &Typed) -> Option<String> {
        None
    }
}
