//! Whether a text in YAML means what was typed. YAML reads parts of an unquoted value as a comment, an anchor or a tag,
//! and drops them without an error: `password: abc #def` is `abc`.

use super::cst::{self, Form, Node, Style};

/// A part of what was typed would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {loss}")]
pub struct Lost {
    /// The line in the text, from 1.
    pub line: usize,
    /// How it would be lost.
    pub loss: Loss,
}

/// How YAML loses a part of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// It is a comment.
    #[error("what begins with # is a comment in YAML and would be lost: put the whole value in quotes")]
    Comment,
    /// It is an anchor, a tag or an alias.
    #[error("what begins with {0} is no text in YAML and would be lost: put the whole value in quotes")]
    Sign(char),
    /// Lines are joined.
    #[error("the lines of this value would become one: write NAME: | and the lines below it, indented")]
    Lines,
    /// Blanks at the end of a line.
    #[error("the blanks at its end would be lost: put the value in quotes")]
    Blanks,
    /// Quotes around nothing.
    #[error("the value is empty")]
    Empty,
}

/// Checks that YAML loses nothing of a text that is a map of maps of texts. Lines that begin with `#` are intended as
/// comments. A text that is not YAML passes.
///
/// # Errors
/// [`Lost`]: the first loss.
pub fn check_verbatim(source: &str) -> Result<(), Lost> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let trees = cst::trees(source).unwrap_or_default();
    let mut text = Text { source, behind: 0 };
    for tree in &trees {
        text.node(&tree.root, false)?;
    }
    text.gap(source.len())
}

struct Text<'s> {
    source: &'s str,
    /// The end of the previous scalar.
    behind: usize,
}

impl Text<'_> {
    fn node(&mut self, node: &Node, is_value: bool) -> Result<(), Lost> {
        match &node.form {
            Form::Scalar(style) => self.scalar(node, style, is_value),
            Form::Map(map) => map.entries.iter().try_for_each(|entry| {
                self.gap(entry.key_span.start)?;
                self.behind = entry.key_span.end;
                self.node(&entry.value, true)
            }),
            Form::List(items) => items.iter().try_for_each(|item| self.node(item, true)),
            Form::Alias => Ok(()),
        }
    }

    fn scalar(&mut self, node: &Node, style: &Style, is_value: bool) -> Result<(), Lost> {
        let span = node.span.clone();
        self.gap(span.start)?;
        let text = self.source.get(span.clone()).unwrap_or_default();
        let rest = self.source.get(span.end..).unwrap_or_default();
        let rest_of_line = rest.split('\n').next().unwrap_or_default().trim_end_matches('\r');
        let loss = match style {
            Style::Block { header } => {
                let lines = self.source.get(header.end..span.end).unwrap_or_default();
                let first = lines.split('\n').next().unwrap_or_default();
                if first.contains('#') {
                    Some(Loss::Comment)
                } else {
                    lines.trim().is_empty().then_some(Loss::Empty)
                }
            }
            Style::LeftOut => None,
            Style::Single | Style::Double if is_value && text.len() == 2 => Some(Loss::Empty),
            Style::Plain | Style::Single | Style::Double if text.contains('\n') => Some(Loss::Lines),
            Style::Plain if is_value && !rest_of_line.is_empty() && rest_of_line.trim().is_empty() => {
                Some(Loss::Blanks)
            }
            Style::Plain | Style::Single | Style::Double => None,
        };
        self.behind = span.end;
        loss.map_or(Ok(()), |loss| Err(self.lost(span.start, loss)))
    }

    /// Checks that there is only structure between two scalars.
    fn gap(&self, to: usize) -> Result<(), Lost> {
        let mut at = self.behind;
        let gap = self.source.get(at..to.max(at)).unwrap_or_default();
        for line in gap.split_inclusive('\n') {
            let begins_line = at == 0 || self.source.get(..at).is_some_and(|before| before.ends_with('\n'));
            let is_comment = begins_line && line.starts_with('#');
            let sign = line
                .char_indices()
                .find(|(_, sign)| matches!(sign, '#' | '&' | '!' | '*'));
            if let Some((column, sign)) = sign.filter(|_| !is_comment) {
                let loss = if sign == '#' { Loss::Comment } else { Loss::Sign(sign) };
                return Err(self.lost(at + column, loss));
            }
            at += line.len();
        }
        Ok(())
    }

    fn lost(&self, at: usize, loss: Loss) -> Lost {
        let before = self.source.get(..at).unwrap_or_default();
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        Lost { line, loss }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(value: &str) -> Option<Loss> {
        let text = format!("# one # two & !\nns/a:\n  user:\n  password: {value}\n  other:\nns/b:\n  c: d\n");
        let error = check_verbatim(&text).err()?;
        assert_eq!(error.line, 4, "{value}");
        Some(error.loss)
    }

    #[test]
    fn verbatim_values() {
        for value in [
            "",
            "abc",
            "abc#def",
            "'abc #def'",
            "\"&foo\"",
            "a&b!c*d",
            "|\n    two # three\n    &lines",
            "|-\n    one",
            "a: b".replace(' ', "").as_str(),
            "'p' ",
            "$ecret!",
        ] {
            assert_eq!(lost(value), None, "{value}");
        }
        assert_eq!(check_verbatim("a:\r\n  b: c\r\n  d:\r\n"), Ok(()));
        assert_eq!(check_verbatim("ns/a: {user: x, y: z}\n"), Ok(()));
    }

    #[test]
    fn values_that_lose_a_part() {
        for (value, loss) in [
            ("abc #def", Loss::Comment),
            ("#secret", Loss::Comment),
            ("| # secret\n    one", Loss::Comment),
            ("&foo", Loss::Sign('&')),
            ("&foo bar", Loss::Sign('&')),
            ("!secret", Loss::Sign('!')),
            ("!secret bar", Loss::Sign('!')),
            ("one\n    two", Loss::Lines),
            ("'one\n    two'", Loss::Lines),
            ("abc ", Loss::Blanks),
            ("''", Loss::Empty),
            ("\"\"", Loss::Empty),
            ("|", Loss::Empty),
        ] {
            assert_eq!(lost(value), Some(loss), "{value}");
        }
        assert_eq!(check_verbatim("a:\n  b:\n    #c\n").map_err(|lost| lost.line), Err(3));
    }
}
