//! Which patterns a matcher may be given: it calls itself for each brace, and others may have written them.

/// Longest pattern, in bytes.
const LONGEST: usize = 1000;
/// Most braces in one.
const MOST_BRACES: usize = 20;

/// The message for a pattern over these limits.
pub(crate) const UNBOUNDED: &str = "a pattern has at most 1000 bytes and 20 braces";

/// Whether a matcher may be given a pattern.
pub(crate) fn is_bounded(pattern: &str) -> bool {
    pattern.len() <= LONGEST && pattern.matches('{').count() <= MOST_BRACES
}
