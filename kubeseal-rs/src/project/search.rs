//! Finds the project file for a file: upwards from its folder, no higher than the Git root.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{FILE_NAME, Project, ProjectCert, ProjectCluster, ProjectError, WRONG_NAME};
use crate::error::Error;
use crate::files;
use crate::objects::InputName;
use crate::project::CertFile;

/// A project file with the place where it lies.
#[derive(Debug)]
pub(crate) struct Located {
    /// What it says.
    pub(crate) project: Project,
    /// Its own name for messages.
    pub(crate) name: InputName,
    /// The folder that it lies in, without symlinks.
    pub(crate) folder: PathBuf,
    /// The folder that its certificates must lie in: the Git root, or its own folder outside of Git.
    root: PathBuf,
}

impl Located {
    /// The project file for a file in `folder` (without symlinks), if there is one. It is looked for in the folder and
    /// those above it up to the Git root; outside of a Git work tree, up to the current folder when that is above, else in
    /// the folder alone: a file that somebody else could put above it must not choose the key.
    ///
    /// # Errors
    /// A project file that cannot be read, makes no sense, or has a name that would have it ignored.
    pub(crate) fn for_folder(folder: &Path) -> Result<Option<Arc<Self>>, Error> {
        let git = folder.ancestors().find(|above| above.join(".git").exists());
        let current = std::env::current_dir().and_then(dunce::canonicalize).ok();
        let highest = git
            .or_else(|| current.as_deref().filter(|current| folder.starts_with(current)))
            .unwrap_or(folder);
        let below = folder.ancestors().take_while(|above| above.starts_with(highest));
        let found = |folder: &Path| {
            [FILE_NAME, WRONG_NAME]
                .into_iter()
                .find(|name| folder.join(name).exists())
        };
        let Some((lies_in, file_name)) = below.into_iter().find_map(|above| Some((above, found(above)?))) else {
            return Ok(None);
        };
        let path = lies_in.join(file_name);
        let shown = current
            .as_deref()
            .and_then(|current| path.strip_prefix(current).ok())
            .unwrap_or(&path);
        let name = InputName(shown.display().to_string());
        if file_name != FILE_NAME {
            let found = name.0.clone();
            return Err(name.fault(ProjectError::Misnamed { found }).into());
        }
        let project = Project::read(&files::read_small(&path)?).map_err(|error| name.fault(error))?;
        Ok(Some(Arc::new(Self {
            project,
            name,
            folder: lies_in.to_owned(),
            root: git.unwrap_or(lies_in).to_owned(),
        })))
    }

    /// The path of a certificate's file.
    ///
    /// # Errors
    /// It is not there, or lies outside the repository (also by way of a symlink).
    pub(crate) fn cert_file(&self, cluster: &ProjectCluster, path: &Path) -> Result<PathBuf, Error> {
        let path = self.folder.join(path);
        let real = dunce::canonicalize(&path).map_err(|reason| {
            CertFile(files::FileError::Open {
                path: path.clone(),
                reason,
            })
        })?;
        if real.starts_with(&self.root) {
            Ok(real)
        } else {
            let (place, cluster) = (cluster.place, cluster.name.clone());
            Err(self.name.fault(ProjectError::CertOutside { place, cluster }).into())
        }
    }

    /// The path of a cluster's certificate where that is a file, if it has been fetched.
    ///
    /// # Errors
    /// It lies outside the repository, or cannot be looked for.
    pub(crate) fn cert_file_if_there(&self, cluster: &ProjectCluster) -> Result<Option<PathBuf>, Error> {
        let ProjectCert::File(path, _) = &cluster.cert else {
            return Ok(None);
        };
        match self.cert_file(cluster, path) {
            Err(error) => match error.downcast_ref() {
                Some(CertFile(files::FileError::Open { reason, .. })) if reason.kind() == ErrorKind::NotFound => {
                    Ok(None)
                }
                _ => Err(error),
            },
            path => path.map(Some),
        }
    }
}
