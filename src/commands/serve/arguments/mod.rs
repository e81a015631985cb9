//! The flags of `serve`, in groups that the help shows under headings of their own.

use std::path::PathBuf;

use clap::Args;

pub(super) use self::access::AccessArguments;
pub(super) use self::configuration::ConfigurationArguments;
pub(super) use self::folders::FolderArguments;
pub(super) use self::habits::{HabitArguments, WITHOUT_EFFECT};
pub(super) use self::limits::LimitArguments;
pub(super) use self::listen::ListenArguments;
pub(super) use self::logs::LogArguments;
pub(super) use self::pages::PageArguments;

mod access;
mod configuration;
mod folders;
mod habits;
mod limits;
mod listen;
mod logs;
mod pages;

/// Serve folders of wheels and sdists as a Python package index
///
/// Point it at the folder that pypiserver served: the flags of the same names mean the same. Files may be uploaded, copied in, replaced and
/// deleted while it runs: each answer shows the folder as it is.
///
/// Without a passwords file pages and downloads are open and uploads are switched off. `pkgctl adduser NAME` makes
/// one for the default folder; `pkgctl adduser -f FOLDER/.htaccess NAME` for another.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
#[command(version, args_override_self = true)]
#[command(after_help = "\
Examples:
  pkgctl serve
  pkgctl serve -p 8080 -P ~/packages/.htaccess ~/packages
  pkgctl serve -P htpasswd -a update,download,list /srv/packages
  pkgctl serve -P . -a . ~/packages            # everybody may upload
  pkgctl serve --show-config > pkgctl.toml     # the settings of now as a settings file

The word `run` of pypiserver's command line may stand in front of the folders; write ./run for a folder of that name.")]
pub(in crate::commands) struct Arguments {
    /// Folders to serve, searched in this order; the first receives uploads [env: PKGCTL_ROOTS, separated as in PATH] [default: ~/packages]
    #[arg(value_name = "FOLDER")]
    pub(super) roots: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) listen: ListenArguments,

    #[command(flatten)]
    pub(super) access: AccessArguments,

    #[command(flatten)]
    pub(super) pages: PageArguments,

    #[command(flatten)]
    pub(super) folders: FolderArguments,

    #[command(flatten)]
    pub(super) limits: LimitArguments,

    #[command(flatten)]
    pub(super) logs: LogArguments,

    #[command(flatten)]
    pub(super) habits: HabitArguments,

    #[command(flatten)]
    pub(super) configuration: ConfigurationArguments,
}
