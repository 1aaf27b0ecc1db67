//! A command line as it stands in `lines.txt`.

use anyhow::{Context, Result, ensure};

/// One line: a name, and a command line.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) words: Vec<String>,
    /// The file behind `<`; without it stdin is empty.
    pub(crate) stdin: Option<String>,
    /// Whether it needs a cluster with a controller.
    pub(crate) needs_cluster: bool,
}

/// All lines of the file: `NAME: VARIABLE=VALUE … WORD … < FILE`, words divided by spaces, comments after `#`. What follows
/// the line `## cluster` needs a cluster.
pub(crate) fn all() -> Result<Vec<Line>> {
    let mut needs_cluster = false;
    let mut lines: Vec<Line> = Vec::new();
    for text in include_str!("lines.txt").lines() {
        if text.starts_with("## cluster") {
            needs_cluster = true;
        }
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let line = parse(text, needs_cluster).with_context(|| format!("lines.txt: {text}"))?;
        ensure!(
            lines.iter().all(|other| other.name != line.name),
            "two lines are called {}",
            line.name
        );
        lines.push(line);
    }
    Ok(lines)
}

fn parse(text: &str, needs_cluster: bool) -> Result<Line> {
    let (name, rest) = text.split_once(':').context("a line has a name")?;
    let (command, stdin) = match rest.split_once(" < ") {
        Some((command, file)) => (command, Some(file.trim().to_owned())),
        None => (rest, None),
    };
    let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    let is_variable = |word: &&String| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    };
    let variables = words.iter().take_while(is_variable).count();
    let variables = words.drain(..variables).filter_map(|word| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(Line {
        name: name.to_owned(),
        variables: variables.collect(),
        words,
        stdin,
        needs_cluster,
    })
}
