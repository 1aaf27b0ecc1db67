//! The result of a bench as a page under `docs/benchmarks`.

use std::fs;

use anyhow::{Context, Result};
use harness::implementation::repository;

use super::machine;

/// A page that grows section by section; each section is printed as soon as it is there.
pub(crate) struct Page {
    name: &'static str,
    text: String,
}

impl Page {
    /// `name` is that of the bench and of the file; `title` and `intro` are Markdown.
    pub(crate) fn new(name: &'static str, title: &str, intro: &str) -> Page {
        let made = format!("# {title}\n\n{intro}\n\nWritten by `cargo xtask bench {name}`.\n\n");
        let mut page = Page {
            name,
            text: String::new(),
        };
        page.add(&made);
        page.add(&format!("{}\n", machine::here()));
        page
    }

    /// Adds a section: a heading, what was run (Markdown), and a table or other Markdown.
    pub(crate) fn section(&mut self, heading: &str, what: &str, body: &str) {
        self.add(&format!("## {heading}\n\n{what}\n\n{}\n\n", body.trim_end()));
    }

    fn add(&mut self, part: &str) {
        print!("{part}");
        self.text.push_str(part);
    }

    /// Writes `docs/benchmarks/NAME.md`.
    pub(crate) fn write(self) -> Result<()> {
        let folder = repository().join("docs/benchmarks");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let path = folder.join(format!("{}.md", self.name));
        let text = format!("{}\n", self.text.trim_end());
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        println!("written: docs/benchmarks/{}.md", self.name);
        Ok(())
    }
}
