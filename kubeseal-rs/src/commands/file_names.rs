//! The names of a clear file and of the sealed one that belongs to it.

use std::path::{Path, PathBuf};

/// The name of the sealed file that belongs to a clear one: `.sealed` before the last ending (`db.yaml` →
/// `db.sealed.yaml`), or at the end where there is none. What `kubeseal unseal` has called `x.clear.yaml` came from `x.yaml`, and
/// goes back there.
pub(crate) fn sealed_name(clear: &Path) -> PathBuf {
    let sealed = with_sealed(clear);
    let unsealed_from = match clear.extension() {
        Some(ending) if ending == "clear" => Some(clear.with_extension("")),
        Some(ending) => clear
            .file_stem()
            .map(Path::new)
            .filter(|stem| stem.extension() == Some("clear".as_ref()))
            .map(|stem| {
                let mut name = stem.with_extension("").into_os_string();
                name.push(".");
                name.push(ending);
                clear.with_file_name(name)
            }),
        None => None,
    };
    // A clear file of this name has such a sealed one.
    unsealed_from.filter(|_| !sealed.exists()).unwrap_or(sealed)
}

fn with_sealed(clear: &Path) -> PathBuf {
    let mut name = clear.file_stem().unwrap_or_default().to_owned();
    name.push(".sealed");
    if let Some(ending) = clear.extension() {
        name.push(".");
        name.push(ending);
    }
    clear.with_file_name(name)
}

/// The name of the clear file that belongs to a sealed one: without `.sealed` before the ending, or with `.clear` there when
/// it has none.
pub(crate) fn clear_name(sealed: &Path) -> PathBuf {
    let ending = sealed.extension().map(|ending| ending.to_string_lossy().into_owned());
    let stem = sealed.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let stem = match stem.strip_suffix(".sealed") {
        Some(clear) if !clear.is_empty() => clear.to_owned(),
        _ => format!("{stem}.clear"),
    };
    sealed.with_file_name(match ending {
        Some(ending) => format!("{stem}.{ending}"),
        None => stem,
    })
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
            ("a/x.clear.yaml", "a/x.yaml"),
            (".sealed.clear.yaml", ".sealed.yaml"),
            ("plain.clear", "plain"),
            (".clear.yaml", ".clear.sealed.yaml"),
        ];
        for (clear, sealed) in cases {
            assert_eq!(sealed_name(Path::new(clear)), Path::new(sealed), "{clear}");
        }
    }

    #[test]
    fn the_clear_name_is_never_that_of_the_sealed_file() {
        let cases = [
            ("a/db.sealed.yaml", "a/db.yaml"),
            ("db.yaml", "db.clear.yaml"),
            (".sealed.yaml", ".sealed.clear.yaml"),
            ("plain", "plain.clear"),
        ];
        for (sealed, clear) in cases {
            assert_eq!(clear_name(Path::new(sealed)), Path::new(clear), "{sealed}");
        }
    }
}
