//! What is logged, where and in which shape.

use clap::{ArgAction, Args, ValueEnum};

/// What is logged, where and in which shape.
#[derive(Debug, Args)]
#[command(next_help_heading = "Log")]
pub(in crate::commands::serve) struct LogArguments {
    /// Shape of the log on stderr
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "PKGCTL_LOG_FORMAT"
    )]
    pub(in crate::commands::serve) log_format: LogFormat,

    /// Log more; twice for everything
    #[arg(short, long, action = ArgAction::Count)]
    pub(in crate::commands::serve) verbose: u8,
}

/// The shape of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::commands::serve) enum LogFormat {
    Text,
    Json,
}
