//! The command line as it was typed, for hints.

use std::ffi::OsString;

use clap::{CommandFactory as _, Subcommand as _};

use crate::commands::classic::args::Args;
use crate::commands::help::named_by;
use crate::commands::verb::{Verb, VerbLine};
use crate::typed::Typed;

/// Reads a command line, whether it is understood or not.
pub(crate) fn typed(argv: &[OsString]) -> Typed {
    let word = argv.get(1).and_then(|word| word.to_str());
    let is_verb = word.is_some_and(Verb::has_subcommand);
    let root = if is_verb { VerbLine::command() } else { Args::command() };
    let (path, command) = named_by(&root, argv);
    Typed::of(path, command, argv)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::quoting::word;

    fn typed(line: &str) -> Typed {
        super::typed(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn all_that_was_typed_is_repeated() {
        for (line, repeated) in [
            (
                "kubeseal seal a.yaml --cert=c -n x --scope strict",
                "kubeseal seal --prune a.yaml --cert=c -n x --scope strict",
            ),
            ("kubeseal seal --prune -nx -- -a", "kubeseal seal --prune -nx ./-a"),
            (
                "kubeseal seal $(id)",
                &format!("kubeseal seal --prune {}", word("$(id)")),
            ),
            ("kubeseal -f a hunter2", "kubeseal --prune -f a"),
            (
                "kubeseal keys list --context c",
                "kubeseal keys list --prune --context c",
            ),
        ] {
            assert_eq!(typed(line).with("--prune"), repeated);
        }
        let check = typed("kubeseal seal --check --out o a");
        assert_eq!(check.without(&["check"]), "kubeseal seal --out o a");
        let path = check.with_path(Path::new("a"), Path::new("b c"));
        assert_eq!(path, format!("kubeseal seal --check --out o {}", word("b c")));
    }

    #[test]
    fn secrets_are_not_repeated() {
        let line =
            "kubeseal seal --token hunter2 --password=hunter2 --proxy-url http://u:hunter2@p --from-literal a=hunter2";
        assert_eq!(
            typed(line).with("--prune"),
            "kubeseal seal --prune --token TOKEN --password=PASSWORD --proxy-url URL --from-literal KEY=VALUE"
        );
        assert_eq!(
            typed("kubeseal seal --password=pass").without(&[]),
            "kubeseal seal --password=PASSWORD"
        );
        for (typed_so, shown) in [
            ("--cert https://u:hunter2@h/c@1", "--cert https://h/c@1"),
            ("--cert https:///u:hunter2@h/c", "--cert https://h/c"),
            ("--server=https://hunter2@k:6443", "--server=https://k:6443/"),
            (
                "--cert https://h/c?private_token=hunter2",
                &format!("--cert {}", word("https://h/c?QUERY")),
            ),
            ("https://u:hun/ter2@h", "URL"),
            ("--cert https://h/a@b", "--cert https://h/a@b"),
        ] {
            let line = format!("kubeseal seal {typed_so}");
            assert_eq!(typed(&line).without(&[]), format!("kubeseal seal {shown}"));
        }
        let plain = "kubeseal seal --cert https://h/a@b x@y";
        assert_eq!(typed(plain).without(&[]), "kubeseal seal --cert https://h/a@b x@y");
    }

    #[test]
    fn other_commands_get_what_they_take() {
        let line = typed("kubeseal seal --cert c --out o --prune --context k --controller-name=n a");
        assert_eq!(line.sealing_flags(), " --cert c --context k --controller-name=n");
        assert_eq!(line.controller_flags(), " --context k --controller-name=n");
    }
}
