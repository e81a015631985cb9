//! The operator's log: tracing events as lines of text or JSON, on a stream, in a file, or both.
//!
//! | question | file |
//! |---|---|
//! | what a line of text looks like | `line.rs` |
//! | the same in a shape of the operator's own | [`python_format`] |
//! | which events are logged at all | `levels.rs` |
//! | how a line leaves without holding its request up | `outlet.rs` |
//! | where lines go, and what becomes of them on a full disk | `destination.rs` |
//!
//! # Invariants
//! 1. Whoever logs never waits for a disk, a pipe or a terminal. Lines that come faster than they can be written are
//!    dropped, counted, and the log says how many.
//! 2. An event is one line, whatever is in it.

mod destination;
mod levels;
mod line;
mod outlet;
pub(crate) mod python_format;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use self::destination::Destination;
use self::levels::Levels;
use self::line::{PythonLine, TextLine};
use self::outlet::{Outlet, Outlets};
pub(crate) use self::python_format::PythonFormat;

/// How long the end of the program waits for lines that are not written yet.
const FAREWELL: Duration = Duration::from_secs(5);

/// How much is logged, where, and in what shape.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// What a line looks like; can't be changed once the log runs.
    pub(crate) shape: Shape,
    /// Colours were asked not to be used.
    pub(crate) no_color: bool,
    /// The target of events whose message says all that their fields do; text leaves the fields out. They come with
    /// each request, so they may stay in memory for an instant.
    pub(crate) told_by_message: &'static str,
    /// How much, and where to.
    pub(crate) course: Course,
}

/// The part of the settings that may change while the log runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Course {
    /// 0 is the verb's own default, each `-v` one level more.
    pub(crate) verbosity: u8,
    /// The stream that gets the log.
    pub(crate) stream: Stream,
    /// A file that gets it too; it is appended to, and made when it is absent.
    pub(crate) file: Option<PathBuf>,
}

/// What a line looks like.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Time, level, message, and fields where the message does not say it all.
    Text,
    /// One JSON object a line.
    Json,
    /// As the operator says.
    Python(PythonFormat),
}

/// A stream of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
    /// None of them.
    None,
}

/// Why the log can't be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The file can't be opened for appending.
    #[error("can't open the log file `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system gave no thread for it.
    #[error("can't start the log's thread")]
    Thread(#[source] io::Error),
}

/// The running log. Dropping it waits, for a few seconds at most, until everything is written.
pub(crate) struct Log {
    levels: Levels,
    outlets: Outlets,
    course: Course,
}

/// Installs the log for the whole process.
///
/// # Errors
/// The file can't be opened, or there is no thread to be had. Nothing is installed then.
pub(crate) fn init(settings: Settings) -> Result<Log, Error> {
    let Settings {
        shape,
        no_color,
        told_by_message,
        course,
    } = settings;
    let file = Destination::of_file(course.file.as_deref())?;
    let outlets = Outlets {
        stream: Outlet::start("log stream", Destination::of_stream(course.stream)).map_err(Error::Thread)?,
        file: Outlet::start("log file", file).map_err(Error::Thread)?,
        unhurried_target: told_by_message,
    };
    let levels = Levels::new(course.verbosity, outlets.lead_somewhere());
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(!no_color && is_colorful(&course))
        .with_writer(outlets.clone());
    let registry = tracing_subscriber::registry().with(levels.clone());
    let installed = match shape {
        Shape::Text => registry
            .with(layer.event_format(TextLine { told_by_message }))
            .try_init(),
        Shape::Json => registry.with(layer.json().flatten_event(true)).try_init(),
        Shape::Python(format) => {
            let line = PythonLine {
                format,
                told_by_message,
            };
            registry.with(layer.event_format(line)).try_init()
        }
    };
    // A second call, which there is none of outside tests, finds a log in place; that is just as good.
    drop(installed);
    Ok(Log {
        levels,
        outlets,
        course,
    })
}

impl Log {
    /// The file that gets the log now.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.course.file.as_deref()
    }

    /// Opens the file anew under its name, and writes what comes from now on into that one: the old one has been
    /// moved away by whoever rotates logs.
    ///
    /// # Errors
    /// It can't be opened; the old one stays in use.
    pub(crate) fn reopen(&mut self) -> Result<(), Error> {
        if self.course.file.is_some() {
            let file = Destination::of_file(self.course.file.as_deref())?;
            self.outlets.file.redirect(file);
        }
        Ok(())
    }

    /// Goes on as told.
    ///
    /// # Errors
    /// The file can't be opened; everything stays as it was.
    pub(crate) fn change(&mut self, course: Course) -> Result<(), Error> {
        if course.file != self.course.file {
            let file = Destination::of_file(course.file.as_deref())?;
            self.outlets.file.redirect(file);
        }
        if course.stream != self.course.stream {
            self.outlets
                .stream
                .redirect(Destination::of_stream(course.stream));
        }
        self.levels.set(course.verbosity, self.outlets.lead_somewhere());
        self.course = course;
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.outlets.stream.flush(FAREWELL);
        self.outlets.file.flush(FAREWELL);
    }
}

/// Colours are for a person who looks at a terminal; a file gets the same lines.
fn is_colorful(course: &Course) -> bool {
    let is_terminal = match course.stream {
        Stream::Stderr => io::stderr().is_terminal(),
        Stream::Stdout => io::stdout().is_terminal(),
        Stream::None => false,
    };
    is_terminal && course.file.is_none()
}

impl Destination {
    fn of_stream(stream: Stream) -> Self {
        match stream {
            Stream::Stderr => Self::stderr(),
            Stream::Stdout => Self::stdout(),
            Stream::None => Self::nowhere(),
        }
    }

    fn of_file(path: Option<&Path>) -> Result<Self, Error> {
        path.map_or_else(
            || Ok(Self::nowhere()),
            |path| {
                Self::file(path).map_err(|source| Error::File {
                    path: path.to_owned(),
                    source,
                })
            },
        )
    }
}
