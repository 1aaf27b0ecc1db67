//! Texts that others chose, as they are shown.

/// The text without characters that a terminal or a viewer of logs obeys, such as U+009B, U+202E and U+2028: they are written as
/// `\u{9b}`. Who chooses names of items chooses these too. Line breaks stay.
pub(crate) fn printable(text: &str) -> String {
    let is_plain = |character: char| matches!(character, '\n' | ' '..='~') || character.is_alphanumeric();
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

/// Cuts `text` to at most `longest` bytes, at a character.
pub(crate) fn truncate(text: &mut String, longest: usize) {
    const ELLIPSIS: &str = "…";
    if text.len() > longest {
        let mut end = longest.saturating_sub(ELLIPSIS.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(ELLIPSIS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown() {
        assert_eq!(printable("a\u{1b}[31mé\r\u{9b}\nb ~"), "a\\u{1b}[31mé\\r\\u{9b}\nb ~");
    }

    #[test]
    fn messages_are_cut_at_a_character() {
        let mut text = "ä".repeat(600);
        truncate(&mut text, 1024);
        assert!(text.len() <= 1024 && text.ends_with("ä…"));
        let mut short = "short".to_owned();
        truncate(&mut short, 1024);
        assert_eq!(short, "short");
    }
}
