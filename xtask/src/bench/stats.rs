//! Several measurements of one thing.

/// The least, the middle and the largest of several measurements, all in the unit of the measurements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stats {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Stats {
    /// Of at least one measurement; of none, everything is NaN. The median of an even number is the mean of the two in
    /// the middle.
    pub(crate) fn of(measurements: impl IntoIterator<Item = f64>) -> Stats {
        let mut sorted: Vec<f64> = measurements.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let half = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (at(half.saturating_sub(1)) + at(half)) / 2.0
        } else {
            at(half)
        };
        Stats {
            min: at(0),
            median,
            max: at(sorted.len().saturating_sub(1)),
        }
    }

    /// `min / median / max`, with so many digits after the point.
    pub(crate) fn text(&self, digits: usize) -> String {
        let Stats { min, median, max } = self;
        format!("{min:.digits$} / **{median:.digits$}** / {max:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::Stats;

    #[test]
    fn the_middle_is_found_in_odd_and_even_numbers() {
        let stats = |min, median, max| Stats { min, median, max };
        assert_eq!(Stats::of([3.0, 1.0, 2.0]), stats(1.0, 2.0, 3.0));
        assert_eq!(Stats::of([4.0, 1.0, 2.0, 9.0]), stats(1.0, 3.0, 9.0));
        assert_eq!(Stats::of([5.0]), stats(5.0, 5.0, 5.0));
        assert_eq!(Stats::of([1.0, 2.0]).text(1), "1.0 / **1.5** / 2.0");
    }
}
