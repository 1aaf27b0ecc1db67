//! Names and paths in messages, and in the commands that messages suggest. Anybody may have chosen them: a repository that
//! was cloned can hold a file of any name.

use std::fmt::Write as _;
use std::path::Path;

use url::Url;

/// The text without characters that a terminal would obey. Line breaks and tabs stay.
pub(crate) fn visible(text: &str) -> String {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// As [`visible`], on one line: a line break in a name could begin what looks like a message of its own.
pub(crate) fn on_one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// A path in a message.
pub(crate) fn path(path: &Path) -> String {
    on_one_line(&path.display().to_string())
}

/// An address in a message, without credentials: user name, password and query are left out.
pub(crate) fn address(url: &Url) -> String {
    let mut shown = url.clone();
    // An address without a host has no place for them.
    let _ = shown.set_username("").and_then(|()| shown.set_password(None));
    if shown.query().is_some() {
        shown.set_query(Some("QUERY"));
    }
    shown.to_string()
}

/// A word that may be an address, as [`address`]; one that looks like an address and is none, and may hold a password, is not
/// shown at all. Every other word stays as it is.
pub(crate) fn public_address(word: &str) -> String {
    if !word.contains("://") {
        return word.to_owned();
    }
    match Url::parse(word) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() || url.query().is_some() => address(&url),
        Err(_) if word.contains(['@', '?']) => "URL".to_owned(),
        _ => word.to_owned(),
    }
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_obeyed(character) && !stays(character) {
            escaped.extend(character.escape_unicode());
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// Whether a terminal does something else than to show the character: it is a control character, ends a line, or turns the
/// direction of writing.
fn is_obeyed(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `namespace/name`; the name alone of what has no namespace.
pub(crate) fn full_name(namespace: &str, name: &str) -> String {
    match namespace {
        "" => name.to_owned(),
        namespace => format!("{namespace}/{name}"),
    }
}

/// A path as one word of a command line in the user's shell.
pub(crate) fn path_word(path: &Path) -> String {
    let text = path.display().to_string();
    // Else it would be read as a flag.
    if text.starts_with('-') {
        word(&format!("./{text}"))
    } else {
        word(&text)
    }
}

/// A text as an argument that is not a flag, whatever it begins with: as [`word`], behind `--` where it would be read as one.
pub(crate) fn operand(text: &str) -> String {
    let dashes = if text.starts_with('-') { "-- " } else { "" };
    dashes.to_owned() + &word(text)
}

/// A command with a variable set for it, as the user's shell takes it.
pub(crate) fn with_variable(name: &str, value: &str, command: &str) -> String {
    if cfg!(windows) {
        format!("$env:{name} = '{value}'; {command}")
    } else {
        format!("{name}={} {command}", word(value))
    }
}

/// A text as one word of a command line in the user's shell.
pub(crate) fn word(text: &str) -> String {
    if cfg!(windows) {
        windows_word(text)
    } else {
        posix_word(text)
    }
}

/// As one word for PowerShell and the Command Prompt alike. A name that one of them would not take as a word stands for itself.
fn windows_word(text: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || r"+,-./\:=@_".contains(character);
    let is_taken = |character: char| !is_obeyed(character) && !"$`\"%".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else if text.chars().all(is_taken) && !text.ends_with('\\') {
        format!("\"{text}\"")
    } else {
        "NAME".to_owned()
    }
}

/// Of a POSIX shell; with control characters in it, of bash, ksh and zsh.
fn posix_word(text: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "%+,-./:=@_".contains(character);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if !text.chars().any(is_obeyed) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = "$'".to_owned();
    for character in text.chars() {
        // Writing to a text cannot fail.
        let _ = match character {
            '\'' | '\\' => write!(word, "\\{character}"),
            obeyed if is_obeyed(obeyed) => write!(word, "\\u{:04x}", u32::from(obeyed)),
            plain => write!(word, "{plain}"),
        };
    }
    word + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operand_is_no_flag() {
        assert_eq!(operand("--cert=https:evil.pem"), "-- --cert=https:evil.pem");
        assert_eq!(operand("password"), "password");
    }

    #[test]
    fn a_terminal_obeys_nothing() {
        let hostile = "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r\n\tb";
        assert_eq!(visible(hostile), "a\\u{1b}]0;title\\u{7}\\u{9b}2J\\u{202e}\\u{d}\n\tb");
        assert_eq!(
            path(Path::new("a\nerror: b\u{2028}é 🔑")),
            "a\\u{a}error: b\\u{2028}é 🔑"
        );
    }

    #[test]
    fn words_are_words() {
        for (text, expected) in [
            ("apps/shop/db.yaml", "apps/shop/db.yaml"),
            ("für.yaml", "für.yaml"),
            ("", "''"),
            ("a b;rm -rf ~", "'a b;rm -rf ~'"),
            ("it's$(id)", r"'it'\''s$(id)'"),
            ("~/x", "'~/x'"),
            ("a\u{1b}[2J'\\\nb", r"$'a\u001b[2J\'\\\u000ab'"),
        ] {
            assert_eq!(posix_word(text), expected);
        }
        assert_eq!(path_word(Path::new("-rf.yaml")), "./-rf.yaml");
        for (text, expected) in [
            (r"C:\apps\für.yaml", r"C:\apps\für.yaml"),
            (r"C:\my apps\it's & (b).yaml", r#""C:\my apps\it's & (b).yaml""#),
            ("", r#""""#),
            ("a b\\", "NAME"),
            ("$(calc).yaml", "NAME"),
            ("%PATH%", "NAME"),
            ("a\" & calc", "NAME"),
        ] {
            assert_eq!(windows_word(text), expected);
        }
    }

    /// What bash makes of the words is what was meant.
    #[test]
    fn a_shell_reads_words_back() {
        for text in [
            "plain",
            "a b",
            "it's",
            "$(id) `id` \"x\" \\",
            "a\u{1b}]0;x\u{7}'\\\nb",
            "für🔑 \u{202e}x",
        ] {
            let line = format!("printf %s {}", posix_word(text));
            let Ok(output) = std::process::Command::new("bash")
                .args(["-c", &line])
                .env("LC_ALL", "C.UTF-8")
                .output()
            else {
                return;
            };
            assert_eq!(String::from_utf8(output.stdout).unwrap(), text, "{line}");
        }
    }
}
