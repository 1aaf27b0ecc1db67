//! Templates with every function of sprig and every form of the language, beside what Go made of them: the cases of
//! `cases/*.txt`, with the answers that `cargo xtask vectors templates` wrote to `cases/*.json`.

#[cfg(test)]
mod beside_go {
    use std::collections::BTreeMap;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use gotmpl::{COSTLY_FUNCTIONS, Context, Error, Functions, Limits, Mistake, Random, Template};
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::{RngCore, SeedableRng};
    use regex::Regex;
    use serde::Deserialize;

    const FILES: &[(&str, &str)] = &[
        ("builtins", include_str!("cases/builtins.json")),
        ("crypto", include_str!("cases/crypto.json")),
        ("dates", include_str!("cases/dates.json")),
        ("defaults", include_str!("cases/defaults.json")),
        ("dicts", include_str!("cases/dicts.json")),
        ("documented", include_str!("cases/documented.json")),
        ("encodings", include_str!("cases/encodings.json")),
        ("found", include_str!("cases/found.json")),
        ("kafka", include_str!("cases/kafka.json")),
        ("language", include_str!("cases/language.json")),
        ("lists", include_str!("cases/lists.json")),
        ("numbers", include_str!("cases/numbers.json")),
        ("strings", include_str!("cases/strings.json")),
    ];

    /// A template, its values, and what Go made of it.
    #[derive(Deserialize)]
    struct Case {
        template: String,
        #[serde(default)]
        data: BTreeMap<String, String>,
        /// Where there is one, the output need not be Go's own: both match this.
        shape: Option<String>,
        output: Option<String>,
        error: Option<Failure>,
    }

    #[derive(Deserialize)]
    struct Failure {
        stage: String,
        line: usize,
        function: Option<String>,
    }

    struct Seeded(ChaCha20Rng);

    impl Random for Seeded {
        fn fill(&mut self, buffer: &mut [u8]) -> bool {
            self.0.fill_bytes(buffer);
            true
        }
    }

    fn cases() -> Vec<(&'static str, Case)> {
        let read = |(name, text): &(&'static str, &str)| {
            let cases: Vec<Case> = serde_json::from_str(text).unwrap();
            cases.into_iter().map(|case| (*name, case)).collect::<Vec<_>>()
        };
        FILES.iter().flat_map(read).collect()
    }

    fn render(functions: &Functions, case: &Case) -> Result<Vec<u8>, Error> {
        let template = Template::parse("t", &case.template, functions)?;
        let decoded = |(name, value): (&String, &String)| (name.clone(), STANDARD.decode(value).unwrap());
        let data: BTreeMap<_, _> = case.data.iter().map(decoded).collect();
        let now = jiff::Timestamp::new(1_763_776_876, 123_456_000).unwrap();
        let now = now.to_zoned(jiff::tz::TimeZone::UTC);
        let mut random = Seeded(ChaCha20Rng::from_seed([7; 32]));
        // Every other function does without this work.
        let is_costly = COSTLY_FUNCTIONS.iter().any(|name| case.template.contains(name));
        let work = if is_costly { Limits::default().work } else { 0 };
        let limits = Limits {
            work,
            ..Limits::default()
        };
        let mut context = Context::new(&now, &mut random, limits);
        let data = data.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
        template.render_strings(data, &mut context)
    }

    fn shown(bytes: &[u8]) -> String {
        bytes.escape_ascii().to_string()
    }

    /// What is different from Go, if anything.
    fn difference(functions: &Functions, case: &Case) -> Option<String> {
        let theirs = case.output.as_ref().map(|output| STANDARD.decode(output).unwrap());
        match (render(functions, case), theirs, &case.error) {
            (Ok(ours), Some(theirs), None) => match &case.shape {
                None => (ours != theirs).then(|| format!("\n  Go:   {}\n  ours: {}", shown(&theirs), shown(&ours))),
                Some(shape) => {
                    let shape = Regex::new(shape).unwrap();
                    let fits = |output: &[u8]| shape.is_match(&String::from_utf8_lossy(output));
                    assert!(fits(&theirs), "Go's answer to {} has another shape", case.template);
                    (!fits(&ours)).then(|| format!("{} is not like {shape}", shown(&ours)))
                }
            },
            (Err(error), None, Some(failure)) => {
                let parse = matches!(error.mistake, Mistake::Parse(_));
                let stage = if parse { "parse" } else { "execute" };
                let function = failure.function.is_none() || failure.function.as_deref() == error.function();
                let same = stage == failure.stage && error.line == failure.line && function;
                let Failure { stage, line, function } = failure;
                (!same).then(|| format!("\n  Go:   {stage}, line {line}, {function:?}\n  ours: {error}"))
            }
            (Ok(ours), ..) => Some(format!("Go fails, ours gives {}", shown(&ours))),
            (Err(error), theirs, _) => Some(format!(
                "\n  Go:   {}\n  ours: {error}",
                shown(&theirs.unwrap_or_default())
            )),
        }
    }

    #[test]
    fn every_case_gives_what_go_gives() {
        let functions = Functions::with_sprig();
        let cases = cases();
        let differences = cases.iter().filter_map(|(file, case)| {
            let difference = difference(&functions, case)?;
            Some(format!("{file}: {}: {difference}", case.template))
        });
        let wrong: Vec<_> = differences.collect();
        assert!(cases.len() >= 600, "only {} cases", cases.len());
        assert!(
            wrong.is_empty(),
            "{} of {} differ:\n{}",
            wrong.len(),
            cases.len(),
            wrong.join("\n")
        );
    }

    fn fewer_than_two(pattern: &str, cases: &[(&str, Case)]) -> bool {
        let pattern = Regex::new(pattern).unwrap();
        cases
            .iter()
            .filter(|(_, case)| pattern.is_match(&case.template))
            .count()
            < 2
    }

    #[test]
    fn every_function_has_at_least_two_cases() {
        let cases = cases();
        let names = Functions::with_sprig().names();
        // 208 of sprig, 19 of the language, of which `slice` is in both.
        assert_eq!(names.len(), 208 + 19 - 1);
        let rare = |name: &&&str| fewer_than_two(&format!(r"\{{\{{[^}}]*(^|[^.$\w]){name}\b"), &cases);
        let rare: Vec<_> = names.iter().filter(rare).collect();
        assert!(rare.is_empty(), "fewer than two cases: {rare:?}");
    }

    /// Patterns of the forms of the language.
    const FORMS: &[&str] = &[
        r"\{\{- ",
        r" -\}\}",
        r"\{\{- ?/\*",
        r"\{\{/\*",
        r"\{\{ ?if ",
        r"\{\{ ?else if ",
        r"\{\{ ?else ?\}\}",
        r"\{\{-? ?range ",
        r"range \$\w+, \$\w+ := ",
        r"range \$\w+ := ",
        r"range \$\w+, \$\w+ = ",
        r"range \d",
        r"range [^}]*\}\}.*\{\{ else \}\}",
        r"\{\{ break \}\}",
        r"\{\{ continue \}\}",
        r"\{\{ with ",
        r"\{\{ else with ",
        r"with \$\w+ := ",
        r"if \$\w+ := ",
        r"\{\{ define ",
        r"\{\{ template ",
        r"\{\{ block ",
        r"\{\{ \$\w+ := ",
        r"\{\{ \$\w+ = ",
        r"\| \w+ \}\}",
        r"\| \w+ \| ",
        r"\(\w+ [^)]*\)\.\w",
        r"\$\.\w",
        r"\{\{ \.\w+ \}\}",
        r"\{\{ \. \}\}",
        r"\{\{ \$ \}\}",
        r"\$\w+\.\w+",
        r"\{\{ `",
        r"\{\{ '",
        r"\{\{ -?\d+ \}\}",
        r"0x[0-9A-F]",
        r"0b1",
        r"0o1",
        r"\d_\d",
        r"\d\.\d",
        r"\de\d",
        r"\di \}\}",
        r"\btrue\b",
        r"\bfalse\b",
        r"\bnil\b",
        r"(?s)\{\{[^}]*\n[^}]*\}\}",
        r"printf .%[-+ 0#]*\d",
        r"%\[\d\]",
        r"%\*d",
        r"%q",
        r"%x",
        r"%v",
        r"%T",
        r"%e|%g",
        r"%U",
        r"%c",
        r"%t",
        r"%o|%O|%b",
    ];

    #[test]
    fn every_form_of_the_language_has_at_least_two_cases() {
        let cases = cases();
        let rare: Vec<_> = FORMS.iter().filter(|form| fewer_than_two(form, &cases)).collect();
        assert!(rare.is_empty(), "fewer than two cases: {rare:#?}");
    }
}
