//! `pkgctl configure`: writes the repository into `~/.pypirc` and the index into pip's configuration.

mod answers;
mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::answers::{Known, Login};
use self::files::{Files, Paths, Unchanged, Written};
use crate::config::ini::IniError;
use crate::config::pip_conf::{self, PipIndex, Standing};
use crate::config::pypirc::{self, PasswordEdit, RepositoryEdit};
use crate::config::{Environment, IndexUrl, mask_secrets};
use crate::failure::Failure;
use crate::packaging::public_index::PublicIndex;
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

    /// Make it one more index again, where it was the only one
    #[arg(long, conflicts_with = "index_url")]
    extra_index_url: bool,

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
    #[arg(long, conflicts_with_all = ["username", "password_stdin", "no_password", "index_url", "extra_index_url"])]
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
    let known = Known::read(&Files::open(&paths)?.pypirc, &name)?;
    let change = if arguments.remove {
        let urls = answers::addresses_to_remove(&arguments, environment, &name, &known)?;
        Change::Remove { name, urls }
    } else {
        let url = answers::address(&arguments, environment, &name, &known)?;
        let login = answers::login(&arguments, environment, &known)?;
        Change::Add(Box::new(Addition {
            wanted: wanted_standing(&arguments),
            name,
            url,
            login,
            known,
        }))
    };
    let files = Files::open(&paths)?;
    let written = change.made_to(&files)?;
    change.remarks(&files, &written);
    if !change.leaves_pip_alone() {
        paths.remarks(environment);
    }
    if arguments.dry_run {
        files::show(&files, &written)?;
    } else {
        files::write(files, &written, change.unchanged())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn wanted_standing(arguments: &Arguments) -> Option<Standing> {
    if arguments.index_url {
        Some(Standing::Only)
    } else {
        arguments.extra_index_url.then_some(Standing::Extra)
    }
}

/// What is to happen to the files.
enum Change {
    Add(Box<Addition>),
    Remove { name: String, urls: Vec<IndexUrl> },
}

impl Change {
    fn made_to(&self, files: &Files) -> Result<Written, Failure> {
        match self {
            Self::Add(addition) => addition.made_to(files),
            Self::Remove { name, urls } => Ok(Written {
                pypirc: files
                    .pypirc
                    .parsed(|text| pypirc::remove_repository(text, name))?,
                pip_confs: files
                    .pip_confs()
                    .map(|file| file.parsed(|text| without_indexes(text, urls)))
                    .collect::<Result<_, _>>()?,
                holds_new_secret: false,
            }),
        }
    }

    fn leaves_pip_alone(&self) -> bool {
        matches!(self, Self::Add(addition) if addition.is_public())
    }

    fn unchanged(&self) -> Unchanged {
        match self {
            Self::Add(_) => Unchanged::Sound,
            Self::Remove { .. } => Unchanged::Unknown,
        }
    }

    /// What the user should know.
    fn remarks(&self, files: &Files, written: &Written) {
        match self {
            Self::Add(addition) => addition.remarks(files),
            Self::Remove { name, urls } => {
                if !written.changes(files) {
                    note(format_args!(
                        "nothing to remove: there is no repository `{name}` in `{}`, and no index of it in pip's configuration",
                        files.pypirc.shown()
                    ));
                }
                warn_about_leftovers(files, written, urls);
            }
        }
    }
}

fn without_indexes(text: &str, urls: &[IndexUrl]) -> Result<String, IniError> {
    urls.iter().try_fold(text.to_owned(), |text, url| {
        pip_conf::remove_index(&text, &url.for_pip(false))
    })
}

/// Keys of other sections, which this command doesn't write.
fn warn_about_leftovers(files: &Files, written: &Written, urls: &[IndexUrl]) {
    for (file, text) in files.pip_confs().zip(&written.pip_confs) {
        for url in urls {
            for key in pip_conf::keys_naming(text, &url.for_pip(false).url) {
                warning(format_args!(
                    "`{key}` in `{}` still names the index; take it out by hand",
                    file.shown()
                ));
            }
        }
    }
}

struct Addition {
    name: String,
    url: IndexUrl,
    /// How pip is to know it; without a word the way it already does.
    wanted: Option<Standing>,
    login: Login,
    known: Known,
}

impl Addition {
    fn is_public(&self) -> bool {
        PublicIndex::named(&self.name).is_some() || self.url.is_public_upload()
    }

    fn former(&self) -> Option<PipIndex> {
        self.known.url.as_ref().map(|url| url.for_pip(false))
    }

    /// How pip knows the index so far, at its new address or its former one.
    fn standing(&self, files: &Files) -> Option<Standing> {
        let (now, former) = (self.url.for_pip(false), self.former());
        let mut urls = vec![now.url.as_str()];
        urls.extend(former.as_ref().map(|former| former.url.as_str()));
        files.standing(&urls)
    }

    fn index(&self, files: &Files) -> PipIndex {
        let standing = self.wanted.or_else(|| self.standing(files));
        self.url.for_pip(standing == Some(Standing::Only))
    }

    fn made_to(&self, files: &Files) -> Result<Written, Failure> {
        let edit = RepositoryEdit {
            name: &self.name,
            url: self.url.as_str(),
            username: self.login.username.as_deref(),
            password: self.login.password_edit(&self.known),
        };
        Ok(Written {
            pypirc: files.pypirc.parsed(|text| pypirc::set_repository(text, &edit))?,
            pip_confs: if self.is_public() {
                Vec::new()
            } else {
                self.in_pips_files(files)?
            },
            holds_new_secret: self.login.password.is_some(),
        })
    }

    /// The index stands in one file alone, or an old address or another standing of it would count beside the new one.
    fn in_pips_files(&self, files: &Files) -> Result<Vec<String>, Failure> {
        let (index, former) = (self.index(files), self.former());
        let chosen = files
            .pip_conf
            .parsed(|text| pip_conf::add_index(text, &index, former.as_ref()))?;
        let stale: Vec<IndexUrl> = [Some(&self.url), self.known.url.as_ref()]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let others = files
            .other_pip_confs
            .iter()
            .map(|file| file.parsed(|text| without_indexes(text, &stale)));
        std::iter::once(Ok(chosen)).chain(others).collect()
    }

    /// What the user should know.
    fn remarks(&self, files: &Files) {
        if self.is_public() {
            note(format_args!(
                "`{}` is for uploads to a public index; pip's configuration is left alone",
                self.url
            ));
        } else {
            self.remarks_on_pip(files);
        }
        if self.url.is_exposed() {
            warning(format_args!(
                "`{}` is plain http to another machine: whoever is on the way can read passwords and change packages; \
                 use https",
                self.url
            ));
        }
        let Self { login, known, .. } = self;
        if login
            .password
            .as_ref()
            .is_some_and(|password| password.expose().contains('%'))
        {
            warning("hatch can't read a password with a `%` in it");
        }
        let keeps_password = known.has_password && matches!(login.password_edit(known), PasswordEdit::Keep);
        if keeps_password && files.pypirc.file.is_readable_by_others() {
            warning(format_args!(
                "other users of this machine can read `{0}`, which holds a password; run `chmod 600 {0}`",
                files.pypirc.shown()
            ));
        }
        if login.username.is_none() && known.username.is_none() {
            note("no user was given, so no credentials are stored");
        } else if login.password.is_none() && !keeps_password {
            note("no password is stored; `pkgctl publish` asks for it or takes PKGCTL_PASSWORD");
        }
    }

    fn remarks_on_pip(&self, files: &Files) {
        let index = self.index(files);
        let path = files.pip_conf.shown();
        match (self.standing(files), index.is_only) {
            (Some(Standing::Only), false) => warning(
                "the index was pip's only one and is one of several now: pip takes the highest version from any of \
                 them (dependency confusion); --index-url makes it the only one again",
            ),
            (Some(Standing::Extra), true) => {
                note("the index was one of several and is pip's only one now");
            }
            _ => {}
        }
        if index.is_only
            && let Some(other) = pip_conf::other_index_url(&files.pip_conf.text, &index.url)
            && self
                .former()
                .is_none_or(|former| other.trim_end_matches('/') != former.url.trim_end_matches('/'))
        {
            warning(format_args!(
                "`index-url = {}` in `{path}` is replaced; `--remove` can't bring it back",
                mask_secrets(&other, None)
            ));
        }
        for key in pip_conf::shadowing_keys(&files.pip_conf.text, index.is_only) {
            warning(format_args!("`{key}` in `{path}` wins over the new setting"));
        }
        for other in &files.other_pip_confs {
            let other_path = other.shown();
            note(format_args!(
                "pip reads `{path}` and `{other_path}`; where both have a key, the one in `{path}` counts"
            ));
            let hides = !index.is_only && pip_conf::has_other_extra_indexes(&other.text, &index.url);
            if hides {
                warning(format_args!(
                    "the extra indexes in `{other_path}` don't count beside those in `{path}`; move them there"
                ));
            }
        }
    }
}
