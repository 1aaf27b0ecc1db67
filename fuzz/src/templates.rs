//! Templates of strangers: an output or an error, within the limits.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use gotmpl::{Context, Functions, Limits, Random, Template};

/// Fifty times what is allowed: this build is slow, and the machine may be busy.
const WITHIN: Duration = Duration::from_millis(2500);

struct Zeros;

impl Random for Zeros {
    fn fill(&mut self, buffer: &mut [u8]) -> bool {
        buffer.fill(7);
        true
    }
}

static FUNCTIONS: LazyLock<Functions> = LazyLock::new(Functions::with_sprig);

/// Parses the text, and renders it twice: both results are the same, unless the template says that they may differ.
pub fn templates(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let limits = Limits {
        work: 50,
        ..Limits::default()
    };
    let start = Instant::now();
    let now = jiff::Zoned::default();
    let render = || {
        let mut random = Zeros;
        let mut context = Context::new(&now, &mut random, limits);
        let template = Template::parse_within("fuzzed", text, &FUNCTIONS, &mut context)?;
        template.render_strings(
            [("a", &b"value"[..]), ("list", b"1,2,3"), ("json", b"{\"a\":[1,{}]}")],
            &mut context,
        )
    };
    let first = render();
    let took = start.elapsed();
    assert!(took < WITHIN, "{took:?}");
    let size = first.as_ref().map_or(0, Vec::len);
    assert!(size <= limits.output, "{size}");
    if first.is_ok() {
        let again = render();
        assert!(again == first, "another rendering gives another result");
    }
}
