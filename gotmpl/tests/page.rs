//! The examples of docs/templates.md give what the page says.

#[cfg(test)]
mod examples {
    use std::collections::BTreeMap;

    use gotmpl::{Context, Functions, Limits, Random, Template};

    struct NoRandom;

    impl Random for NoRandom {
        fn fill(&mut self, _: &mut [u8]) -> bool {
            false
        }
    }

    /// The blocks of this language, in their order.
    fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
        let fenced = page.split("```").skip(1).step_by(2);
        fenced
            .filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'))
            .collect()
    }

    #[test]
    fn every_example_gives_what_stands_below_it() {
        let page = include_str!("../../docs/templates.md");
        let data: BTreeMap<String, String> = serde_json::from_str(blocks(page, "json")[0]).unwrap();
        let (templates, outputs) = (blocks(page, "gotmpl"), blocks(page, "text"));
        assert_eq!((templates.len(), outputs.len()), (4, 4));
        let functions = Functions::with_sprig();
        let now = jiff::Zoned::default();
        for (text, output) in templates.iter().zip(outputs) {
            let template = Template::parse("page", text, &functions).unwrap();
            let values = data.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
            let mut random = NoRandom;
            let rendered = template.render_strings(values, &mut Context::new(&now, &mut random, Limits::default()));
            assert_eq!(String::from_utf8(rendered.unwrap()).unwrap(), output, "{text}");
        }
    }
}
