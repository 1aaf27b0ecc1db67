//! The machine's own kubectl.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The oldest client that has all that the tests use (`create token`, `--subresource`).
const OLDEST_MINOR: u32 = 28;

/// The kubectl on the path, if it runs and is at least 1.28.
pub(super) fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join("kubectl"))
        .find(|candidate| candidate.is_file())
        .filter(|candidate| minor_version(candidate).is_some_and(|minor| minor >= OLDEST_MINOR))
}

fn minor_version(kubectl: &std::path::Path) -> Option<u32> {
    let output = Command::new(kubectl)
        .args(["version", "--client", "-o", "json"])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let version: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    parse_minor(version.pointer("/clientVersion/minor")?.as_str()?)
}

/// Vendors append to the minor version: `32+`.
fn parse_minor(minor: &str) -> Option<u32> {
    minor
        .trim_end_matches(|character: char| !character.is_ascii_digit())
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::parse_minor;

    #[test]
    fn a_vendors_suffix_is_not_part_of_the_minor_version() {
        assert_eq!(parse_minor("32+"), Some(32));
        assert_eq!(parse_minor("28"), Some(28));
        assert_eq!(parse_minor(""), None);
    }
}
