//! The files of templates, written by hand:
//!
//! ```text
//! # a note
//! data {"user": "app"}          values of all templates from here on
//! data64 {"bytes": "/w=="}      … added to them, in base64
//! shape ^[a-z]{5}$              the next template's output is not to be Go's own, but of this form on both sides
//! {{ upper .user }}             a line is a template
//! <<<
//! so are
//! several lines
//! >>>
//! ```

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::oracle::Rendering;

/// A template to ask Go about.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) rendering: Rendering,
    pub(super) shape: Option<String>,
}

/// The templates of a file, in their order.
pub(super) fn parse(text: &str) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut data = BTreeMap::new();
    let mut shape = None;
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let place = || format!("line {}", number + 1);
        if line.is_empty() || line.starts_with("# ") {
            continue;
        }
        if let Some(values) = line.strip_prefix("data ") {
            let values: BTreeMap<String, String> = serde_json::from_str(values).with_context(place)?;
            data = values
                .into_iter()
                .map(|(name, value)| (name, value.into_bytes()))
                .collect();
        } else if let Some(values) = line.strip_prefix("data64 ") {
            let values: BTreeMap<String, String> = serde_json::from_str(values).with_context(place)?;
            for (name, value) in values {
                data.insert(name, STANDARD.decode(value).with_context(place)?);
            }
        } else if let Some(form) = line.strip_prefix("shape ") {
            shape = Some(form.to_owned());
        } else {
            let template = if line == "<<<" {
                block(lines.by_ref().map(|(_, line)| line)).with_context(place)?
            } else {
                line.to_owned()
            };
            let rendering = Rendering {
                template,
                data: data.clone(),
            };
            cases.push(Case {
                rendering,
                shape: shape.take(),
            });
        }
    }
    Ok(cases)
}

fn block<'t>(lines: impl Iterator<Item = &'t str>) -> Result<String> {
    let mut block = String::new();
    for line in lines {
        if line == ">>>" {
            return Ok(block);
        }
        block.push_str(line);
        block.push('\n');
    }
    bail!("\">>>\" is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_holds_on_and_a_shape_is_for_one_template() {
        let text = "# note\ndata {\"a\": \"b\"}\ndata64 {\"c\": \"/w==\"}\nshape ^x$\n{{ .a }}\n<<<\n1\n\n2\n>>>\n";
        let cases = parse(text).unwrap();
        let templates: Vec<_> = cases.iter().map(|case| case.rendering.template.as_str()).collect();
        assert_eq!(templates, ["{{ .a }}", "1\n\n2\n"]);
        assert_eq!(
            (cases[0].shape.as_deref(), cases[1].shape.as_deref()),
            (Some("^x$"), None)
        );
        assert_eq!(cases[1].rendering.data["c"], [0xff]);
        assert!(parse("<<<\nx\n").is_err());
    }
}
