//! `cargo xtask vectors templates`: asks Go about every template of `gotmpl/tests/cases/*.txt` and writes its answers
//! beside them.

mod source;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::oracle::{Answer, Oracle, of_gotmpl};
use source::Case;

fn folder() -> PathBuf {
    of_gotmpl("tests/cases")
}

/// The files of templates, in the order of their names.
fn sources() -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder())?.map(|entry| entry.map(|entry| entry.path()));
    let mut files = entries.collect::<std::io::Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|kind| kind == "txt"));
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(file)?;
    source::parse(&text).with_context(|| file.display().to_string())
}

/// The case as it is committed, without Go's answer.
fn question(case: &Case) -> serde_json::Map<String, Value> {
    let mut told = serde_json::Map::new();
    told.insert("template".to_owned(), case.rendering.template.clone().into());
    if !case.rendering.data.is_empty() {
        let data = case
            .rendering
            .data
            .iter()
            .map(|(name, value)| (name.clone(), STANDARD.encode(value).into()));
        told.insert("data".to_owned(), Value::Object(data.collect()));
    }
    if let Some(shape) = &case.shape {
        told.insert("shape".to_owned(), shape.clone().into());
    }
    told
}

fn answered(oracle: &mut Oracle, case: &Case) -> Result<Value> {
    let mut told = question(case);
    match oracle.ask(&case.rendering)? {
        Answer::Output(output) => told.insert("output".to_owned(), STANDARD.encode(output).into()),
        Answer::Failure(failure) => {
            let error = json!({
                "stage": failure.stage,
                "line": failure.line,
                "function": failure.function,
                "message": failure.message,
            });
            told.insert("error".to_owned(), error)
        }
        Answer::Silence => anyhow::bail!("Go gave no answer to {}", case.rendering.template),
    };
    Ok(told.into())
}

/// Writes one file of answers for each file of templates, a case a line.
///
/// # Errors
/// There is no Go; a file cannot be read or written; Go gave no answer.
pub fn make() -> Result<()> {
    let mut oracle = Oracle::start()?;
    for file in sources()? {
        let cases = read(&file)?;
        let answers = cases.iter().map(|case| Ok(answered(&mut oracle, case)?.to_string()));
        let answers = answers.collect::<Result<Vec<_>>>()?;
        let target = file.with_extension("json");
        std::fs::write(&target, format!("[\n{}\n]\n", answers.join(",\n")))?;
        println!("written: {} cases in {}", answers.len(), target.display());
    }
    println!("now `cargo test -p gotmpl`");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_its_answer() {
        for file in sources().unwrap() {
            let answers: Vec<Value> =
                serde_json::from_slice(&std::fs::read(file.with_extension("json")).unwrap()).unwrap();
            let told = |answer: &Value| {
                let mut answer = answer.as_object().unwrap().clone();
                let answers = [answer.remove("output"), answer.remove("error")];
                assert_eq!(answers.iter().flatten().count(), 1);
                answer
            };
            let committed: Vec<_> = answers.iter().map(told).collect();
            let wanted: Vec<_> = read(&file).unwrap().iter().map(question).collect();
            assert!(
                committed == wanted,
                "{}: run `cargo xtask vectors templates`",
                file.display()
            );
        }
    }
}
