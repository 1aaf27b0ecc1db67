//! The certificates that sealed files are held against: what `--cert` names, else what the project files say. Nothing is
//! asked of the network for a project file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use sealing::sealer::Format;

use crate::cert_source::{self, CertSource};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::lint::{Certificate, ClusterKey};
use crate::objects::InputName;
use crate::place::real_place;
use crate::project::CertFile;
use crate::project::search::Located;
use crate::project::{Pin, ProjectCert, ProjectCluster};
use crate::quoting::path_word;
use crate::walk;

/// What is known of the certificates.
#[derive(Default)]
pub(super) struct Certificates {
    /// The one that was named, which beats the project files.
    named: Option<Certificate>,
    /// The project files, by the folders that they are for.
    folders: BTreeMap<PathBuf, Option<Arc<Project>>>,
}

/// What is known for one file.
#[derive(Default)]
pub(super) struct Said {
    /// The certificate that is meant for it, if one is known.
    pub(super) certificate: Option<Certificate>,
    /// The keys of the clusters that it is not meant for.
    pub(super) others: Vec<ClusterKey>,
    /// The version of the format that the project file names.
    pub(super) format: Option<Format>,
}

/// A project file and its clusters.
struct Project {
    located: Arc<Located>,
    clusters: Vec<Known>,
}

/// What can be known of a cluster without asking it.
struct Known {
    name: String,
    /// None on a web server, and while nobody has fetched it.
    certificate: Option<Certificate>,
    /// That of the certificate, else the one that is pinned.
    key: Option<Fingerprint>,
}

impl Certificates {
    /// Those of the project files, but where one is `named`.
    ///
    /// # Errors
    /// The certificate that is named cannot be read.
    pub(super) fn new(named: Option<&CertSource>, environment: &Environment) -> Result<Self, Error> {
        let read = |source| -> Result<Certificate, Error> {
            let (bytes, name) = cert_source::bytes(source, environment)?;
            let file = matches!(source, CertSource::File(_)).then(|| name.0.clone());
            certificate(&bytes, name, file)
        };
        Ok(Self {
            named: named.map(read).transpose()?,
            folders: BTreeMap::new(),
        })
    }

    /// What is known for a file.
    ///
    /// # Errors
    /// A project file that makes no sense, or a certificate of it that cannot be read.
    pub(super) fn of(&mut self, file: &Path) -> Result<Said, Error> {
        if self.named.is_some() {
            return Ok(Said {
                certificate: self.named.clone(),
                ..Said::default()
            });
        }
        let Ok(real) = real_place(file) else {
            return Ok(Said::default());
        };
        let Some(project) = real.parent().map(|folder| self.project(folder)).transpose()?.flatten() else {
            return Ok(Said::default());
        };
        let below = real.strip_prefix(&project.located.folder).unwrap_or(&real);
        let Ok(meant) = project.located.project.cluster_for(below) else {
            return Ok(Said::default());
        };
        let own = project.clusters.iter().find(|known| known.name == meant.name);
        let certificate = own.and_then(|known| known.certificate.clone());
        if let (None, ProjectCert::File(path, _)) = (&certificate, &meant.cert) {
            // It is not there, which is said.
            project.located.cert_file(meant, path)?;
        }
        let own_key = own.and_then(|known| known.key.as_ref());
        let others = project.clusters.iter().filter_map(|known| {
            // Clusters may share a key.
            let key = known.key.as_ref().filter(|key| Some(*key) != own_key)?;
            Some(ClusterKey {
                cluster: known.name.clone(),
                key: key.clone(),
                hybrid: known.certificate.as_ref().and_then(|known| known.hybrid),
            })
        });
        let others = others.filter(|other| other.cluster != meant.name).collect();
        Ok(Said {
            certificate,
            others,
            format: meant.format,
        })
    }

    fn project(&mut self, folder: &Path) -> Result<Option<Arc<Project>>, Error> {
        if let Some(project) = self.folders.get(folder) {
            return Ok(project.clone());
        }
        let located = Located::for_folder(folder)?;
        let project = located.map(Project::read).transpose()?.map(Arc::new);
        self.folders.insert(folder.to_owned(), project.clone());
        Ok(project)
    }
}

impl Project {
    fn read(located: Arc<Located>) -> Result<Self, Error> {
        let known = |cluster: &ProjectCluster| -> Result<Known, Error> {
            let certificate = of_cluster(&located, cluster)?;
            let known = certificate.as_ref().map(|known| &known.fingerprint);
            let pinned = match cluster.cert.pin() {
                Some(Pin::Rsa(pinned)) => Some(pinned),
                _ => None,
            };
            let key = known.or(pinned).cloned();
            Ok(Known {
                name: cluster.name.clone(),
                certificate,
                key,
            })
        };
        let clusters = located.project.clusters().iter().map(known).collect::<Result<_, _>>()?;
        Ok(Self { located, clusters })
    }
}

fn of_cluster(located: &Located, cluster: &ProjectCluster) -> Result<Option<Certificate>, Error> {
    let Some(path) = located.cert_file_if_there(cluster)? else {
        return Ok(None);
    };
    let bytes = files::read_found(&path).map_err(CertFile)?;
    let here = std::env::current_dir()
        .and_then(std::fs::canonicalize)
        .unwrap_or_default();
    let file = path_word(walk::shown(path.strip_prefix(&here).unwrap_or(&path)));
    let name = InputName(format!("the certificate of cluster {}", cluster.name));
    certificate(&bytes, name, Some(file)).map(Some)
}

fn certificate(bytes: &[u8], name: InputName, file: Option<String>) -> Result<Certificate, Error> {
    let cert = SealingCert::from_pem(bytes).map_err(|error| name.fault(error))?;
    Ok(Certificate {
        bits: cert.public().modulus_length() * 8,
        fingerprint: cert.public().fingerprint().clone(),
        // Sealing says what is wrong with one that cannot be read.
        hybrid: cert.hybrid().ok().flatten().map(|hybrid| hybrid.id()),
        name: name.0,
        file,
    })
}
