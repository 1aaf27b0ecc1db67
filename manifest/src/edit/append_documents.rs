//! Appends objects to a source.

use super::super::{DocumentError, encoding, read};

/// The bytes of `source` followed by the objects of `text`, with its line breaks and its encoding. `None` where nothing
/// can follow.
///
/// # Errors
/// `source` or `text` cannot be read.
pub fn append(source: &[u8], text: &str) -> Result<Option<Vec<u8>>, DocumentError> {
    let decoded = encoding::decode(source)?;
    let line_break = if decoded.contains("\r\n") { "\r\n" } else { "\n" };
    let between = if decoded.ends_with('\n') { "" } else { line_break };
    let behind = text.replace('\n', line_break);
    let whole = decoded.encode(&[&decoded, between, &behind].concat());
    let objects = read(source)?.len() + read(text.as_bytes())?.len();
    Ok(read(&whole).ok().filter(|read| read.len() == objects).map(|_| whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: &str = "---\nkind: b\n";

    #[test]
    fn appended_objects_keep_line_breaks_and_encoding() {
        let appended = |source: &[u8]| append(source, NEW).unwrap().unwrap();
        assert_eq!(appended(b"kind: a"), b"kind: a\n---\nkind: b\n");
        assert_eq!(appended(b"kind: a\r\n"), b"kind: a\r\n---\r\nkind: b\r\n");
        assert_eq!(appended(b"kind: a\n...\n"), b"kind: a\n...\n---\nkind: b\n");
        let utf16 = |text: &str| -> Vec<u8> {
            let units = ["\u{feff}", text].concat();
            units.encode_utf16().flat_map(u16::to_le_bytes).collect()
        };
        assert_eq!(appended(&utf16("kind: a\r\n")), utf16("kind: a\r\n---\r\nkind: b\r\n"));
        let json = append(b"{\"kind\": \"a\"}", "{\"kind\": \"b\"}\n").unwrap().unwrap();
        assert_eq!(json, b"{\"kind\": \"a\"}\n{\"kind\": \"b\"}\n");
    }
}
