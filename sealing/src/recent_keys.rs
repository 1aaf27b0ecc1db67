//! The keys that opened something recently, newest first. With many keys these are tried first, because each wrong one
//! costs a private-key operation.

use std::sync::{Mutex, PoisonError};

use crate::key::Fingerprint;

/// Keys remembered. Objects sealed with more keys are rare, and the other keys are tried all the same.
const REMEMBERED: usize = 8;

/// Shared by all who open one object after another.
#[derive(Debug, Default)]
pub struct RecentKeys(Mutex<Vec<Fingerprint>>);

impl RecentKeys {
    /// The keys to try first, the most recent one in front.
    pub fn keys(&self) -> Vec<Fingerprint> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Records that these keys opened something.
    pub fn opened<'a>(&self, by: impl IntoIterator<Item = &'a Fingerprint>) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in by {
            if keys.first() != Some(key) {
                keys.retain(|other| other != key);
                keys.insert(0, key.clone());
                keys.truncate(REMEMBERED);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(letter: char) -> Fingerprint {
        format!("SHA256:{}A", letter.to_string().repeat(42)).parse().unwrap()
    }

    #[test]
    fn the_last_one_is_in_front_and_few_are_remembered() {
        let recent = RecentKeys::default();
        for letter in "abcdefghi".chars() {
            recent.opened([&key(letter)]);
        }
        recent.opened(&[key('c'), key('i')]);
        let expected: Vec<_> = "ichgfedb".chars().map(key).collect();
        assert_eq!(recent.keys(), expected);
    }
}
