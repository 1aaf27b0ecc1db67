//! Remarks that are no errors: on stderr, and only where that is a terminal, since some scripts take any word there for a
//! failure. A warning is printed always.

use std::io::{self, IsTerminal as _, Write as _};

use crds::SealedSecret;
use sealing::binding::Scope;
use sealing::size::Obstacle;

use crate::placeholder;
use crate::quoting::on_one_line;

/// Says that a value that was sealed as it is ends in a line break, which is seldom meant. `mid_line`: the terminal's line is
/// not at its end, as a ciphertext without a line break stands there.
pub(crate) fn line_break_at_end(value: &[u8], mid_line: bool) {
    let mut stderr = io::stderr().lock();
    if value.ends_with(b"\n") && stderr.is_terminal() {
        // Only a courtesy: a failure to print it does not matter.
        let _ = writeln!(
            stderr,
            "{}note: the value ends in a line break, which was sealed with it; without one: printf %s \"$VALUE\" | kubeseal …",
            if mid_line { "\n" } else { "" }
        );
    }
}

/// Says what was done, or left out.
pub(crate) fn told(text: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        // Only a courtesy: a failure to print it does not matter.
        let _ = writeln!(stderr, "{}", on_one_line(text));
    }
}

/// An item that was added, with the name of another one that may have been meant.
pub(crate) fn near<'i>(item: &str, others: impl IntoIterator<Item = &'i String>) -> Option<&'i String> {
    let is_near = |other: &&String| *other != item && strsim::osa_distance(item, other) <= other.len() / 3;
    others.into_iter().find(is_near)
}

/// Says that a value that was sealed is a placeholder. `item` is what messages call it.
pub(crate) fn placeholder(item: &str, value: &[u8]) {
    let mut stderr = io::stderr().lock();
    if let Some(filler) = placeholder::filler(value).filter(|_| stderr.is_terminal()) {
        let told = format!("note: {item} is a placeholder ({filler}), and was sealed as it stands");
        // Only a courtesy: a failure to print it does not matter.
        let _ = writeln!(stderr, "{}", on_one_line(&told));
    }
}

/// Says what stands against a SealedSecret that was made. `place` is what messages call it.
pub(crate) fn obstacle(place: &str, obstacle: Obstacle) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let told = format!("note: {place}: {obstacle}; what helps: {}", obstacle.fix());
        // Only a courtesy: a failure to print it does not matter.
        let _ = writeln!(stderr, "{}", on_one_line(&told));
    }
}

/// Says that values are sealed for names under which they open nowhere.
pub(crate) fn names(sealed: &SealedSecret) {
    let metadata = &sealed.metadata;
    let scope = Scope::from_annotations(metadata.annotations.as_ref());
    let of = |text: &Option<String>| text.clone().unwrap_or_default();
    bound_to(scope, &of(&metadata.name), &of(&metadata.namespace));
}

/// The same of a value that is bound to these.
pub(crate) fn bound_to(scope: Scope, name: &str, namespace: &str) {
    let mut stderr = io::stderr().lock();
    if let Some(told) = placeholder::opens_nowhere(scope, name, namespace).filter(|_| stderr.is_terminal()) {
        // Only a courtesy: a failure to print it does not matter.
        let _ = writeln!(stderr, "{}", on_one_line(&format!("note: {told}")));
    }
}

/// Says what a person must know who would otherwise come to harm.
pub(crate) fn warning(text: &str) {
    // There is nowhere left to tell that stderr cannot be written.
    let _ = writeln!(io::stderr().lock(), "warning: {}", on_one_line(text));
}
