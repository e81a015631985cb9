//! The flags of `configure`, in groups that the help shows under headings of their own.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueHint};

use crate::config::pip_conf::Standing;
use crate::config::tools::Tool;

/// Set up this account's pip, twine and `pkgctl publish` for a private index
///
/// Writes the repository and its credentials into ~/.pypirc (for `pkgctl publish`, twine, flit and hatch) and the index
/// into pip's configuration; with --uv, --poetry, --pdm, --hatch and --netrc into the files of those too. Everything else
/// in these files stays as it is, byte for byte; running it again changes nothing. When one file can't be written, none
/// is. Asks for what it isn't told, where there is a terminal. Afterwards it says what keeps the new setting from
/// counting, and asks the server whether it answers and whether the user may upload.
///
/// There is no way to give the password as an argument: every user of the machine can read the arguments of a running
/// program, and the shell keeps them in its history. The files of pip and uv get no password either: both find it in
/// ~/.netrc, which --netrc writes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pkgctl configure                                   # asks for address, user and password
  pkgctl configure --url https://index.example -u alice --all
  pkgctl configure --index-url --dry-run             # show what would change
  pkgctl configure --name team --url https://team.example --uv --netrc
  pkgctl configure --keyring -u alice                # the password in the system's keyring
  eval \"$(pkgctl configure --print-env -u alice)\"    # in CI, with PKGCTL_PASSWORD set
  pkgctl configure --name team --remove")]
pub(in crate::commands) struct Arguments {
    #[command(flatten)]
    pub(super) index: IndexArguments,

    #[command(flatten)]
    pub(super) login: LoginArguments,

    #[command(flatten)]
    pub(super) tools: ToolArguments,

    #[command(flatten)]
    pub(super) files: FileArguments,

    #[command(flatten)]
    pub(super) doing: DoingArguments,
}

/// Which index, and how pip is to know it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Index")]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
pub(super) struct IndexArguments {
    /// Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]
    #[arg(long, visible_alias = "repository", value_name = "NAME")]
    pub(super) name: Option<String>,

    /// Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]
    #[arg(long, visible_alias = "repository-url", value_name = "URL", value_hint = ValueHint::Url)]
    pub(super) url: Option<String>,

    /// Make it the only index instead of one more
    ///
    /// With several indexes pip takes the highest version from any of them. Somebody who puts a package with the name
    /// of one of yours on the public index then gets their code onto your machines (dependency confusion). With a single
    /// index that can't happen; `pkgctl serve` sends pip on to the public index for names that it doesn't know itself.
    #[arg(long)]
    pub(super) index_url: bool,

    /// Make it one more index again, where it was the only one
    #[arg(long, conflicts_with = "index_url")]
    pub(super) extra_index_url: bool,
}

/// As whom.
#[derive(Debug, Args)]
#[command(next_help_heading = "Login")]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
pub(super) struct LoginArguments {
    /// User to upload as [env: PKGCTL_USERNAME]
    #[arg(short, long, value_name = "USER", value_hint = ValueHint::Username)]
    pub(super) username: Option<String>,

    /// Read the password from the first line of stdin [or set PKGCTL_PASSWORD]
    #[arg(long)]
    pub(super) password_stdin: bool,

    /// Store no password, and forget one that is stored
    #[arg(long, conflicts_with = "password_stdin")]
    pub(super) no_password: bool,

    /// Store the password in the system's keyring instead of files, through the program `keyring`
    ///
    /// `pkgctl publish`, twine, flit and hatch find it there by the address of the index, `uv --keyring-provider
    /// subprocess` and `pip --keyring-provider subprocess` by its host, poetry and pdm by the repository's name.
    #[arg(long, conflicts_with_all = ["no_password", "netrc"])]
    pub(super) keyring: bool,

    /// Refused: other users could read it
    #[arg(long = "password", short = 'p', hide = true, value_name = "PASSWORD", num_args = 0..=1)]
    pub(super) password: Option<Option<String>>,
}

/// Whose files beside those of pip and of uploaders.
#[derive(Debug, Args)]
#[command(next_help_heading = "Further tools")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct ToolArguments {
    /// uv: an [[index]] with publish-url in uv.toml; a tool that knows the name already needs no flag
    #[arg(long)]
    uv: bool,

    /// poetry: the repository in config.toml, its login in auth.toml
    #[arg(long)]
    poetry: bool,

    /// pdm: the repository and the index in config.toml
    #[arg(long)]
    pdm: bool,

    /// hatch: the repository in config.toml
    #[arg(long)]
    hatch: bool,

    /// ~/.netrc: the login for the index's host, where pip and uv look when reading takes one [env: NETRC names the file]
    #[arg(long)]
    pub(super) netrc: bool,

    /// All of these that are installed or have settings already, and ~/.netrc where there is a password for it
    #[arg(long)]
    pub(super) all: bool,
}

impl ToolArguments {
    /// Whether a tool was asked for by its name.
    pub(super) fn names(&self, tool: Tool) -> bool {
        match tool {
            Tool::Uv => self.uv,
            Tool::Poetry => self.poetry,
            Tool::Pdm => self.pdm,
            Tool::Hatch => self.hatch,
        }
    }
}

/// Which files.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files")]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
pub(super) struct FileArguments {
    /// File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]
    #[arg(long, visible_alias = "config-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) pypirc: Option<PathBuf>,

    /// File with pip's settings [env: PKGCTL_PIP_CONF] [default: pip's own of this user]
    ///
    /// pip has a newer place (~/.config/pip/pip.conf on Linux) and an older one (~/.pip/pip.conf). Where there is a file
    /// in the newer one, it is edited, since its keys win; otherwise the older one.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) pip_conf: Option<PathBuf>,
}

/// What to do at all.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to do")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct DoingArguments {
    /// Show what would change and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Take out again what earlier runs wrote, of all tools
    #[arg(long, conflicts_with_all = ["username", "password_stdin", "no_password", "index_url", "extra_index_url", "print_env"])]
    pub(super) remove: bool,

    /// Print variables for CI as `export` lines instead of writing files
    ///
    /// For pip, uv, twine, poetry, pdm, hatch, flit and pkgctl. Passwords are not printed but taken from
    /// `PKGCTL_PASSWORD`, which must be set where the lines are run.
    #[arg(long, conflicts_with_all = ["dry_run", "keyring"])]
    pub(super) print_env: bool,

    /// Print the password itself with --print-env; logs keep it
    #[arg(long, requires = "print_env")]
    pub(super) print_password: bool,

    /// Don't ask the server afterwards
    #[arg(long, env = "PKGCTL_OFFLINE", value_parser = BoolishValueParser::new())]
    pub(super) offline: bool,
}

impl Arguments {
    /// How pip is to know the index, if that was said.
    pub(super) fn standing(&self) -> Option<Standing> {
        if self.index.index_url {
            Some(Standing::Only)
        } else {
            self.index.extra_index_url.then_some(Standing::Extra)
        }
    }
}
