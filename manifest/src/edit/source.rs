//! Lines, columns and line breaks of a text, by the offsets of its bytes.

use super::super::Format;

/// The text being changed, and the language of the current document.
#[derive(Clone, Copy)]
pub(super) struct Page<'t> {
    pub(super) text: &'t str,
    pub(super) format: Format,
}

impl<'t> Page<'t> {
    pub(super) fn slice(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn before(&self, at: usize) -> &'t str {
        self.slice(0, at)
    }

    /// Start of the line of `at`.
    pub(super) fn line_start(&self, at: usize) -> usize {
        self.before(at).rfind('\n').map_or(0, |line_break| line_break + 1)
    }

    /// End of the line of `at`, before its line break, or of the text.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.slice(at, self.text.len());
        let line = rest.split('\n').next().unwrap_or_default();
        let has_break = line.len() < rest.len();
        let line = if has_break {
            line.strip_suffix('\r').unwrap_or(line)
        } else {
            line
        };
        at + line.len()
    }

    /// Start of the next line, or the end of the text.
    pub(super) fn next_line(&self, at: usize) -> usize {
        let rest = self.slice(at, self.text.len());
        at + rest.find('\n').map_or(rest.len(), |line_break| line_break + 1)
    }

    /// The line break that is used around `at`.
    pub(super) fn line_break(&self, at: usize) -> &'static str {
        let end = self.next_line(at);
        let line = self.before(end);
        let line = if line.ends_with('\n') {
            line
        } else {
            self.before(self.line_start(at))
        };
        if line.ends_with("\r\n") { "\r\n" } else { "\n" }
    }

    /// Indentation of the line of `at`.
    pub(super) fn indentation(&self, at: usize) -> &'t str {
        let line = self.slice(self.line_start(at), self.text.len());
        let end = line.find(|c| !matches!(c, ' ' | '\t')).unwrap_or(line.len());
        line.get(..end).unwrap_or_default()
    }

    /// Whether only white space precedes `at` on its line.
    pub(super) fn begins_line(&self, at: usize) -> bool {
        self.line_start(at) + self.indentation(at).len() == at
    }

    /// The column of `at`, in characters from 0.
    pub(super) fn column(&self, at: usize) -> usize {
        self.slice(self.line_start(at), at).chars().count()
    }

    /// `at` without the blanks before it.
    pub(super) fn without_blanks_before(&self, at: usize) -> usize {
        self.before(at).trim_end_matches([' ', '\t']).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end_whatever_the_break() {
        let page = |text| Page {
            text,
            format: Format::Yaml,
        };
        let crlf = page("a: é\r\n  b\r\nc");
        assert_eq!(
            (crlf.line_end(0), crlf.next_line(0), crlf.line_break(0)),
            (5, 7, "\r\n")
        );
        assert_eq!((crlf.line_start(9), crlf.column(9), crlf.indentation(9)), (7, 2, "  "));
        assert!(crlf.begins_line(9) && !crlf.begins_line(5));
        assert_eq!(
            (crlf.line_end(12), crlf.next_line(12), crlf.line_break(12)),
            (13, 13, "\r\n")
        );
        let one = page("a: b");
        assert_eq!((one.line_end(1), one.line_break(1), one.line_start(3)), (4, "\n", 0));
        assert_eq!(page("é: x").column(4), 3);
    }
}
