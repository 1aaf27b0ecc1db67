//! Which values some flags take, for completions and manual pages. What is typed is judged elsewhere, as it may be written in
//! other ways too (`-o JSON`).

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command};

/// The command line with the values of its flags.
pub(super) fn told(command: Command) -> Command {
    let name = command.get_name().to_owned();
    command
        .mut_args(|arg| {
            let values = of(&name, &arg);
            if values.is_empty() {
                arg
            } else {
                arg.value_parser(PossibleValuesParser::new(values))
            }
        })
        .mut_subcommands(told)
}

/// The values of a flag of `verb`; empty where anything may stand.
fn of(verb: &str, flag: &Arg) -> &'static [&'static str] {
    match (verb, flag.get_long()) {
        (_, Some("scope")) => &["strict", "namespace-wide", "cluster-wide"],
        (_, Some("format-version")) => &["1", "2"],
        ("kubeseal", Some("format")) => &["json", "yaml"],
        ("lint", Some("output")) => &["text", "json", "sarif"],
        (_, Some("output")) => &["text", "json"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use sealing::binding::Scope;

    use crate::commands::help::whole;

    use super::*;

    /// The flags of a command and of all below it, with the names of their commands.
    fn flags(command: &Command) -> Vec<(String, Arg)> {
        let own = command
            .get_arguments()
            .map(|arg| (command.get_name().to_owned(), arg.clone()));
        own.chain(command.get_subcommands().flat_map(flags)).collect()
    }

    #[test]
    fn the_values_are_those_that_the_help_names() {
        let whole = whole();
        let mut seen = 0;
        for (verb, flag) in flags(&whole) {
            let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
            let named = ["text", "json", "yaml", "sarif"]
                .iter()
                .filter(|word| help.contains(&format!(" {word}")));
            let is_format = matches!(flag.get_long(), Some("format" | "output"));
            let values = of(&verb, &flag);
            assert!(!is_format || named.count() == values.len(), "{verb} {flag}: {help}");
            if flag.get_long() == Some("scope") {
                assert_eq!(values, Scope::ALL.map(|scope| scope.to_string()));
            }
            seen += usize::from(!values.is_empty());
        }
        assert!(seen > 8, "{seen}");
    }
}
