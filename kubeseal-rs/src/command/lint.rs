//! `kubeseal lint`: flags → what to do.

use std::path::PathBuf;

use super::{CertSource, CommandError, Input, flattened, set};
use crate::args::verb::lint::LintFlags;
use crate::args::{ClusterFlags, ControllerFlags};
use crate::lint::Rule;

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
