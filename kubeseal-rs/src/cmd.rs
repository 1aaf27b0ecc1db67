//! The verbs: each reads, asks [`sealing`], and writes once.

pub(crate) mod fetch_cert;
pub(crate) mod lint;
pub(crate) mod raw;
pub(crate) mod recovery_unseal;
pub(crate) mod seal;
pub(crate) mod seal_files;
pub(crate) mod validate;

use zeroize::Zeroizing;

use crate::command::Input;
use crate::error::Error;
use crate::files;

/// Reads the Kubernetes objects that `--secret-file` or stdin holds; the bytes are wiped when dropped.
fn read_objects(input: &Input) -> Result<Zeroizing<Vec<u8>>, Error> {
    files::read(input, "json/yaml k8s resource").map_err(|error| match input {
        Input::File(_) => Error::SecretFile(error),
        Input::Stdin => Error::File(error),
    })
}
