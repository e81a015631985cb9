//! Who may do what.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

/// Who may do what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access")]
pub(in crate::commands::serve) struct AccessArguments {
    /// Passwords file in htpasswd format, or `.` for none [default: .htaccess in the first folder, if it is there]
    #[arg(short = 'P', long, value_name = "FILE", env = "PKGCTL_PASSWORDS")]
    pub(in crate::commands::serve) passwords: Option<PathBuf>,

    /// What needs a password: a list of update, download, list and metrics, or `.` for nothing (with -P .) [default: update]
    #[arg(short = 'a', long, value_name = "ACTIONS", env = "PKGCTL_AUTHENTICATE")]
    pub(in crate::commands::serve) authenticate: Option<String>,

    /// Take passwords in plain text and DES crypt too, as pypiserver does; the log names their users
    #[arg(long, env = "PKGCTL_ALLOW_WEAK_PASSWORDS", value_parser = BoolishValueParser::new())]
    pub(in crate::commands::serve) allow_weak_passwords: bool,
}
