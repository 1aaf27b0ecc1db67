//! Archives whose bytes depend on their files alone: the layer of the image, and what people download.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use tar::{Builder, EntryType, Header};

/// A file. All are root's, so that in the image the controller's user can change none of them.
pub(crate) struct File<'a> {
    /// From the root, without a slash in front.
    pub path: &'a str,
    pub bytes: &'a [u8],
    /// Its permissions.
    pub mode: u32,
}

/// A tar archive (ustar) of the files and of the folders that they are in. The same files give the same bytes: all times
/// are 1970, and nothing of this machine goes in.
pub(crate) fn tar(files: &[File<'_>]) -> Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    let folders: BTreeSet<&Path> = files
        .iter()
        .flat_map(|file| Path::new(file.path).ancestors().skip(1))
        .filter(|folder| !folder.as_os_str().is_empty())
        .collect();
    for folder in folders {
        let mut header = header(EntryType::Directory, 0, 0o755);
        archive.append_data(&mut header, folder.join(""), &[][..])?;
    }
    for file in files {
        let size = u64::try_from(file.bytes.len()).context("a file's size")?;
        let mut header = header(EntryType::Regular, size, file.mode);
        archive.append_data(&mut header, file.path, file.bytes)?;
    }
    Ok(archive.into_inner()?)
}

fn header(kind: EntryType, size: u64, mode: u32) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_come_before_their_files_and_nothing_belongs_to_anybody() {
        let file = File {
            path: "usr/bin/a",
            bytes: b"text",
            mode: 0o755,
        };
        let bytes = tar(&[file]).unwrap();
        let mut archive = tar::Archive::new(&*bytes);
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                assert_eq!((header.uid().unwrap(), header.mtime().unwrap()), (0, 0));
                (entry.path().unwrap().display().to_string(), header.mode().unwrap())
            })
            .collect();
        let expected = [("usr/", 0o755), ("usr/bin/", 0o755), ("usr/bin/a", 0o755)];
        assert_eq!(entries, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }
}
