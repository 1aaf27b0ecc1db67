//! The key that stands beside a sealed value.

/// The key at the end of the text before a value: in its line, or in the line above a folded one.
pub(super) fn key_before(before: &str) -> Option<String> {
    let line = before.rsplit('\n').next()?;
    let line = if line.trim().is_empty() {
        let above = before.trim_end().rsplit('\n').next()?;
        let header = above.trim_end_matches(|sign: char| matches!(sign, '-' | '+') || sign.is_ascii_digit());
        header.strip_suffix(['|', '>'])?
    } else {
        line
    };
    let line = line.trim_end_matches(['"', '\'', ' ', '\t']);
    let key = line.strip_suffix([':', '='])?.trim_end();
    let key = match key.chars().next_back()? {
        quote @ ('"' | '\'') => key.strip_suffix(quote)?.rsplit(quote).next()?,
        _ => key.rsplit([' ', '\t', '{', ',']).next()?,
    };
    Some(key.to_owned()).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use super::key_before;

    #[test]
    fn a_quoted_key_is_taken_whole() {
        for (text, key) in [
            ("x: 1\n\"pass word\": \"", "pass word"),
            ("{\"x\":1,\"p\":\"", "p"),
            ("{a: 1, 'b, c' : '", "b, c"),
            ("- \"d\"=", "d"),
            ("\"e f\": >-\n    ", "e f"),
            ("  g: ", "g"),
        ] {
            assert_eq!(key_before(text).as_deref(), Some(key), "{text}");
        }
        assert_eq!(key_before("\"\": "), None);
    }
}
