//! pflag's syntax over plainly declared flags, so that every flag has it and none must say so: `--flag=false` switches a
//! boolean off, and a value may begin with a dash.
//!
//! The help is made from the plain declaration, in which a boolean is `--flag` and not `--flag[=<BOOL>]`.

use clap::{Arg, ArgAction, Command};

use crate::flags::values;

/// The command as it is parsed, with all of its sub-commands.
pub(super) fn of_pflag(command: Command) -> Command {
    let verbs: Vec<_> = command
        .get_subcommands()
        .map(|verb| verb.get_name().to_owned())
        .collect();
    let command = command.args_override_self(true).mut_args(flag);
    verbs
        .into_iter()
        .fold(command, |command, verb| command.mut_subcommand(verb, of_pflag))
}

fn flag(arg: Arg) -> Arg {
    if arg.get_long().is_none() {
        return arg;
    }
    match arg.get_action() {
        ArgAction::SetTrue => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .value_name("BOOL")
            .default_value("false")
            .default_missing_value("true")
            .value_parser(values::boolean),
        ArgAction::Set | ArgAction::Append => arg.allow_hyphen_values(true),
        _ => arg,
    }
}
