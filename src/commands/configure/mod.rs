//! `pkgctl configure`: writes the repository into `~/.pypirc` and the index into pip's configuration.

mod answers;
mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::answers::{Known, Login};
use self::files::{Files, Paths, Written, broken};
use crate::config::pip_conf::{self, PipIndex};
use crate::config::pypirc::{self, PasswordEdit, RepositoryEdit};
use crate::config::{Environment, IndexUrl, mask_secrets};
use crate::failure::Failure;
use crate::terminal::{note, warning};

/// Set up this account's pip, twine and `pkgctl publish` for a private index
///
/// Writes the repository and its credentials into ~/.pypirc (for `pkgctl publish`, twine, flit and hatch) and the index
/// into pip's configuration. Everything else in these files stays as it is, byte for byte; running it again changes
/// nothing. Asks for what it isn't told, where there is a terminal.
///
/// There is no way to give the password as an argument: every user of the machine can read the arguments of a running
/// program, and the shell keeps them in its history. pip's configuration gets no password either: pip asks for it, or
/// finds it in ~/.netrc.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
pub(super) struct Arguments {
    /// Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]
    #[arg(long, visible_alias = "repository", value_name = "NAME")]
    name: Option<String>,

    /// Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]
    #[arg(long, visible_alias = "repository-url", value_name = "URL")]
    url: Option<String>,

    /// User to upload as [env: PKGCTL_USERNAME]
    #[arg(short, long, value_name = "USER")]
    username: Option<String>,

    /// Read the password from the first line of stdin [or set PKGCTL_PASSWORD]
    #[arg(long)]
    password_stdin: bool,

    /// Store no password, and forget one that is stored
    #[arg(long, conflicts_with = "password_stdin")]
    no_password: bool,

    /// Make it the only index instead of one more
    ///
    /// With several indexes pip takes the highest version from any of them. Somebody who puts a package with the name
    /// of one of yours on the public index then gets their code onto your machines (dependency confusion). With a single
    /// index that can't happen; `pkgctl serve` sends pip on to the public index for names that it doesn't know itself.
    #[arg(long)]
    index_url: bool,

    /// File that lists the repositories [env: PKGCTL_PYPIRC] [default: ~/.pypirc]
    #[arg(long, visible_alias = "config-file", value_name = "FILE")]
    pypirc: Option<PathBuf>,

    /// File with pip's settings [env: PKGCTL_PIP_CONF] [default: pip's own of this user]
    #[arg(long, value_name = "FILE")]
    pip_conf: Option<PathBuf>,

    /// Show what would change and write nothing
    #[arg(long)]
    dry_run: bool,

    /// Take out again what an earlier run wrote
    #[arg(long, conflicts_with_all = ["username", "password_stdin", "no_password", "index_url"])]
    remove: bool,

    /// Refused: other users could read it
    #[arg(long = "password", short = 'p', hide = true, value_name = "PASSWORD", num_args = 0..=1)]
    password: Option<Option<String>>,
}

/// Runs the verb.
///
/// # Errors
/// The arguments make no sense, the user gave up, or a file can't be read or written; then none was changed.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    if arguments.password.is_some() {
        let failure =
            Failure::usage("the password can't be an argument: every user of this machine can read it there");
        return Err(
            failure.hint("leave it out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD")
        );
    }
    let paths = Paths::choose(&arguments, environment)?;
    let name = answers::repository_name(&arguments, environment)?;
    // Looked at before the questions and again after them: nobody is kept waiting while somebody types.
    let known = Known::read(&Files::open(&paths)?, &name)?;
    let url = answers::address(&arguments, environment, &known)?;
    let change = if arguments.remove {
        Change::Remove {
            name,
            url: known.url.clone().unwrap_or(url),
        }
    } else {
        let login = answers::login(&arguments, environment, &known)?;
        let index = url.for_pip(arguments.index_url);
        Change::Add(Box::new(Addition {
            name,
            url,
            index,
            login,
            known,
        }))
    };
    let files = Files::open(&paths)?;
    let written = change.made_to(&files)?;
    change.remarks(&files);
    paths.remarks(environment);
    if arguments.dry_run {
        files::show(&files, &written)?;
    } else {
        files::write(files, &written)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to happen to the two files.
enum Change {
    Add(Box<Addition>),
    Remove { name: String, url: IndexUrl },
}

struct Addition {
    name: String,
    url: IndexUrl,
    index: PipIndex,
    login: Login,
    known: Known,
}

impl Change {
    fn made_to(&self, files: &Files) -> Result<Written, Failure> {
        let (in_pypirc, in_pip_conf) = match self {
            Self::Add(addition) => {
                let Addition {
                    name,
                    url,
                    index,
                    login,
                    known,
                } = addition.as_ref();
                let (username, password) = (login.username.as_deref(), login.password_edit(known));
                let edit = RepositoryEdit {
                    name,
                    url: url.as_str(),
                    username,
                    password,
                };
                let former = known.url.as_ref().map(|url| url.for_pip(index.is_only));
                (
                    pypirc::set_repository(&files.pypirc_text, &edit),
                    pip_conf::add_index(&files.pip_conf_text, index, former.as_ref()),
                )
            }
            Self::Remove { name, url } => (
                pypirc::remove_repository(&files.pypirc_text, name),
                pip_conf::remove_index(&files.pip_conf_text, &url.for_pip(false)),
            ),
        };
        Ok(Written {
            pypirc: in_pypirc.map_err(broken(&files.pypirc))?,
            pip_conf: in_pip_conf.map_err(broken(&files.pip_conf))?,
        })
    }

    /// What the user should know.
    fn remarks(&self, files: &Files) {
        let Self::Add(addition) = self else { return };
        let Addition {
            index, login, known, ..
        } = addition.as_ref();
        if index.is_only
            && let Some(other) = pip_conf::other_index_url(&files.pip_conf_text, &index.url)
        {
            warning(format_args!(
                "pip's only index so far is replaced: {}",
                mask_secrets(&other, None)
            ));
        }
        for key in pip_conf::shadowing_keys(&files.pip_conf_text, index.is_only) {
            let path = files.pip_conf.path().display();
            warning(format_args!("`{key}` in `{path}` wins over the new setting"));
        }
        if login.password.is_some() && files.pypirc.is_readable_by_others() {
            let path = files.pypirc.path().display();
            warning(format_args!(
                "other users of this machine can read `{path}`; `chmod 600` it"
            ));
        }
        if login
            .password
            .as_ref()
            .is_some_and(|password| password.expose().contains('%'))
        {
            warning("hatch can't read a password with a `%` in it");
        }
        let keeps_password = known.has_password && matches!(login.password_edit(known), PasswordEdit::Keep);
        if login.username.is_none() && known.username.is_none() {
            note("no user was given, so no credentials are stored");
        } else if login.password.is_none() && !keeps_password {
            note("no password is stored; `pkgctl publish` asks for it or takes PKGCTL_PASSWORD");
        }
    }
}
