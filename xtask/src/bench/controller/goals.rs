//! Goals beside the measurements.

use crate::bench::table::Table;

/// One goal.
pub(crate) struct Goal {
    what: String,
    wanted: String,
    measured: String,
    met: bool,
}

impl Goal {
    /// `measured` is to be `least` or more.
    pub(crate) fn at_least(what: impl Into<String>, least: f64, measured: f64, unit: &str) -> Goal {
        Goal::new(what.into(), ("≥", least), measured, unit, measured >= least)
    }

    /// `measured` is to be `most` or less.
    pub(crate) fn at_most(what: impl Into<String>, most: f64, measured: f64, unit: &str) -> Goal {
        Goal::new(what.into(), ("≤", most), measured, unit, measured <= most)
    }

    fn new(what: String, (sign, wanted): (&str, f64), measured: f64, unit: &str, met: bool) -> Goal {
        Goal {
            what,
            wanted: format!("{sign} {wanted}{unit}"),
            measured: format!("{measured:.2}{unit}"),
            met,
        }
    }
}

/// All goals as a table.
pub(crate) fn table(goals: &[Goal]) -> String {
    let mut table = Table::new(["goal", "wanted", "measured", "met"]);
    for goal in goals {
        table.row([
            goal.what.clone(),
            goal.wanted.clone(),
            goal.measured.clone(),
            if goal.met { "yes" } else { "**no**" }.to_owned(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_met_or_not() {
        let text = table(&[
            Goal::at_least("fast", 1.6, 1.59, " ×"),
            Goal::at_most("lean", 20.0, 20.0, " MiB"),
        ]);
        assert!(text.contains("| fast | ≥ 1.6 ×  | 1.59 ×    | **no** |"), "{text}");
        assert!(text.contains("| lean | ≤ 20 MiB | 20.00 MiB | yes    |"), "{text}");
    }
}
