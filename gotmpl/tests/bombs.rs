//! No function takes more than a moment, whatever it is given and however often: the limits end it.
//!
//! The calls are the lines of `bombs.txt`, which `cargo xtask bench templates` measures as well.

#[cfg(test)]
mod bombs {
    use std::time::Duration;

    use gotmpl::{Context, Functions, Limit, Limits, Random, Template};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};
    use rustix::time::{ClockId, clock_gettime};

    struct Seeded(ChaCha20Rng);

    impl Random for Seeded {
        fn fill(&mut self, buffer: &mut [u8]) -> bool {
            self.0.fill_bytes(buffer);
            true
        }
    }

    /// The measure is 50 ms, which `cargo test --release` holds. In the profile of the tests not every crate below this one is
    /// optimised.
    const WITHIN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 400 } else { 50 });

    /// What this thread has had of the processor: the machine may be busy with something else meanwhile.
    fn processor_time() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap())
    }

    fn time_of(template: &Template) -> (String, Duration) {
        let now = jiff::Zoned::default();
        let mut random = Seeded(ChaCha20Rng::from_seed([7; 32]));
        let start = processor_time();
        let mut context = Context::new(&now, &mut random, Limits::default());
        let result = template.render_strings([], &mut context);
        let ended = result.map_or_else(|error| error.to_string(), |_| "it ended".to_owned());
        (ended, processor_time() - start)
    }

    /// Every call in a loop without end, over values of this size.
    fn none_takes_long(size: usize) {
        let functions = Functions::with_sprig();
        let calls = include_str!("bombs.txt").lines().filter(|line| !line.starts_with('#'));
        let (mut slow, mut count) = (Vec::new(), 0);
        for call in calls {
            let values = values(call, size);
            let text = format!("{values}{{{{ range 1000000 }}}}{{{{ $x := {call} }}}}{{{{ end }}}}");
            let template = Template::parse("bomb", &text, &functions).unwrap_or_else(|error| panic!("{call}: {error}"));
            let (ended, first) = time_of(&template);
            assert_ne!(ended, "it ended", "{call}");
            // Once may be bad luck.
            let slowest = |first| (0..3).map(|_| time_of(&template).1).fold(first, Duration::min);
            let took = if first > WITHIN { slowest(first) } else { first };
            if took > WITHIN {
                slow.push(format!("{took:?} {call}: {ended}"));
            }
            count += 1;
        }
        assert!(count > 200, "{count}");
        assert!(slow.is_empty(), "too slow:\n{}", slow.join("\n"));
    }

    /// The lines of `work.txt`: the price, and the call.
    #[test]
    fn what_is_costly_is_paid_for_before_it_begins() {
        let functions = Functions::with_sprig();
        let ended = |call: &str, work: u32| {
            let template = Template::parse("costly", &format!("{{{{ $x := {call} }}}}"), &functions).unwrap();
            let now = jiff::Zoned::default();
            let mut random = Seeded(ChaCha20Rng::from_seed([7; 32]));
            let limits = Limits {
                work,
                ..Limits::default()
            };
            let result = template.render_strings([], &mut Context::new(&now, &mut random, limits));
            result.err().map(|error| error.limit())
        };
        for line in include_str!("work.txt").lines() {
            let (price, call) = line.split_once(' ').unwrap();
            let price = price.parse().unwrap();
            assert_eq!(ended(call, price - 1), Some(Some(Limit::Work)), "{call}");
            // The dearest ones would take seconds here.
            if price < 1000 {
                assert_eq!(ended(call, price), None, "{call}");
            }
        }
    }

    /// The definitions of the values that a call uses: large, middling or small ones.
    fn values(call: &str, size: usize) -> String {
        let lines = include_str!("bombs-values.tsv")
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        lines
            .filter(|line| call.contains(line[0]))
            .map(|line| line[size])
            .collect()
    }

    #[test]
    fn no_function_of_large_values_takes_longer_than_its_limits_allow() {
        none_takes_long(1);
    }

    #[test]
    fn no_function_of_middling_values_takes_longer_than_its_limits_allow() {
        none_takes_long(2);
    }

    #[test]
    fn no_function_of_small_values_takes_longer_than_its_limits_allow() {
        none_takes_long(3);
    }
}
