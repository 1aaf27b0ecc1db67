//! The help of the program and of its verbs, and everything that can be typed.

mod choices;

use std::ffi::{OsStr, OsString};

use clap::{Command, CommandFactory as _};

use super::classic::args::Args;
use super::verb::VerbLine;
use crate::flags::CLUSTER_HEADING;

/// Everything that can be typed, flags and verbs, for completions and manual pages.
pub(crate) fn whole() -> Command {
    let verbs = VerbLine::command().get_subcommands().cloned().collect::<Vec<_>>();
    let whole = Args::command()
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .subcommands(verbs);
    choices::told(whole)
}

/// The text of `kubeseal VERB --help` for the verb that `words` name. None: there is no such verb.
pub(crate) fn of(words: &[String]) -> Option<String> {
    let command = VerbLine::command();
    let typed: Vec<_> = ["kubeseal"]
        .into_iter()
        .chain(words.iter().map(String::as_str))
        .collect();
    let typed: Vec<_> = typed.into_iter().map(OsString::from).collect();
    let (path, _) = named_by(&command, &typed);
    (path.len() == typed.len()).then(|| verb_help(&path))
}

/// The text of `kubeseal --help`.
pub(crate) fn program() -> String {
    let verbs = VerbLine::command();
    let width = verbs
        .get_subcommands()
        .map(|verb| verb.get_name().len())
        .max()
        .unwrap_or_default();
    let lines: String = verbs
        .get_subcommands()
        .map(|verb| {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            format!("  {:width$}  {about}\n", verb.get_name())
        })
        .collect();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n       kubeseal VERB --help\n\nVerbs (for files and whole \
         folders):\n{lines}\n{{all-args}}{{after-help}}"
    );
    Args::command().help_template(template).render_help().to_string()
}

/// The words of `words` that name sub-commands of `command`, after the program's name, and the innermost of them.
pub(crate) fn named_by<'a>(command: &'a Command, words: &[OsString]) -> (Vec<String>, &'a Command) {
    let mut path = vec![command.get_name().to_owned()];
    let mut innermost = command;
    for word in words.iter().skip(1).map(OsString::as_os_str) {
        let named = |verb: &&Command| OsStr::new(verb.get_name()) == word;
        let Some(verb) = innermost.get_subcommands().find(named) else {
            break;
        };
        path.push(verb.get_name().to_owned());
        innermost = verb;
    }
    (path, innermost)
}

/// The help of the verb at `path`. The flags that reach the cluster are named and not told, as they are kubectl's.
pub(crate) fn verb_help(path: &[String]) -> String {
    let mut root = VerbLine::command();
    root.build();
    let mut verb = path
        .iter()
        .skip(1)
        .try_fold(&root, |command, name| command.find_subcommand(name))
        .unwrap_or(&root)
        .clone();
    let is_kubectls = |arg: &clap::Arg| arg.get_help_heading() == Some(CLUSTER_HEADING);
    let reaches_the_cluster = verb.get_arguments().any(is_kubectls);
    verb = verb.mut_args(|arg| if is_kubectls(&arg) { arg.hide(true) } else { arg });
    let mut text = verb.render_help().to_string();
    if reaches_the_cluster {
        text.push_str(
            "\nThe cluster is reached as by kubectl (--context, --kubeconfig, …; kubeseal --help lists these flags).\n",
        );
    }
    text
}
