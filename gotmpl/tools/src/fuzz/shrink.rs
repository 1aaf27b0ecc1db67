//! Makes a rendering small that shows something: fewer words, fewer values.

use anyhow::Result;

use crate::oracle::Rendering;

/// The smallest rendering found that `shows` it still.
pub(super) fn shrink(mut small: Rendering, mut shows: impl FnMut(&Rendering) -> Result<bool>) -> Result<Rendering> {
    for name in small.data.keys().cloned().collect::<Vec<_>>() {
        let mut without = small.clone();
        without.data.remove(&name);
        if shows(&without)? {
            small = without;
        }
    }
    let mut tokens = words(&small.template);
    let mut size = tokens.len().div_ceil(2);
    while size > 0 {
        let mut from = 0;
        let mut smaller = false;
        while from < tokens.len() {
            let to = (from + size).min(tokens.len());
            let mut fewer = tokens.clone();
            fewer.drain(from..to);
            let candidate = Rendering {
                template: fewer.concat(),
                data: small.data.clone(),
            };
            if shows(&candidate)? {
                (tokens, small, smaller) = (fewer, candidate, true);
            } else {
                from = to;
            }
        }
        if !smaller {
            size /= 2;
        }
    }
    Ok(small)
}

/// Runs of letters and digits, and every other character by itself.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for char in text.chars() {
        let joins = |word: &String| word.chars().all(char::is_alphanumeric) && char.is_alphanumeric();
        match words.last_mut().filter(|word| joins(word)) {
            Some(word) => word.push(char),
            None => words.push(char.to_string()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_is_left() {
        let rendering = Rendering {
            template: "aa {{ upper .x | trim }} bb".to_owned(),
            data: [("x".to_owned(), vec![1]), ("y".to_owned(), vec![2])].into(),
        };
        let small = shrink(rendering, |candidate| {
            Ok(candidate.template.contains("upper") && candidate.data.contains_key("y"))
        });
        let small = small.unwrap();
        assert_eq!((small.template.as_str(), small.data.len()), ("upper", 1));
    }
}
