//! How many passed and how many failed.

use std::fmt;
use std::ops::AddAssign;

/// Checks and tests counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// One check.
    pub(crate) fn one(passed: bool) -> Counts {
        Counts {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    /// The sum of all `test result:` lines in the output of `cargo test`. An ignored test counts as failed: this
    /// project has none, and one that slips in must not look like a pass.
    pub(crate) fn of_tests(output: &str) -> Counts {
        let mut sum = Counts::default();
        for line in output
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("test result: "))
        {
            sum += Counts {
                passed: number_before(line, " passed"),
                failed: number_before(line, " failed"),
            };
            sum.failed += number_before(line, " ignored");
        }
        sum
    }
}

/// The number in front of a word: `12` for ` passed` in `ok. 12 passed; 0 failed`.
fn number_before(line: &str, word: &str) -> u64 {
    let Some((before, _)) = line.split_once(word) else {
        return 0;
    };
    let digits = before.rsplit(|character: char| !character.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::Counts;

    #[test]
    fn all_result_lines_are_summed() {
        let output = "running 2 tests\n\
            test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 3 filtered out; finished in 0.15s\n\
            noise 99 passed\n\
            test result: FAILED. 8 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 13.62s\n";
        assert_eq!(Counts::of_tests(output), Counts { passed: 20, failed: 3 });
    }

    #[test]
    fn output_without_results_counts_nothing() {
        assert_eq!(Counts::of_tests("error: could not compile"), Counts::default());
    }
}
