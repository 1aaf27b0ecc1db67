//! `kubeseal lint`: reads the files and the kustomizations around them, asks [`crate::lint`], and tells.

mod certificates;
mod listed;

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use zeroize::Zeroizing;

use super::error::CommandError;
use crate::cert_source::CertSource;
use crate::colour::Colour;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::{self, Input, Output, is_stream};
use crate::flags::{ClusterFlags, CommaSeparated, ControllerFlags, flattened, set};
use crate::git;
use crate::lint::{self, Asked, Level, Linter, Report, Rule, Source, report};
use crate::progress::Progress;
use crate::repository::Found;
use certificates::{Certificates, Said};
use listed::{Listed, Read};

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
    /// The format of the report.
    pub form: ReportForm,
    /// Rules whose findings are left out.
    pub allow: Vec<Rule>,
    /// Whether warnings fail.
    pub strict: bool,
}

/// The format of a report.
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
pub(crate) fn run(command: &Lint, environment: &Environment, now: Timestamp) -> Result<(), Error> {
    let certificates = Certificates::new(command.cert.as_ref(), environment, now)?;
    let report = judge(&command.inputs, &command.allow, certificates)?;
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

/// What is wrong with one file at `now`, for `kubeseal doctor`, which reaches the cluster with `flags`.
pub(super) fn findings_of(
    input: &Input,
    bytes: &[u8],
    flags: &str,
    now: Timestamp,
) -> Result<Vec<lint::Finding>, Error> {
    let report = match input {
        Input::File(path) if !is_stream(path) => {
            judge(std::slice::from_ref(input), &[], Certificates::of_projects(flags, now))?
        }
        // It can be read only once.
        _ => {
            let stdin = Arc::new(Found::stdin());
            let mut linter = Linter::new(Vec::new(), &is_taken);
            linter.judge(&source(&stdin, Zeroizing::new(bytes.to_vec()), Asked::Piped));
            linter.report(&[])
        }
    };
    Ok(report.findings)
}

/// Whether there is a file of that path which Git would take.
fn is_taken(path: &Path) -> bool {
    path.is_file() && !git::is_ignored(path)
}

fn fails(report: &Report, strict: bool) -> bool {
    report.count(Level::Error) > 0 || strict && report.count(Level::Warning) > 0
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

/// Judges what `inputs` mean, one file after the other: none is held when the next is read.
fn judge(inputs: &[Input], allow: &[Rule], mut certificates: Certificates) -> Result<Report, Error> {
    let listed = Listed::of(inputs)?;
    let mut linter = Linter::new(listed.kustomizations(), &is_taken);
    let mut judged = HashSet::new();
    let progress = Progress::of(listed.files.len());
    for listed in &listed.files {
        let path = listed.file.path.as_path();
        let source = match listed.read()? {
            // Each file once.
            Read::Source(source) if judged.insert(path) => Some(certificates.known(source)?),
            Read::Source(_) | Read::Passed => None,
            Read::Unread(source) => {
                judged.insert(path);
                Some(source)
            }
        };
        if let Some(source) = source {
            linter.judge(&source);
        }
        progress.done(path);
    }
    drop(progress);
    linter.add(certificates.findings());
    Ok(linter.report(allow))
}

impl Certificates {
    /// The source with what is known of the certificate that is meant for it.
    fn known(&mut self, source: Source) -> Result<Source, Error> {
        let Said {
            certificate,
            others,
            format,
        } = match source.asked {
            // What comes on stdin is for the current folder.
            Asked::Piped => self.of(Path::new("stdin"))?,
            Asked::Named | Asked::Below => self.of(&source.file.path)?,
            Asked::No => Said::default(),
        };
        Ok(Source {
            certificate,
            others,
            format,
            ..source
        })
    }
}

fn source(file: &Arc<Found>, bytes: Zeroizing<Vec<u8>>, asked: Asked) -> Source {
    Source {
        file: Arc::clone(file),
        bytes,
        unread: None,
        values_only: false,
        asked,
        certificate: None,
        others: Vec::new(),
        format: None,
    }
}
