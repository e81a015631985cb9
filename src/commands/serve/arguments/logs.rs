//! What is logged, where and in which shape.

use std::path::PathBuf;

use clap::{ArgAction, Args, ValueEnum};

use crate::logging::{self, PythonFormat};

/// What is logged, where and in which shape.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub(in crate::commands::serve) struct LogArguments {
    /// Shape of a line
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "PKGCTL_LOG_FORMAT"
    )]
    pub(in crate::commands::serve) log_format: LogFormat,

    /// Shape of a line of text, as Python describes it: '%(asctime)s %(levelname)s %(message)s'
    #[arg(long, value_name = "FORMAT", env = "PKGCTL_LOG_FRMT")]
    pub(in crate::commands::serve) log_frmt: Option<PythonFormat>,

    /// File that gets the log beside the stream; SIGHUP opens it anew
    #[arg(long, value_name = "FILE", env = "PKGCTL_LOG_FILE")]
    pub(in crate::commands::serve) log_file: Option<PathBuf>,

    /// Stream that gets the log
    #[arg(
        long,
        value_name = "STREAM",
        default_value = "stderr",
        env = "PKGCTL_LOG_STREAM",
        ignore_case = true
    )]
    pub(in crate::commands::serve) log_stream: LogStream,

    /// Log more; twice for everything
    #[arg(short, long, action = ArgAction::Count, env = "PKGCTL_VERBOSE")]
    pub(in crate::commands::serve) verbose: u8,
}

/// The shape of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::commands::serve) enum LogFormat {
    Text,
    Json,
}

/// A stream of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::commands::serve) enum LogStream {
    Stderr,
    Stdout,
    None,
}

impl LogArguments {
    /// The part that may change while the server runs.
    pub(in crate::commands::serve) fn course(&self) -> logging::Course {
        logging::Course {
            verbosity: self.verbose,
            stream: match self.log_stream {
                LogStream::Stderr => logging::Stream::Stderr,
                LogStream::Stdout => logging::Stream::Stdout,
                LogStream::None => logging::Stream::None,
            },
            file: self.log_file.clone(),
        }
    }

    /// What a line looks like. JSON is asked for on purpose, while a shape of text may be left over from pypiserver.
    pub(in crate::commands::serve) fn shape(&self) -> logging::Shape {
        match (self.log_format, &self.log_frmt) {
            (LogFormat::Json, _) => logging::Shape::Json,
            (LogFormat::Text, Some(format)) => logging::Shape::Python(format.clone()),
            (LogFormat::Text, None) => logging::Shape::Text,
        }
    }
}
