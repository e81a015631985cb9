//! The operator's log: tracing events, as text or JSON, on stderr or into a file.

use std::fmt;
use std::fs::File;
use std::io::IsTerminal as _;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How much is logged, and in what shape.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// 0 is the verb's own default, each `-v` one level more.
    pub(crate) verbosity: u8,
    /// One JSON object a line instead of text.
    pub(crate) json: bool,
    /// A file that gets the log instead of stderr; it is appended to.
    pub(crate) file: Option<File>,
    /// Colours were asked not to be used.
    pub(crate) no_color: bool,
    /// The target of events whose message says all that their fields do; the text log leaves the fields out.
    pub(crate) told_by_message: &'static str,
}

/// Installs the subscriber; later calls (there are none outside tests) do nothing.
pub(crate) fn init(settings: Settings) {
    let level = match settings.verbosity {
        0 => "pkgctl=info",
        1 => "pkgctl=debug,info",
        _ => "pkgctl=trace,debug",
    };
    let registry = tracing_subscriber::registry().with(EnvFilter::new(level));
    let ansi = settings.file.is_none() && std::io::stderr().is_terminal() && !settings.no_color;
    let layer = tracing_subscriber::fmt::layer().with_ansi(ansi);
    let line = Line {
        told_by_message: settings.told_by_message,
    };
    let installed = match (settings.file, settings.json) {
        (Some(file), true) => registry.with(layer.json().with_writer(file)).try_init(),
        (Some(file), false) => registry
            .with(layer.event_format(line).with_writer(file))
            .try_init(),
        (None, true) => registry
            .with(layer.json().with_writer(std::io::stderr))
            .try_init(),
        (None, false) => registry
            .with(layer.event_format(line).with_writer(std::io::stderr))
            .try_init(),
    };
    // A second call finds a subscriber in place, which is just as good.
    drop(installed);
}

/// A line for people: time to the second in UTC, level, message, and fields where the message doesn't say it all.
struct Line {
    told_by_message: &'static str,
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let (name, color) = match *metadata.level() {
            Level::ERROR => ("ERROR", "31"),
            Level::WARN => ("WARN ", "33"),
            Level::INFO => ("INFO ", "32"),
            Level::DEBUG => ("DEBUG", "34"),
            Level::TRACE => ("TRACE", "35"),
        };
        write!(writer, "{} ", Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ"))?;
        if writer.has_ansi_escapes() {
            write!(writer, "\u{1b}[{color}m{name}\u{1b}[0m ")?;
        } else {
            write!(writer, "{name} ")?;
        }
        let mut parts = Parts::default();
        event.record(&mut parts);
        write!(writer, "{}", parts.message)?;
        if metadata.target() != self.told_by_message {
            write!(writer, "{}", parts.fields)?;
        }
        writeln!(writer)
    }
}

/// An event's message, and its other fields behind it.
#[derive(Default)]
struct Parts {
    message: String,
    fields: String,
}

impl Visit for Parts {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Quoted, so that nothing that comes from outside can pass for another field or line.
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = one_line(&format!("{value:?}"));
        } else {
            self.fields
                .push_str(&one_line(&format!(" {}={value:?}", field.name())));
        }
    }
}

/// A line break in the middle of an event would let a client write lines of its own.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Memory {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn events_are_single_lines_whatever_is_in_them() {
        let memory = Memory::default();
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(Line {
                told_by_message: "told",
            });
        let subscriber = tracing_subscriber::registry().with(layer.with_writer(memory.clone()));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(file = "a\nb", number = 3, "odd {}", "x\ny");
            tracing::info!(target: "told", path = "/", "200 GET /");
        });
        let text = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(
            lines,
            ["WARN  odd x y file=\"a\\nb\" number=3", "INFO  200 GET /"]
        );
    }
}
