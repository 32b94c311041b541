//! The log of a program whose only output is a console: one line of JSON for each event.

use std::fmt::{Debug, Write as _};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Sends every event of level INFO and above to `write`: its level, and one line of JSON with `level`, `message`, `target`
/// and its fields. Spans are not shown. Called again, it changes nothing.
pub fn log_to(write: fn(Level, &str)) {
    // Whoever set a subscriber before wants that one.
    let _ = tracing::subscriber::set_global_default(Console(write));
}

struct Console(fn(Level, &str));

impl Subscriber for Console {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let level = *event.metadata().level();
        let mut line = Line(Map::new());
        line.0
            .insert("level".to_owned(), level.as_str().to_ascii_lowercase().into());
        event.record(&mut line);
        line.0.insert("target".to_owned(), event.metadata().target().into());
        (self.0)(level, &Value::Object(line.0).to_string());
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

struct Line(Map<String, Value>);

impl Line {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Line {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = String::new();
        let _ = write!(text, "{value:?}"); // a String takes everything
        self.set(field, text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static LINES: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

    #[test]
    fn each_event_is_one_line_of_json() {
        let console = Console(|level, line| LINES.lock().unwrap().push((level, line.to_owned())));
        tracing::subscriber::with_default(console, || {
            let error = std::io::Error::other("two\nlines");
            tracing::warn!(%error, slug = "alpha", rows = 3, late = true, "not posted");
            tracing::debug!("not shown");
        });
        let lines = LINES.lock().unwrap();
        let [(level, line)] = &lines[..] else {
            panic!("{lines:?}")
        };
        assert_eq!(*level, Level::WARN);
        assert_eq!(line.lines().count(), 1);
        let line: Value = serde_json::from_str(line).unwrap();
        let expected = serde_json::json!({
            "level": "warn", "message": "not posted", "error": "two\nlines", "slug": "alpha", "rows": 3, "late": true,
            "target": "presswork_pipeline::console::tests",
        });
        assert_eq!(line, expected);
    }
}
