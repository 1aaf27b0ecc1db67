//! Random templates that want to cost much stay within the limits, by processor time and by memory.
//!
//! A few here; more with `cargo xtask fuzz costs`, which runs `examples/cost.rs`.

#[cfg(test)]
mod generator;
#[cfg(test)]
mod measure;

#[cfg(test)]
mod cost {
    use std::time::Duration;

    use gotmpl::Functions;

    use super::generator::hostile;
    use super::measure::{LIMITS, cost_with_luck};

    /// See `bombs.rs`. Half of the time is for the work that is allowed beside the steps.
    const WITHIN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 800 } else { 100 });

    const MEMORY: usize = 32 << 20;

    /// Templates that a longer run has found to go over a limit.
    const FOUND: [u64; 7] = [
        2_013_697, 2_029_135, 2_076_630, 2_533_129, 3_183_913, 3_404_965, 3_494_369,
    ];

    /// The only test of this program: the memory is that of all its threads.
    #[test]
    fn hostile_templates_stay_within_the_limits() {
        let functions = Functions::with_sprig();
        let names = functions.names();
        let mut dear = Vec::new();
        for number in (0..500).chain(FOUND) {
            let hostile = hostile(&functions, &names, number);
            let cost = cost_with_luck(&functions, &hostile.template, LIMITS, WITHIN);
            if cost.time > WITHIN || cost.memory > MEMORY {
                let (time, memory, ended) = (cost.time, cost.memory >> 20, cost.ended);
                dear.push(format!(
                    "{number} ({}): {time:?}, {memory} MiB, {ended}\n{}",
                    hostile.function, hostile.template
                ));
            }
        }
        assert!(dear.is_empty(), "{}", dear.join("\n\n"));
    }
}
