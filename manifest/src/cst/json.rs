//! Nodes of JSON objects, one after the other.

use super::{Entry, Form, Map, Node, Style};

/// The nodes of the values between two offsets of `text`, which is known to be JSON there.
pub(super) fn roots(text: &str, from: usize, to: usize) -> Option<Vec<Node>> {
    let mut walk = Walk {
        text: text.get(..to)?,
        at: from,
    };
    let mut roots = Vec::new();
    while walk.skip_space().is_some() {
        roots.push(walk.node()?);
    }
    Some(roots)
}

struct Walk<'t> {
    text: &'t str,
    at: usize,
}

impl Walk<'_> {
    /// The next byte that is not white space; `None` at the end.
    fn skip_space(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn node(&mut self) -> Option<Node> {
        let start = {
            self.skip_space()?;
            self.at
        };
        let form = match self.skip_space()? {
            b'{' => Form::Map(self.map()?),
            b'[' => Form::List(self.list()?),
            b'"' => {
                self.text_end()?;
                Form::Scalar(Style::Double)
            }
            _ => {
                let rest = self.text.get(self.at..)?;
                let end = |c: char| c.is_ascii_whitespace() || matches!(c, ',' | ']' | '}' | '{' | '[' | '"');
                self.at += rest.find(end).unwrap_or(rest.len());
                Form::Scalar(Style::Plain)
            }
        };
        Some(Node {
            span: start..self.at,
            form,
        })
    }

    /// Skips the text that begins here.
    fn text_end(&mut self) -> Option<()> {
        loop {
            self.at += 1;
            match self.text.as_bytes().get(self.at)? {
                b'\\' => self.at += 1,
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                _ => {}
            }
        }
    }

    fn map(&mut self) -> Option<Map> {
        let mut entries = Vec::new();
        self.at += 1;
        loop {
            match self.skip_space()? {
                b'}' => {
                    self.at += 1;
                    return Some(Map { flow: true, entries });
                }
                b',' => self.at += 1,
                _ => entries.push(self.entry()?),
            }
        }
    }

    fn entry(&mut self) -> Option<Entry> {
        let start = self.at;
        self.text_end()?;
        let key_span = start..self.at;
        let key = serde_json::from_str(self.text.get(key_span.clone())?).ok()?;
        // The colon.
        self.skip_space()?;
        self.at += 1;
        Some(Entry {
            start,
            key: Some(key),
            key_span,
            key_style: Style::Double,
            colon: true,
            value: self.node()?,
        })
    }

    fn list(&mut self) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            match self.skip_space()? {
                b']' => {
                    self.at += 1;
                    return Some(items);
                }
                b',' => self.at += 1,
                _ => items.push(self.node()?),
            }
        }
    }
}
