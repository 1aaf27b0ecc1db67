//! Log lines in the shape of Go's `slog`, which people scrape: `time=… level=INFO msg="…" k=v`, or JSON.

mod tenants;

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use crate::printable::printable;
use crate::settings::LogSettings;

use tenants::Tenants;

/// Sends the log lines of this crate to stdout and stderr from now on.
///
/// Libraries' lines are left out: they are not held to the rule that no line carries a secret.
pub(crate) fn start(settings: LogSettings) {
    let subscriber = Registry::default().with(SlogLayer::new(settings));
    // Fails only when one is set already, and the first one is as good.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Where the lines about the requests of strangers come from.
const OF_STRANGERS: &str = concat!(env!("CARGO_CRATE_NAME"), "::server::");
/// How many of them there are in a burst, beside one a second: a log is turned over by what is in it.
const BURST: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// Fields that name a tenant's object.
const OBJECTS: [&str; 2] = ["key", "object"];

struct SlogLayer {
    settings: LogSettings,
    of_strangers: DefaultDirectRateLimiter,
    left_out: AtomicU64,
    of_tenants: Tenants,
}

impl SlogLayer {
    fn new(settings: LogSettings) -> Self {
        Self {
            settings,
            of_strangers: RateLimiter::direct(Quota::per_second(NonZeroU32::MIN).allow_burst(BURST)),
            left_out: AtomicU64::new(0),
            of_tenants: Tenants::default(),
        }
    }

    /// How many lines were left out before one from there; `None`: it is left out, too.
    fn admit(&self, target: &str) -> Option<u64> {
        if !target.starts_with(OF_STRANGERS) {
            return Some(0);
        }
        if self.of_strangers.check().is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(self.left_out.swap(0, Ordering::Relaxed))
    }

    /// Whether there may be such a line about the object that it names. Whoever asks for more than [`Level::INFO`] gets it.
    fn admit_object(&self, level: Level, fields: &Fields) -> bool {
        let object = fields.others.iter().find(|(name, _)| OBJECTS.contains(name));
        object.is_none_or(|(_, object)| level > Level::INFO || self.of_tenants.admit(object, Instant::now()))
    }

    fn write(&self, level: Level, fields: &Fields) {
        let mut line = if self.settings.json {
            json(level, fields)
        } else {
            text(level, fields)
        };
        line.push('\n');
        // A log that cannot be written has nowhere to say so.
        let _ = if self.settings.info_to_stdout && level >= Level::INFO {
            std::io::stdout().lock().write_all(line.as_bytes())
        } else {
            std::io::stderr().lock().write_all(line.as_bytes())
        };
    }
}

impl<S: Subscriber> Layer<S> for SlogLayer {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let own = env!("CARGO_CRATE_NAME");
        let target = metadata.target();
        *metadata.level() <= self.settings.level
            && (target == own || target.starts_with(concat!(env!("CARGO_CRATE_NAME"), "::")))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(left_out) = self.admit(event.metadata().target()) else {
            return;
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        if left_out > 0 {
            fields.others.push(("left_out", left_out.to_string()));
        }
        let level = *event.metadata().level();
        if self.admit_object(level, &fields) {
            self.write(level, &fields);
        }
        if let Some(left_out) = self.of_tenants.tell(Instant::now()) {
            self.write(Level::WARN, &Fields::of_left_out(left_out));
        }
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Fields {
    fn of_left_out(left_out: tenants::LeftOut) -> Self {
        Self {
            message: "lines about the objects of some namespaces were left out: there were too many".to_owned(),
            others: vec![
                ("left_out", left_out.lines.to_string()),
                ("namespaces", left_out.namespaces),
            ],
        }
    }

    fn push(&mut self, field: &Field, value: String) {
        let value = printable(&value);
        match field.name() {
            "message" => self.message = value,
            // `r#type = …` and the like.
            name => self.others.push((name.trim_start_matches("r#"), value)),
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.push(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.push(field, format!("{value:?}"));
    }
}

fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn text(level: Level, fields: &Fields) -> String {
    let mut line = format!("time={} level={level} msg={}", now(), quoted(&fields.message));
    for (name, value) in &fields.others {
        // Writing to a String cannot fail.
        let _ = write!(line, " {name}={}", quoted(value));
    }
    line
}

/// Quotes as `slog` does: only where a reader of `k=v` would stumble.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '=' && c != '\\';
    if !value.is_empty()
        && value
            .chars()
            .all(|c| plain(c) || (!c.is_ascii() && c.is_alphanumeric()))
    {
        value.to_owned()
    } else {
        Value::from(value).to_string()
    }
}

fn json(level: Level, fields: &Fields) -> String {
    let mut object = Map::new();
    object.insert("time".to_owned(), now().into());
    object.insert("level".to_owned(), level.to_string().into());
    object.insert("msg".to_owned(), fields.message.as_str().into());
    for (name, value) in &fields.others {
        object.insert((*name).to_owned(), value.as_str().into());
    }
    Value::Object(object).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields {
            message: "New key written".to_owned(),
            others: vec![
                ("name", "sealed-secrets-keyabcde".to_owned()),
                ("note", "a \"b\"".to_owned()),
            ],
        }
    }

    #[test]
    fn a_line_of_text_is_as_slog_writes_it() {
        let line = text(Level::INFO, &fields());
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(
            time.strip_prefix("time=").unwrap().parse::<Timestamp>().is_ok(),
            "{time}"
        );
        assert_eq!(time.len(), "time=2026-11-21T22:51:09.123Z".len(), "milliseconds");
        let expected = r#"level=INFO msg="New key written" name=sealed-secrets-keyabcde note="a \"b\"""#;
        assert_eq!(rest, expected);
    }

    #[test]
    fn characters_that_a_viewer_obeys_are_escaped() {
        let mut fields = Fields::default();
        fields
            .others
            .push(("note", printable("a\u{9b}31m\u{202e}\u{2028}\u{7f}é…")));
        let line = text(Level::INFO, &fields);
        assert!(
            line.ends_with(r#"note="a\\u{9b}31m\\u{202e}\\u{2028}\\u{7f}é…""#),
            "{line}"
        );
    }

    #[test]
    fn a_line_of_json_has_slogs_names() {
        let line: Value = serde_json::from_str(&json(Level::WARN, &fields())).unwrap();
        assert!(line["time"].as_str().unwrap().parse::<Timestamp>().is_ok());
        assert_eq!(
            (&line["level"], &line["msg"], &line["note"]),
            (&"WARN".into(), &"New key written".into(), &"a \"b\"".into())
        );
    }

    #[test]
    fn lines_about_strangers_are_few_and_say_how_many_were_left_out() {
        let layer = SlogLayer::new(LogSettings {
            level: Level::INFO,
            json: false,
            info_to_stdout: false,
        });
        let verify = "controller::server::verify";
        let shown = (0..1000).filter(|_| layer.admit(verify) == Some(0)).count();
        assert!((30..40).contains(&shown), "{shown}");
        assert!((0..1000).all(|_| layer.admit("controller::reconcile") == Some(0)));
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let left_out = layer.admit(verify).unwrap();
        assert!((900..=970).contains(&left_out), "{left_out}");
    }

    #[test]
    fn lines_that_name_an_object_count_for_its_namespace() {
        let layer = SlogLayer::new(LogSettings {
            level: Level::TRACE,
            json: false,
            info_to_stdout: false,
        });
        let about = |name, object: &str| Fields {
            others: vec![("reason", "r".to_owned()), (name, object.to_owned())],
            ..Fields::default()
        };
        let lines = OBJECTS.map(|name| about(name, &format!("a/{name}")));
        let shown = (0..5000)
            .filter(|n| layer.admit_object(Level::INFO, &lines[n % 2]))
            .count();
        assert!((2000..2100).contains(&shown), "{shown}");
        assert!(!layer.admit_object(Level::ERROR, &lines[0]));
        assert!(layer.admit_object(Level::DEBUG, &lines[0]), "it was asked for");
        assert!(layer.admit_object(Level::INFO, &about("key", "b/a")));
        assert!(layer.admit_object(Level::INFO, &about("secretname", "a/a")));
        assert!(layer.of_tenants.tell(Instant::now()).is_some());
    }

    #[test]
    fn values_are_quoted_only_where_needed() {
        let cases = [
            ("plain", "plain"),
            ("ns/name", "ns/name"),
            ("", r#""""#),
            ("two words", r#""two words""#),
            ("a=b", r#""a=b""#),
            ("-----BEGIN\nMII", r#""-----BEGIN\nMII""#),
        ];
        for (value, expected) in cases {
            assert_eq!(quoted(value), expected);
        }
    }
}
