//! A line of text for an event, in our own shape or in one that the operator gave.

use std::cell::RefCell;
use std::fmt::{self, Write as _};

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::python_format::{PythonFormat, Record};

/// A line for people: time to the second in UTC, level, message, and fields where the message doesn't say it all.
pub(super) struct TextLine {
    pub(super) told_by_message: &'static str,
}

impl<S, N> FormatEvent<S, N> for TextLine
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
        write_time(&mut writer)?;
        if writer.has_ansi_escapes() {
            write!(writer, " \u{1b}[{color}m{name}\u{1b}[0m ")?;
        } else {
            writer.write_str(" ")?;
            writer.write_str(name)?;
            writer.write_str(" ")?;
        }
        write_message(&mut writer, event, self.told_by_message)?;
        writer.write_char('\n')
    }
}

/// Formatting the time costs as much as the rest of a line, and is the same for a second.
fn write_time(writer: &mut Writer<'_>) -> fmt::Result {
    thread_local! {
        static LAST: RefCell<(i64, String)> = const { RefCell::new((i64::MIN, String::new())) };
    }
    let now = Timestamp::now();
    LAST.with_borrow_mut(|(second, text)| {
        if *second != now.as_second() {
            *second = now.as_second();
            text.clear();
            write!(text, "{}", now.strftime("%Y-%m-%dT%H:%M:%SZ"))?;
        }
        writer.write_str(text)
    })
}

/// A line as the operator wants it.
pub(super) struct PythonLine {
    pub(super) format: PythonFormat,
    pub(super) told_by_message: &'static str,
}

impl<S, N> FormatEvent<S, N> for PythonLine
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
        let mut message = String::new();
        write_message(&mut message, event, self.told_by_message)?;
        let record = Record::now(event.metadata(), &message);
        self.format.write(&mut OneLine(&mut writer), &record)?;
        writer.write_char('\n')
    }
}

/// The message, with the other fields behind it unless it tells them all.
fn write_message(writer: &mut impl fmt::Write, event: &Event<'_>, told_by_message: &str) -> fmt::Result {
    let mut parts = Parts {
        message: OneLine(writer),
        fields: shows_fields(event.metadata(), told_by_message).then(String::new),
        outcome: Ok(()),
    };
    event.record(&mut parts);
    let Parts {
        mut message,
        fields,
        outcome,
    } = parts;
    outcome?;
    fields.map_or(Ok(()), |fields| message.write_str(&fields))
}

fn shows_fields(metadata: &Metadata<'_>, told_by_message: &str) -> bool {
    metadata.target() != told_by_message
}

/// Writes an event's message as it comes, and keeps its other fields for the end.
struct Parts<'a, W: fmt::Write> {
    message: OneLine<'a, W>,
    fields: Option<String>,
    outcome: fmt::Result,
}

impl<W: fmt::Write> Visit for Parts<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.outcome = self.message.write_str(value);
        } else if self.fields.is_some() {
            // Quoted, so that nothing that comes from outside can pass for another field or line.
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.outcome = write!(self.message, "{value:?}");
        } else if let Some(fields) = &mut self.fields {
            // Writing to a String can't fail.
            let _ = write!(fields, " {}={value:?}", field.name());
        }
    }
}

/// A line break in the middle of an event would let a client write lines of its own.
struct OneLine<'a, W: fmt::Write>(&'a mut W);

impl<W: fmt::Write> fmt::Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // Nearly every text is such. Looked at to its end, since many bytes are looked at at once then.
        let is_plain = |so_far: bool, byte: u8| so_far & (b' '..0x7f).contains(&byte);
        if text.bytes().fold(true, is_plain) {
            return self.0.write_str(text);
        }
        let mut pieces = text.split(char::is_control);
        // `split` gives at least one piece.
        self.0.write_str(pieces.next().unwrap_or_default())?;
        for piece in pieces {
            self.0.write_char(' ')?;
            self.0.write_str(piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::MakeWriter;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Memory {
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

    impl Memory {
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    fn log_some() {
        tracing::warn!(file = "a\nb", number = 3, "odd {}", "x\ny");
        tracing::info!(target: "told", path = "/", "200 GET /\u{85}\u{1b}[31m");
    }

    #[test]
    fn events_are_single_lines_whatever_is_in_them() {
        let memory = Memory::default();
        let line = TextLine {
            told_by_message: "told",
        };
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(line);
        let subscriber = tracing_subscriber::registry().with(layer.with_writer(memory.clone()));
        tracing::subscriber::with_default(subscriber, log_some);
        let lines = memory.lines();
        let without_time: Vec<&str> = lines.iter().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(
            without_time,
            ["WARN  odd x y file=\"a\\nb\" number=3", "INFO  200 GET /  [31m"]
        );
    }

    #[test]
    fn a_shape_of_the_operator_s_own_is_kept_to() {
        let memory = Memory::default();
        let line = PythonLine {
            format: "%(levelname)-8s|%(name)s|%(levelno)03d|%(message)s"
                .parse()
                .unwrap(),
            told_by_message: "told",
        };
        let layer = tracing_subscriber::fmt::layer()
            .with_ansi(false)
            .event_format(line);
        let subscriber = tracing_subscriber::registry().with(layer.with_writer(memory.clone()));
        tracing::subscriber::with_default(subscriber, log_some);
        assert_eq!(
            memory.lines(),
            [
                "WARNING |pkgctl.logging.line.tests|030|odd x y file=\"a\\nb\" number=3",
                "INFO    |told|020|200 GET /  [31m"
            ]
        );
    }
}
