//! `kubeseal seal`: flags → what to do.

use std::path::{Path, PathBuf};

use sealing::binding::Scope;

use super::{CertSource, CommandError, Namespace, set};
use crate::args::verb::seal::SealFlags;

/// Seal files, each into a file of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SealFiles {
    /// The files, as typed.
    pub paths: Vec<PathBuf>,
    /// The certificate to seal with.
    pub cert: CertSource,
    /// `--scope`.
    pub scope: Scope,
    /// `--namespace`, or where a Secret that names none gets its namespace.
    pub namespace: Namespace,
    /// `--allow-empty-data`.
    pub allow_empty: bool,
}

impl SealFiles {
    /// Decides what the flags mean.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: SealFlags) -> Result<Self, CommandError> {
        let certificate = &flags.certificate;
        Ok(Self {
            cert: CertSource::of_verb(certificate)?,
            scope: flags.scope.unwrap_or_default(),
            namespace: Namespace::of(flags.namespace.as_ref(), &certificate.cluster),
            allow_empty: flags.allow_empty_data,
            paths: flags
                .paths
                .into_iter()
                .filter_map(|path| set(Some(path)))
                .map(PathBuf::from)
                .collect(),
        })
    }
}

/// The name of the sealed file that belongs to a clear one: `.sealed` before the last ending (`db.yaml` →
/// `db.sealed.yaml`), or at the end where there is none.
pub(crate) fn sealed_name(clear: &Path) -> PathBuf {
    let mut name = clear.file_stem().unwrap_or_default().to_owned();
    name.push(".sealed");
    if let Some(ending) = clear.extension() {
        name.push(".");
        name.push(ending);
    }
    clear.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sealed_name_keeps_the_ending() {
        let cases = [
            ("db.yaml", "db.sealed.yaml"),
            ("a/b/db.secret.yml", "a/b/db.secret.sealed.yml"),
            ("../x.json", "../x.sealed.json"),
            ("plain", "plain.sealed"),
            (".env", ".env.sealed"),
        ];
        for (clear, sealed) in cases {
            assert_eq!(sealed_name(Path::new(clear)), Path::new(sealed), "{clear}");
        }
    }
}
