//! The certificates that sealed files are held against: what `--cert` names, else what the project files say. Nothing is
//! asked of the network for a project file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sealing::cert::SealingCert;
use sealing::key::Fingerprint;
use sealing::sealer::Format;
use sealing::sealer::SealItemError;

use crate::cert_source::{self, CertFrom, CertSource, Formats};
use crate::environment::Environment;
use crate::error::Error;
use crate::files;
use crate::lint::{Certificate, ClusterKey, Finding, Rule};
use crate::objects::InputName;
use crate::place::real_place;
use crate::project::search::Located;
use crate::project::{CertFile, Pin, ProjectCert, ProjectCluster, ProjectError, SHARED_KEY_FIX};
use crate::quoting::path_word;

/// What is known of the certificates.
pub(super) struct Certificates {
    /// The one that was named, which beats those of the project files, and where it comes from.
    named: Option<(Certificate, CertFrom)>,
    formats: Formats,
    /// The project files, by the folders that they are for.
    folders: BTreeMap<PathBuf, Option<Arc<Project>>>,
    /// For commands that are proposed.
    flags: String,
    now: Timestamp,
    /// What is wrong with those of the project files: each once, by the project file and the cluster.
    findings: BTreeMap<(String, String, Rule), Finding>,
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
    /// None on a web server, and before it is fetched.
    certificate: Option<Certificate>,
    /// That of the certificate, else the one that is pinned.
    key: Option<Fingerprint>,
}

impl Certificates {
    /// Those of the project files, but where one is `named`.
    ///
    /// # Errors
    /// The certificate that is named cannot be read.
    pub(super) fn new(named: Option<&CertSource>, environment: &Environment, now: Timestamp) -> Result<Self, Error> {
        let read = |source: &CertSource| -> Result<_, Error> {
            let (bytes, name) = cert_source::bytes(&source.from, environment)?;
            let is_file = matches!(source.from, CertFrom::File(_));
            let fetch = is_file.then(|| format!("kubeseal --fetch-cert -w {}", path_word(Path::new(&name.0))));
            Ok((certificate(&parsed(&bytes, &name)?, name, fetch)?, source.from.clone()))
        };
        Ok(Self {
            named: named.map(read).transpose()?,
            ..Self::of_projects("", now)
        })
    }

    /// Those of the project files, held against `now`; `flags` reach the cluster, with a space before each.
    pub(super) fn of_projects(flags: &str, now: Timestamp) -> Self {
        Self {
            named: None,
            formats: Formats::default(),
            folders: BTreeMap::new(),
            flags: flags.to_owned(),
            now,
            findings: BTreeMap::new(),
        }
    }

    /// What is wrong with the certificates of the project files that were needed.
    pub(super) fn findings(self) -> impl Iterator<Item = Finding> {
        self.findings.into_values()
    }

    /// What is known for a file.
    ///
    /// # Errors
    /// A project file that makes no sense.
    pub(super) fn of(&mut self, file: &Path) -> Result<Said, Error> {
        if let Some((certificate, from)) = &self.named {
            return Ok(Said {
                certificate: Some(certificate.clone()),
                // The format is the repository's rule, whatever the certificate is.
                format: match real_place(file) {
                    Ok(_) => self.formats.at(from, &[file])?,
                    Err(_) => None,
                },
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
        if let (None, ProjectCert::File(path, _)) = (&certificate, &meant.cert)
            && let Err(error) = project.located.cert_file(meant, path)
        {
            let message = format!("the certificate of cluster {}: {}", meant.name, error.chain());
            self.find(&project.located, meant, Rule::BrokenCertificate, message);
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
        let project = located.map(|located| Arc::new(self.read(located)));
        self.folders.insert(folder.to_owned(), project.clone());
        Ok(project)
    }

    /// The clusters of a project file. What is wrong with their certificates is found.
    fn read(&mut self, located: Arc<Located>) -> Project {
        let mut clusters = Vec::new();
        for cluster in located.project.clusters() {
            let certificate = self.of_cluster(&located, cluster).unwrap_or_else(|error| {
                self.find(&located, cluster, Rule::BrokenCertificate, error.chain());
                None
            });
            let known = certificate.as_ref().map(|known| &known.fingerprint);
            let pinned = match cluster.cert.pin() {
                Some(Pin::Rsa(pinned)) => Some(pinned),
                _ => None,
            };
            clusters.push(Known {
                name: cluster.name.clone(),
                key: known.or(pinned).cloned(),
                certificate,
            });
        }
        for (index, cluster) in located.project.clusters().iter().enumerate() {
            let key = |index: usize| clusters.get(index).and_then(|known: &Known| known.key.as_ref());
            let Some(same) = (0..index).find(|before| key(index).is_some() && key(*before) == key(index)) else {
                continue;
            };
            if let Some(first) = located.project.clusters().get(same) {
                let message = ProjectError::shared_key(first, cluster).without_place();
                self.find(&located, cluster, Rule::SharedKey, message);
            }
        }
        Project { located, clusters }
    }

    fn of_cluster(&mut self, located: &Located, cluster: &ProjectCluster) -> Result<Option<Certificate>, Error> {
        let Some(path) = located.cert_file_if_there(cluster)? else {
            return Ok(None);
        };
        let name = InputName(format!("the certificate of cluster {}", cluster.name));
        let bytes = files::read_small(&path).map_err(|error| name.fault(CertFile(error)))?;
        let cert = parsed(&bytes, &name)?;
        if cert.check_not_expired(self.now).is_err() {
            let day = cert.not_after().strftime("%Y-%m-%d");
            let message = format!("{}, {}, has expired on {day}", name.0, cluster.source());
            self.find(located, cluster, Rule::ExpiredCertificate, message);
        }
        let fetch = self.fetch(located, cluster);
        certificate(&cert, name, fetch).map(Some)
    }

    /// The command that fetches a cluster's certificate into its file.
    fn fetch(&self, located: &Located, cluster: &ProjectCluster) -> Option<String> {
        // Among several clusters, the flags need not reach this one.
        let flags = match located.project.clusters() {
            [_] => self.flags.as_str(),
            _ => "",
        };
        Some(located.fetch(cluster)?.command(flags))
    }

    fn find(&mut self, located: &Located, cluster: &ProjectCluster, rule: Rule, message: String) {
        let fix = match rule {
            Rule::SharedKey => Some(SHARED_KEY_FIX.to_owned()),
            _ => self.fetch(located, cluster),
        };
        let file = located.name.0.clone();
        let key = (file.clone(), cluster.name.clone(), rule);
        self.findings.entry(key).or_insert(Finding {
            rule,
            file,
            place: Some(cluster.place),
            message,
            fix,
        });
    }
}

fn parsed(bytes: &[u8], name: &InputName) -> Result<SealingCert, Error> {
    Ok(name.cert(bytes)?)
}

fn certificate(cert: &SealingCert, name: InputName, fetch: Option<String>) -> Result<Certificate, Error> {
    let hybrid = cert.hybrid().map_err(|error| name.fault(SealItemError::from(error)))?;
    Ok(Certificate {
        bits: cert.public().modulus_length() * 8,
        fingerprint: cert.public().fingerprint().clone(),
        hybrid: hybrid.map(|hybrid| hybrid.id()),
        name: name.0,
        fetch,
    })
}
