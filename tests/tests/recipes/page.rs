//! A page of `docs/recipes`, in its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// The parsed page.
pub(crate) struct Page {
    /// The Secrets, as YAML with variables for values.
    pub(crate) secrets: String,
    /// The commands that seal them.
    pub(crate) commands: String,
    /// The objects that refer to the Secrets.
    pub(crate) objects: String,
    /// Variables of the commands, and a value for each.
    pub(crate) variables: BTreeMap<String, String>,
}

impl Page {
    /// Reads a page of three blocks.
    pub(crate) fn read(path: &Path) -> Result<Page> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let blocks = blocks(&text);
        let languages: Vec<&str> = blocks.iter().map(|(language, _)| *language).collect();
        ensure!(
            languages == ["yaml", "sh", "yaml"],
            "the blocks of the page are {languages:?}"
        );
        let [secrets, commands, objects] = [0, 1, 2].map(|block| blocks[block].1.to_owned());
        let variables = variables(&commands);
        Ok(Page {
            secrets: filled_in(&secrets, &variables),
            commands,
            objects,
            variables,
        })
    }

    /// The files that the commands read.
    pub(crate) fn files(&self) -> BTreeSet<&str> {
        let words = self.commands.split_whitespace();
        let arguments = words.filter_map(|word| word.strip_prefix("--from-file="));
        arguments
            .map(|argument| argument.split_once('=').map_or(argument, |(_, path)| path))
            .collect()
    }
}

/// The commands under a heading of a page.
pub(crate) fn commands_under(path: &Path, heading: &str) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut sections = text.split("\n## ");
    let section = sections.find(|section| section.lines().next() == Some(heading));
    let blocks = blocks(section.with_context(|| format!("no heading {heading:?}"))?);
    let commands = blocks.first().context("no commands")?;
    Ok(commands.1.to_owned())
}

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let mut parts = page.split("```");
    let mut found = Vec::new();
    parts.next();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        found.extend(block.split_once('\n'));
    }
    found
}

/// Each `$NAME` of a text, with a value that has the characters of real credentials in it.
fn variables(text: &str) -> BTreeMap<String, String> {
    let names = text.split('$').skip(1).filter_map(name_at_start);
    names.map(|name| (name.to_owned(), format!("{name}+/=1"))).collect()
}

/// The text with the values in place of the variables.
fn filled_in(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut parts = text.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match name_at_start(part).and_then(|name| Some((name, variables.get(name)?))) {
            Some((name, value)) => filled.push_str(&format!("{value}{}", &part[name.len()..])),
            None => filled.push_str(&format!("${part}")),
        }
    }
    filled
}

/// The name of a variable that a text begins with.
fn name_at_start(text: &str) -> Option<&str> {
    let is_part = |character: char| character.is_ascii_uppercase() || character == '_';
    let name = text.split(|character| !is_part(character)).next()?;
    (!name.is_empty()).then_some(name)
}
