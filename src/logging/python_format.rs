//! The shape of a log line as Python's `logging` describes it: `%(asctime)s|%(levelname)s|%(message)s`.
//!
//! The rules are those of `logging.LogRecord`'s attributes and of printf-style formatting in Python's library
//! reference. A shape that Python would only complain about when it writes the first line is refused at once.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tracing::{Level, Metadata};

/// Widths and precisions beyond this are a mistake.
const MAX_WIDTH: usize = 1000;

/// A parsed shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PythonFormat {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Slot(Slot),
}

/// `%(name)-8s`, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    attribute: Attribute,
    conversion: Conversion,
    is_left_aligned: bool,
    is_zero_padded: bool,
    /// What stands before a number that is not negative: `+`, a space, or nothing.
    sign: Option<char>,
    width: usize,
    precision: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conversion {
    Text,
    Integer,
    Float,
}

/// What of an event a slot shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Attribute {
    Asctime,
    Created,
    Filename,
    FuncName,
    Levelname,
    Levelno,
    Lineno,
    Message,
    Module,
    Msecs,
    Name,
    Pathname,
    Process,
    ProcessName,
    RelativeCreated,
    Thread,
    ThreadName,
}

/// All attributes, by the names that Python gives them.
const ATTRIBUTES: [(&str, Attribute); 17] = [
    ("asctime", Attribute::Asctime),
    ("created", Attribute::Created),
    ("filename", Attribute::Filename),
    ("funcName", Attribute::FuncName),
    ("levelname", Attribute::Levelname),
    ("levelno", Attribute::Levelno),
    ("lineno", Attribute::Lineno),
    ("message", Attribute::Message),
    ("module", Attribute::Module),
    ("msecs", Attribute::Msecs),
    ("name", Attribute::Name),
    ("pathname", Attribute::Pathname),
    ("process", Attribute::Process),
    ("processName", Attribute::ProcessName),
    ("relativeCreated", Attribute::RelativeCreated),
    ("thread", Attribute::Thread),
    ("threadName", Attribute::ThreadName),
];

impl Attribute {
    fn is_number(self) -> bool {
        match self {
            Self::Created
            | Self::Levelno
            | Self::Lineno
            | Self::Msecs
            | Self::Process
            | Self::RelativeCreated
            | Self::Thread => true,
            Self::Asctime
            | Self::Filename
            | Self::FuncName
            | Self::Levelname
            | Self::Message
            | Self::Module
            | Self::Name
            | Self::Pathname
            | Self::ProcessName
            | Self::ThreadName => false,
        }
    }
}

/// Why a text is no shape of a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PythonFormatError {
    /// Every line would be the same.
    #[error("it shows nothing of an event; write it like `%(asctime)s %(levelname)s %(message)s`")]
    NoAttribute,
    /// A percent sign that begins nothing.
    #[error("`{0}` is no `%(name)s`; a percent sign alone is written `%%`")]
    Malformed(String),
    /// An attribute that events don't have.
    #[error("there is no `%({name})s`; there are {}", ATTRIBUTES.map(|(known, _)| known).join(", "))]
    Unknown {
        /// Its name.
        name: String,
    },
    /// A number was asked for where there is text.
    #[error("`{0}` asks for a number, but that is text; use `s`")]
    NotANumber(String),
}

impl FromStr for PythonFormat {
    type Err = PythonFormatError;

    fn from_str(text: &str) -> Result<Self, PythonFormatError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (literal, from_percent) = rest.split_at(at);
            push_literal(&mut pieces, literal);
            if let Some(behind) = from_percent.strip_prefix("%%") {
                push_literal(&mut pieces, "%");
                rest = behind;
                continue;
            }
            let (slot, behind) = Slot::read(from_percent)?;
            pieces.push(Piece::Slot(slot));
            rest = behind;
        }
        push_literal(&mut pieces, rest);
        if !pieces.iter().any(|piece| matches!(piece, Piece::Slot(_))) {
            return Err(PythonFormatError::NoAttribute);
        }
        Ok(Self { pieces })
    }
}

fn push_literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(literal)) => literal.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

impl Slot {
    /// Reads a slot from a text that begins with its percent sign, and gives what stands behind it.
    fn read(text: &str) -> Result<(Self, &str), PythonFormatError> {
        // The first word is enough to find the place by.
        let shown = || text.split_whitespace().next().unwrap_or("%").to_owned();
        let malformed = || PythonFormatError::Malformed(shown());
        let (name, rest) = text
            .strip_prefix("%(")
            .and_then(|rest| rest.split_once(')'))
            .ok_or_else(malformed)?;
        let flags_end = rest.find(|c| !"#0- +".contains(c)).ok_or_else(malformed)?;
        let (flags, rest) = rest.split_at(flags_end);
        let (width, rest) = leading_number(rest).ok_or_else(malformed)?;
        let (precision, rest) = match rest.strip_prefix('.') {
            Some(rest) => leading_number(rest)
                .map(|(precision, rest)| (Some(precision), rest))
                .ok_or_else(malformed)?,
            None => (None, rest),
        };
        let conversion = match rest.chars().next() {
            Some('s') => Conversion::Text,
            Some('d' | 'i' | 'u') => Conversion::Integer,
            Some('f' | 'F') => Conversion::Float,
            _ => return Err(malformed()),
        };
        let (_, attribute) = ATTRIBUTES
            .into_iter()
            .find(|(known, _)| *known == name)
            .ok_or_else(|| PythonFormatError::Unknown {
                name: name.to_owned(),
            })?;
        if conversion != Conversion::Text && !attribute.is_number() {
            return Err(PythonFormatError::NotANumber(shown()));
        }
        let slot = Self {
            attribute,
            conversion,
            is_left_aligned: flags.contains('-'),
            is_zero_padded: flags.contains('0'),
            sign: ['+', ' '].into_iter().find(|sign| flags.contains(*sign)),
            width,
            precision,
        };
        Ok((slot, &rest[1..]))
    }
}

/// The number that a text begins with, 0 when there is none, and what stands behind it.
fn leading_number(text: &str) -> Option<(usize, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let number = if digits.is_empty() {
        0
    } else {
        digits.parse().ok()?
    };
    (number <= MAX_WIDTH).then_some((number, rest))
}

/// An event as Python sees it.
pub(super) struct Record<'a> {
    metadata: &'a Metadata<'a>,
    message: &'a str,
    created: Timestamp,
    thread: u64,
}

impl<'a> Record<'a> {
    /// An event of this instant and this thread.
    pub(super) fn now(metadata: &'a Metadata<'a>, message: &'a str) -> Self {
        static THREADS: AtomicU64 = AtomicU64::new(1);
        thread_local! {
            static NUMBER: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            metadata,
            message,
            created: Timestamp::now(),
            thread: NUMBER.with(|number| *number),
        }
    }

    fn number(&self, attribute: Attribute) -> f64 {
        match attribute {
            Attribute::Created => self.created.as_duration().as_secs_f64(),
            Attribute::Levelno => f64::from(self.level().1),
            Attribute::Lineno => f64::from(self.metadata.line().unwrap_or(0)),
            Attribute::Msecs => f64::from(self.created.subsec_nanosecond()) / 1e6,
            Attribute::Process => f64::from(std::process::id()),
            // Since the first line rather than since the start, which nobody can tell apart.
            Attribute::RelativeCreated => self.created.duration_since(first_line()).as_secs_f64() * 1e3,
            #[expect(clippy::cast_precision_loss, reason = "no process has 2^53 threads")]
            Attribute::Thread => self.thread as f64,
            _ => 0.0,
        }
    }

    fn text(&self, attribute: Attribute) -> String {
        let file = self.metadata.file().unwrap_or_default();
        let filename = file.rsplit('/').next().unwrap_or_default();
        match attribute {
            Attribute::Asctime => {
                let to_the_second = self.created.strftime("%Y-%m-%d %H:%M:%S");
                format!("{to_the_second},{:03}", self.created.subsec_millisecond())
            }
            Attribute::Filename => filename.to_owned(),
            Attribute::FuncName => "-".to_owned(),
            Attribute::Levelname => self.level().0.to_owned(),
            Attribute::Message => self.message.to_owned(),
            Attribute::Module => filename.trim_end_matches(".rs").to_owned(),
            Attribute::Name => self.metadata.target().replace("::", "."),
            Attribute::Pathname => file.to_owned(),
            Attribute::ProcessName => "MainProcess".to_owned(),
            Attribute::ThreadName => std::thread::current()
                .name()
                .map_or_else(|| format!("Thread-{}", self.thread), str::to_owned),
            number => self.number(number).to_string(),
        }
    }

    fn level(&self) -> (&'static str, u8) {
        match *self.metadata.level() {
            Level::ERROR => ("ERROR", 40),
            Level::WARN => ("WARNING", 30),
            Level::INFO => ("INFO", 20),
            Level::DEBUG => ("DEBUG", 10),
            Level::TRACE => ("TRACE", 5),
        }
    }
}

/// When the first line was written.
fn first_line() -> Timestamp {
    static FIRST: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();
    *FIRST.get_or_init(Timestamp::now)
}

impl PythonFormat {
    /// Writes the line, without its end.
    pub(super) fn write(&self, writer: &mut impl fmt::Write, record: &Record<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Literal(literal) => writer.write_str(literal)?,
                Piece::Slot(slot) => slot.write(writer, record)?,
            }
        }
        Ok(())
    }
}

impl Slot {
    fn write(&self, writer: &mut impl fmt::Write, record: &Record<'_>) -> fmt::Result {
        let mut text = match self.conversion {
            Conversion::Text => {
                let mut text = record.text(self.attribute);
                if let Some((end, _)) = self.precision.and_then(|most| text.char_indices().nth(most)) {
                    text.truncate(end);
                }
                text
            }
            Conversion::Integer => {
                let least = self.precision.unwrap_or(0);
                format!("{:0least$.0}", record.number(self.attribute).trunc())
            }
            Conversion::Float => {
                let decimals = self.precision.unwrap_or(6);
                format!("{:.decimals$}", record.number(self.attribute))
            }
        };
        let is_number = self.conversion != Conversion::Text;
        if is_number && let Some(sign) = self.sign.filter(|_| !text.starts_with('-')) {
            text.insert(0, sign);
        }
        let missing = self.width.saturating_sub(text.chars().count());
        if is_number && self.is_zero_padded && !self.is_left_aligned {
            let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
            text.insert_str(digits, &"0".repeat(missing));
            return writer.write_str(&text);
        }
        let width = self.width;
        if self.is_left_aligned {
            write!(writer, "{text:<width$}")
        } else {
            write!(writer, "{text:>width$}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a format makes of a warning `hello` in line 7 of `src/a/b.rs`.
    fn written(format: &str) -> String {
        struct Callsite;
        impl tracing::Callsite for Callsite {
            fn set_interest(&self, _: tracing::subscriber::Interest) {}
            fn metadata(&self) -> &Metadata<'_> {
                &METADATA
            }
        }
        static CALLSITE: Callsite = Callsite;
        static METADATA: Metadata<'static> = tracing::metadata! {
            name: "event",
            target: "pkgctl::a",
            level: Level::WARN,
            fields: &[],
            callsite: &CALLSITE,
            kind: tracing::metadata::Kind::EVENT,
        };
        let record = Record {
            metadata: &METADATA,
            message: "hello",
            created: "2026-03-04T05:06:07.0891Z".parse().unwrap(),
            thread: 12,
        };
        let mut line = String::new();
        let format: PythonFormat = format.parse().unwrap();
        format.write(&mut line, &record).unwrap();
        line
    }

    /// Each expectation is what `CPython` 3.11's `logging.Formatter` makes of the same record.
    #[test]
    fn lines_are_as_python_writes_them() {
        for (format, expected) in [
            (
                "%(asctime)s|%(name)s|%(levelname)s|%(thread)d|%(message)s",
                "2026-03-04 05:06:07,089|pkgctl.a|WARNING|12|hello",
            ),
            ("%(levelname)-10s|%(levelname)10s|", "WARNING   |   WARNING|"),
            ("%(levelname).4s", "WARN"),
            (
                "%(levelno)s %(levelno)d %(levelno)05d %(levelno)+d",
                "30 30 00030 +30",
            ),
            ("%(levelno)-5d|", "30   |"),
            ("%(levelno).5d", "00030"),
            ("%(levelno)+06d", "+00030"),
            ("%(levelno)08.3f", "0030.000"),
            ("%(msecs)03d %(msecs).1f", "089 89.1"),
            ("%(msecs)-8.2f|", "89.10   |"),
            ("%(created)f", "1772600767.089100"),
            ("%(created)d", "1772600767"),
            ("%(created)s", "1772600767.0891"),
            ("100%% %(message)s%%", "100% hello%"),
            ("[%(message)8s]", "[   hello]"),
        ] {
            assert_eq!(written(format), expected, "{format}");
        }
        assert_eq!(written("%(process)d"), std::process::id().to_string());
    }

    #[test]
    fn what_python_would_stumble_over_is_refused() {
        for (format, named) in [
            ("", "nothing of an event"),
            ("hello", "nothing of an event"),
            ("100%%", "nothing of an event"),
            ("%s", "%s"),
            ("%(message)s %", "`%`"),
            ("%(message", "%(message"),
            ("%(message)", "%(message)"),
            ("%(message)y", "%(message)y"),
            ("%(message)r", "%(message)r"),
            ("%(message)99999s", "%(message)99999s"),
            ("%(message)*s", "%(message)*s"),
            ("%(nonsense)s", "asctime"),
            ("%(message)d", "number"),
            ("{message}", "nothing of an event"),
        ] {
            let error = format.parse::<PythonFormat>().unwrap_err().to_string();
            assert!(error.contains(named), "{format}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_shape_or_an_error(text in r"(%|\(|\)|message|levelno|[-+ 0-9.#]|s|d|f|ä|\PC){0,20}") {
            if text.parse::<PythonFormat>().is_ok() {
                written(&text);
            }
        }
    }
}
