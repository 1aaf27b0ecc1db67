//! Colours by convention: on a terminal only, and not where `NO_COLOR` is set (no-color.org) or the terminal is dumb.

use std::io::IsTerminal as _;

use anstyle::{AnsiColor, Style};

use crate::environment::Environment;

/// Whether to colour; by default not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Colour(bool);

/// What a word means to the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something is wrong.
    Bad,
    /// Something may be wrong.
    Doubtful,
    /// All is well, or becomes so.
    Good,
    /// Of less weight than the rest.
    Quiet,
    /// Where to look.
    Strong,
}

impl Colour {
    /// For what is printed on standard output.
    pub(crate) fn of_stdout(environment: &Environment) -> Self {
        // A console of Windows may know no colours, or has to be told to obey them; elsewhere there is nothing to tell.
        let obeys = || anstyle_query::windows::enable_ansi_colors().unwrap_or(true);
        Self::decide(std::io::stdout().is_terminal() && obeys(), environment)
    }

    fn decide(is_terminal: bool, environment: &Environment) -> Self {
        let is_refused = environment.get("NO_COLOR").is_some() || environment.text("TERM") == Some("dumb");
        Self(is_terminal && !is_refused)
    }

    /// The text in the colour of its tone.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        if !self.0 {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Bad => AnsiColor::Red.on_default().bold(),
            Tone::Doubtful => AnsiColor::Yellow.on_default().bold(),
            Tone::Good => AnsiColor::Green.on_default(),
            Tone::Quiet => Style::new().dimmed(),
            Tone::Strong => Style::new().bold(),
        };
        format!("{style}{text}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_whose_user_wants_them() {
        let on = |is_terminal, variables: [(&str, &str); 1]| {
            let painted = Colour::decide(is_terminal, &Environment::from(variables)).paint(Tone::Bad, "x");
            painted != "x"
        };
        assert!(on(true, [("TERM", "xterm")]));
        assert!(on(true, [("NO_COLOR", "")]), "an empty one says nothing");
        assert!(!on(true, [("NO_COLOR", "1")]));
        assert!(!on(true, [("TERM", "dumb")]));
        assert!(!on(false, [("TERM", "xterm")]));
    }
}
