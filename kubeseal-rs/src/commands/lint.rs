//! `kubeseal lint`: reads the files and the kustomizations around them, asks [`crate::lint`], and tells.

mod certificates;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::error::CommandError;
use crate::cert_source::CertSource;
use crate::colour::Colour;
use crate::embedded;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, FileError, Input, Output, is_stream};
use crate::flags::{ClusterFlags, CommaSeparated, ControllerFlags, flattened, set};
use crate::git;
use crate::lint::{self, Asked, Level, Report, Rule, Source, report};
use crate::repository::{self, Found, Meant};
use certificates::{Certificates, Said};

/// Flags of `kubeseal lint`.
#[derive(Debug, Args)]
#[command(after_help = include_str!("lint.txt"))]
pub(crate) struct LintFlags {
    /// Files, folders and patterns ('apps/*/prod') to look at; folders without what Git ignores; - for stdin (kustomize build . | kubeseal lint -)
    #[arg(value_name = "PATH")]
    pub paths: Vec<OsString>,
    /// Hold the sealed values against this certificate: the length of its key, and the key hints
    #[arg(long, value_name = "FILE|URL")]
    pub cert: Option<String>,
    /// How to tell what was found: text, json or sarif [default: text]
    #[arg(long, short = 'o', value_name = "FORMAT")]
    pub output: Option<String>,
    /// Leave out what these rules find; comma-separated, repeatable
    #[arg(long, value_name = "RULE,…")]
    pub allow: Vec<CommaSeparated>,
    /// Fail for warnings too
    #[arg(long)]
    pub strict: bool,
    /// Print the rules and what each of them finds
    #[arg(long)]
    pub rules: bool,
}

/// Judge files.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lint {
    /// Files, folders and stdin, as typed.
    pub inputs: Vec<Input>,
    /// The certificate that they are held against.
    pub cert: Option<CertSource>,
    /// How the report is told.
    pub form: ReportForm,
    /// Rules whose findings are left out.
    pub allow: Vec<Rule>,
    /// Whether warnings fail.
    pub strict: bool,
}

/// How a report is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportForm {
    /// For people.
    Text,
    /// For scripts.
    Json,
    /// For code scanners.
    Sarif,
}

impl Lint {
    /// Decides what the flags mean; `None` when only the rules are asked for.
    ///
    /// # Errors
    /// [`CommandError`].
    pub(super) fn decide(flags: LintFlags) -> Result<Option<Self>, CommandError> {
        if flags.rules {
            return Ok(None);
        }
        let inputs: Vec<_> = flags.paths.into_iter().filter_map(|path| set(Some(path))).collect();
        if inputs.is_empty() {
            return Err(CommandError::NoPath("kubeseal lint ."));
        }
        let (controller, cluster) = (ControllerFlags::default(), ClusterFlags::default());
        let cert = set(flags.cert.as_deref());
        let form = match flags.output.as_deref().unwrap_or_default().to_lowercase().as_str() {
            "" | "text" => ReportForm::Text,
            "json" => ReportForm::Json,
            "sarif" => ReportForm::Sarif,
            _ => return Err(CommandError::UnknownReportForm(flags.output.unwrap_or_default())),
        };
        let rule = |id: String| Rule::from_id(id.trim()).ok_or(CommandError::UnknownRule(id));
        Ok(Some(Self {
            inputs: inputs
                .into_iter()
                .map(|path| {
                    if path == "-" {
                        Input::Stdin
                    } else {
                        Input::File(PathBuf::from(path))
                    }
                })
                .collect(),
            cert: cert
                .map(|cert| CertSource::of(Some(cert), &controller, &cluster))
                .transpose()?,
            form,
            allow: flattened(&flags.allow)
                .into_iter()
                .map(rule)
                .collect::<Result<_, _>>()?,
            strict: flags.strict,
        }))
    }
}

/// Judges everything, then tells it at once.
pub(crate) fn run(command: &Lint, environment: &Environment) -> Result<(), Error> {
    let certificates = Certificates::new(command.cert.as_ref(), environment)?;
    let sources = sources(&command.inputs, certificates)?;
    let report = lint::judge(&sources, &command.allow, &|path| {
        path.is_file() && !git::is_ignored(path)
    });
    let text = match command.form {
        ReportForm::Text => report::text(&report, Colour::of_stdout(environment)),
        ReportForm::Json => pretty(&report::json(&report)),
        ReportForm::Sarif => pretty(&report::sarif::log(&report)),
    };
    files::write(&Output::Stdout, text.as_bytes())?;
    if fails(&report, command.strict) {
        Err(Error::told())
    } else {
        Ok(())
    }
}

/// What is wrong with one file, for whoever asks why it does not unseal.
pub(super) fn findings_of(input: &Input, bytes: &[u8]) -> Result<Vec<lint::Finding>, Error> {
    let sources = match input {
        Input::File(path) if !is_stream(path) => sources(std::slice::from_ref(input), Certificates::default())?,
        // It can be read only once.
        _ => vec![source(Found::stdin(), Zeroizing::new(bytes.to_vec()), Asked::Piped)],
    };
    let taken = |path: &Path| path.is_file() && !git::is_ignored(path);
    Ok(lint::judge(&sources, &[], &taken).findings)
}

fn fails(report: &Report, strict: bool) -> bool {
    report.count(Level::Error) > 0 || strict && report.count(Level::Warning) > 0
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Everything that is to be judged, and the kustomizations of the same repositories, which say what becomes of it.
fn sources(inputs: &[Input], certificates: Certificates) -> Result<Vec<Source>, Error> {
    let mut gathered = Gathered {
        sources: Vec::new(),
        certificates,
    };
    let mut folders = Vec::new();
    for input in inputs {
        match input {
            Input::Stdin | Input::StdinOr(_) => {
                let bytes = files::read(input, "json/yaml k8s resources")?;
                gathered.add(Found::stdin(), bytes, Asked::Piped)?;
            }
            Input::File(path) => {
                let (all, asked) = match repository::manifests(path)? {
                    Meant::File(found) => (vec![Ok(found)], Asked::Named),
                    Meant::Several(found) => (found, Asked::Below),
                };
                for found in all {
                    folders.extend(gathered.read(found, asked)?);
                }
                for found in repository::other_files(path) {
                    gathered.read_for_values(found)?;
                }
            }
        }
    }
    for found in repository::around(&folders, lint::is_kustomization) {
        // Nobody asked for it.
        let Ok(bytes) = files::read_found(&found.path) else {
            continue;
        };
        gathered.add(found, bytes, Asked::No)?;
    }
    Ok(gathered.sources)
}

/// The sources so far.
struct Gathered {
    sources: Vec<Source>,
    certificates: Certificates,
}

impl Gathered {
    /// Reads a file; gives the folder that it is in. What cannot be read is a source too, so that it is told.
    fn read(&mut self, found: Result<Found, FileError>, asked: Asked) -> Result<Option<PathBuf>, Error> {
        let (found, error) = match found {
            Ok(found) => match files::read_file(&found.path) {
                Ok(bytes) => {
                    let folder = found.path.parent().map(Path::to_owned);
                    self.add(found, bytes, asked)?;
                    return Ok(folder);
                }
                Err(error) => (found, error),
            },
            Err(FileError::Open { path, reason }) => (Found::unread(&path), FileError::Open { path, reason }),
            Err(error) => return Err(error.into()),
        };
        let reason = match &error {
            FileError::Open { reason, .. } => files::plain(reason),
            other => other.to_string(),
        };
        self.sources.push(Source {
            unread: Some(reason),
            ..source(found, Zeroizing::default(), asked)
        });
        Ok(None)
    }

    /// Reads a file that is no manifest, and may hold sealed values all the same.
    fn read_for_values(&mut self, found: Found) -> Result<(), Error> {
        match files::read_if_text(&found.path) {
            Ok(Some(bytes)) if !embedded::find(&bytes).is_empty() => self.push(found, bytes, Asked::Below, true),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Adds what is worth judging.
    fn add(&mut self, found: Found, bytes: Zeroizing<Vec<u8>>, asked: Asked) -> Result<(), Error> {
        let text = manifest::text_lossy(&bytes);
        let is_template = repository::is_chart_template(&found.path, &text);
        let speaks_of_secrets = lint::is_relevant(&found.path, &text) && !is_template;
        drop(text);
        if speaks_of_secrets || lint::is_wanting(asked, &bytes) || !embedded::find(&bytes).is_empty() {
            self.push(found, bytes, asked, is_template)?;
        }
        Ok(())
    }

    /// Adds a source, each file once.
    fn push(&mut self, found: Found, bytes: Zeroizing<Vec<u8>>, asked: Asked, values_only: bool) -> Result<(), Error> {
        if self.sources.iter().any(|source| source.path == found.path) {
            return Ok(());
        }
        let Said {
            certificate,
            others,
            format,
        } = match asked {
            // What comes on stdin is for the current folder.
            Asked::Piped => self.certificates.of(Path::new("stdin"))?,
            Asked::Named | Asked::Below => self.certificates.of(&found.path)?,
            Asked::No => Said::default(),
        };
        self.sources.push(Source {
            certificate,
            others,
            format,
            values_only,
            ..source(found, bytes, asked)
        });
        Ok(())
    }
}

fn source(found: Found, bytes: Zeroizing<Vec<u8>>, asked: Asked) -> Source {
    Source {
        path: found.path,
        name: found.name,
        bytes,
        unread: None,
        values_only: false,
        asked,
        tracked: found.tracked,
        certificate: None,
        others: Vec::new(),
        format: None,
    }
}
