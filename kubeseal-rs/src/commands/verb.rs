//! The verbs: `kubeseal VERB …`, each with flags of its own. One file a verb; groups that several share are in `flags`.

use clap::{Parser, Subcommand};

use super::{doctor, edit, keys, lint, manual, page, rename, render, reseal, seal, set, unseal, unset};

/// A command line whose second word is a verb.
#[derive(Debug, Parser)]
#[command(name = "kubeseal", disable_help_subcommand = true, max_term_width = 110)]
pub(crate) struct VerbLine {
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// A verb with what was typed after it. The first line of each comment is the verb's line in `kubeseal --help`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Find out why a SealedSecret does not unseal
    Doctor(Box<doctor::DoctorFlags>),
    /// Show, save and bring back the sealing keys of a cluster
    Keys(Box<keys::KeysFlags>),
    /// Find what is wrong with SealedSecrets in a repository, without key and cluster
    Lint(lint::LintFlags),
    /// Type new values into sealed files with your editor
    Edit(Box<edit::EditFlags>),
    /// Seal one value into a sealed file
    Set(Box<set::SetFlags>),
    /// Remove items from a sealed file
    Unset(unset::UnsetFlags),
    /// Give an item of a sealed file another name
    Rename(Box<rename::RenameFlags>),
    /// Show what templates make of sample values, without key and cluster
    Render(render::RenderFlags),
    /// Seal the Secrets in files, folders and whole repositories
    Seal(Box<seal::SealFlags>),
    /// Seal again what is not sealed with the newest key
    Reseal(Box<reseal::ResealFlags>),
    /// Open sealed files offline, with private keys that are at hand
    Unseal(Box<unseal::UnsealFlags>),
    /// Print a page that seals in a browser, for one certificate
    Page(Box<page::PageFlags>),
    /// Print the completions for a shell
    Completions(manual::CompletionsFlags),
    /// Print or write the manual pages
    Man(manual::ManFlags),
    /// Print the help of a verb
    Help(manual::HelpFlags),
}

/// The verb that `word` is a misspelling of, if one is near enough.
pub(crate) fn meant_by(word: &str) -> Option<String> {
    use clap::CommandFactory as _;
    let command = VerbLine::command();
    command
        .get_subcommands()
        .map(clap::Command::get_name)
        .map(|verb| (strsim::osa_distance(word, verb), verb))
        .filter(|(slips, verb)| *slips <= verb.len() / 3)
        .min()
        .map(|(_, verb)| verb.to_owned())
}

/// The verb for what other programs call `word`.
pub(crate) fn of_synonym(word: &str) -> Option<&'static str> {
    match word {
        "check" | "validate" | "verify" => Some("lint"),
        "encrypt" => Some("seal"),
        "decrypt" | "open" => Some("unseal"),
        "re-encrypt" | "reencrypt" | "rotate" => Some("reseal"),
        _ => None,
    }
}
