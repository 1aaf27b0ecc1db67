//! The verbs: each reads, asks [`sealing`], and writes once.

pub(crate) mod doctor;
pub(crate) mod edit_values;
pub(crate) mod fetch_cert;
pub(crate) mod items;
pub(crate) mod keys;
pub(crate) mod lint;
pub(crate) mod manual;
pub(crate) mod merge_into;
pub(crate) mod raw;
pub(crate) mod re_encrypt;
pub(crate) mod recovery_unseal;
pub(crate) mod render;
pub(crate) mod reseal_files;
pub(crate) mod seal;
pub(crate) mod seal_files;
mod sealed_file;
pub(crate) mod unseal_files;
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
