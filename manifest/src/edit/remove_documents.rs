//! Removes whole documents from a source.

use super::super::cst::{self, Tree};
use super::super::found::{Found, Others};
use super::super::splitter::{self, marks};
use super::super::{Document, DocumentError, encoding};
use super::entries::Splice;
use super::{spliced, wipe_all};

/// The bytes of `source` without these documents and the marks (`---`) before them. Documents are identified by number:
/// [`super::edit`] may have changed the source since they were read. `None` where one of them is not a whole document,
/// such as an item of a list.
///
/// # Errors
/// `source` cannot be read.
pub fn remove(source: &[u8], documents: &[&Document]) -> Result<Option<Vec<u8>>, DocumentError> {
    if documents.iter().any(|document| document.item.is_some()) {
        return Ok(None);
    }
    let decoded = encoding::decode(source)?;
    let goes = |index: usize| documents.iter().any(|document| document.index == index);
    let Some(trees) = cst::trees(&decoded) else {
        return Ok(None);
    };
    let splices = (0..trees.len()).filter(|at| trees.get(*at).is_some_and(|tree| goes(tree.index)));
    let splices = splices.filter_map(|at| stretch(&decoded, &trees, at)).collect();
    let Some(text) = spliced(&decoded, splices) else {
        return Ok(None);
    };
    let before = splitter::values(&decoded, Others::Passed)?;
    let after = splitter::values(&text, Others::Passed).unwrap_or_default();
    let (gone, stay) = before.into_iter().partition(|found| goes(found.index));
    let same = |(a, b): (&Found, &Found)| a.placed.value == b.placed.value;
    let is_faithful = after.len() == Vec::len(&stay) && after.iter().zip(&stay).all(same);
    [gone, stay, after].into_iter().for_each(wipe_all);
    Ok(is_faithful.then(|| decoded.encode(&text)))
}

/// From the mark before the document, or the end of the previous one, to the next mark or whatever follows.
fn stretch(text: &str, trees: &[Tree], at: usize) -> Option<Splice> {
    let tree = trees.get(at)?;
    let before = at
        .checked_sub(1)
        .and_then(|at| trees.get(at))
        .map_or(0, |tree| tree.root.span.end);
    let after = trees.get(at + 1).map_or(text.len(), |tree| tree.root.span.start);
    let above = text.get(before..tree.root.span.start)?;
    let below = text.get(tree.root.span.end..after)?;
    let end_of_line = |text: &str| text.find('\n').map_or(text.len(), |at| at + 1);
    let start = match marks(above).last() {
        Some(mark) => before + mark,
        None if before == 0 => 0,
        None => before + end_of_line(above),
    };
    let end = match marks(below).next() {
        Some(mark) => tree.root.span.end + mark,
        None if after == text.len() => after,
        None => tree.root.span.end + end_of_line(below),
    };
    Some(Splice {
        range: start..end,
        with: String::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_mixed;

    fn without(source: &str, numbers: &[usize]) -> Option<String> {
        let documents = read_mixed(source.as_bytes()).unwrap();
        let gone: Vec<_> = documents.iter().filter(|one| numbers.contains(&one.index)).collect();
        assert_eq!(gone.len(), numbers.len());
        let removed = remove(source.as_bytes(), &gone).unwrap();
        removed.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn documents_go_with_their_marks() {
        let three = "# ours\n---\nkind: a\n# behind\n---\nkind: b\nx: |\n  y\n---\nkind: c";
        for (source, gone, left) in [
            (three, &[1][..], "# ours\n---\nkind: b\nx: |\n  y\n---\nkind: c"),
            (three, &[2], "# ours\n---\nkind: a\n# behind\n---\nkind: c"),
            (three, &[3], "# ours\n---\nkind: a\n# behind\n---\nkind: b\nx: |\n  y\n"),
            (three, &[1, 3], "# ours\n---\nkind: b\nx: |\n  y\n"),
            ("kind: a\r\n---\r\nkind: b\r\n", &[1], "---\r\nkind: b\r\n"),
            ("{\"kind\": \"a\"}\n{\"kind\": \"b\"}\n", &[1], "{\"kind\": \"b\"}\n"),
            ("{\"kind\": \"a\"}\n{\"kind\": \"b\"}\n", &[2], "{\"kind\": \"a\"}\n"),
            ("{\"kind\": \"a\"} {\"kind\": \"b\"}", &[1], "{\"kind\": \"b\"}"),
            (
                "{\"kind\": \"a\"}\n---\n{\"kind\": \"b\"}\n",
                &[2],
                "{\"kind\": \"a\"}\n",
            ),
        ] {
            assert_eq!(without(source, gone).as_deref(), Some(left), "{source:?} {gone:?}");
        }
    }

    #[test]
    fn document_that_does_not_stand_alone_stays() {
        let list = "kind: List\napiVersion: v1\nitems:\n- kind: a\n- kind: b\n";
        let documents = read_mixed(list.as_bytes()).unwrap();
        assert_eq!(remove(list.as_bytes(), &[&documents[0]]), Ok(None));
    }
}
