//! `pkgctl configure`: writes the repository into `~/.pypirc` and the index into pip's configuration.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use similar::TextDiff;

use crate::auth::{Secret, Username};
use crate::config::dotfile::{self, Dotfile};
use crate::config::index_url::IndexUrlError;
use crate::config::ini_edit::IniError;
use crate::config::pip_conf::{self, PipIndex, Platform};
use crate::config::pypirc::{self, PasswordEdit, RepositoryEdit};
use crate::config::{Environment, IndexUrl, Pypirc, mask_secrets};
use crate::failure::Failure;
use crate::terminal::prompt::{self, Question};
use crate::terminal::{data, note, warning};

const DEFAULT_NAME: &str = "internal";
const DEFAULT_URL: &str = "http://localhost:8080";

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
pub struct ConfigureArgs {
    /// Name of the repository, as in `pkgctl publish -r NAME` [env: PKGCTL_REPOSITORY] [default: internal]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Address of the index [env: PKGCTL_REPOSITORY_URL] [default: http://localhost:8080]
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// User who uploads [env: PKGCTL_USERNAME]
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
    /// of one of yours on the public index then gets his code onto your machines (dependency confusion). With a single
    /// index that can't happen; `pkgctl serve` sends pip on to the public index for names that it doesn't know itself.
    #[arg(long)]
    index_url: bool,

    /// Write this file instead of ~/.pypirc [env: PKGCTL_PYPIRC]
    #[arg(long, value_name = "PATH")]
    pypirc: Option<PathBuf>,

    /// Write this file instead of pip's own [env: PKGCTL_PIP_CONF]
    #[arg(long, value_name = "PATH")]
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
pub fn run(arguments: ConfigureArgs, environment: &Environment) -> Result<ExitCode, Failure> {
    if arguments.password.is_some() {
        let failure =
            Failure::usage("the password can't be an argument: every user of this machine can read it there");
        return Err(
            failure.hint("leave it out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD")
        );
    }
    let paths = Paths::choose(&arguments, environment)?;
    let name = repository_name(&arguments, environment)?;
    // Looked at before the questions and again after them: nobody is kept waiting while somebody types.
    let known = Known::read(&Files::open(&paths)?, &name)?;
    let url = address(&arguments, environment, &known)?;
    let change = if arguments.remove {
        Change::Remove {
            name,
            url: known.url.clone().unwrap_or(url),
        }
    } else {
        let login = login(&arguments, environment, &known)?;
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
        show(&files, &written)?;
    } else {
        write(files, &written)?;
    }
    Ok(ExitCode::SUCCESS)
}

struct Paths {
    pypirc: PathBuf,
    pip_conf: PathBuf,
    /// pip's older file, when the newer one was taken because it is there.
    hidden_pip_conf: Option<PathBuf>,
    /// The file is one that pip looks for by itself.
    is_pips_own: bool,
}

impl Paths {
    fn choose(arguments: &ConfigureArgs, environment: &Environment) -> Result<Self, Failure> {
        let named = |flag: &Option<PathBuf>, variable| {
            let path = flag
                .as_deref()
                .or_else(|| environment.var_os(variable).map(Path::new));
            path.map(|path| environment.expand(path))
        };
        let homeless = |flag| {
            let failure = Failure::usage("can't tell where the files are: there is no home folder");
            failure.hint(format!("name them with {flag}"))
        };
        let pypirc = named(&arguments.pypirc, "PKGCTL_PYPIRC")
            .or_else(|| environment.home().map(|home| home.join(".pypirc")))
            .ok_or_else(|| homeless("--pypirc"))?;
        let paths = match named(&arguments.pip_conf, "PKGCTL_PIP_CONF") {
            Some(pip_conf) => Self {
                pypirc,
                pip_conf,
                hidden_pip_conf: None,
                is_pips_own: false,
            },
            None => {
                let file = pip_conf::user_file(environment, Platform::current(), Path::exists);
                let file = file.ok_or_else(|| homeless("--pip-conf"))?;
                Self {
                    pypirc,
                    pip_conf: file.path,
                    hidden_pip_conf: file.hides,
                    is_pips_own: true,
                }
            }
        };
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if real(&paths.pypirc) == real(&paths.pip_conf) {
            let failure = Failure::usage(format!(
                "`{}` can't be both .pypirc and pip.conf",
                paths.pypirc.display()
            ));
            return Err(failure.hint("name two files with --pypirc and --pip-conf"));
        }
        Ok(paths)
    }

    /// What keeps pip from reading the file, or the file from leaving others alone.
    fn remarks(&self, environment: &Environment) {
        if !self.is_pips_own {
            return;
        }
        let chosen = self.pip_conf.display();
        if let Some(hidden) = &self.hidden_pip_conf {
            note(format_args!(
                "pip's newer file `{chosen}` exists and wins over `{}`",
                hidden.display()
            ));
            if std::fs::read_to_string(hidden).is_ok_and(|text| pip_conf::has_extra_indexes(&text)) {
                warning(format_args!(
                    "the extra indexes in `{}` are hidden by it",
                    hidden.display()
                ));
            }
        }
        if environment.var_os("PIP_CONFIG_FILE").is_some() {
            warning(format_args!(
                "PIP_CONFIG_FILE is set, so pip may not read `{chosen}`"
            ));
        }
        if environment.var_os("PIP_EXTRA_INDEX_URL").is_some() {
            warning("PIP_EXTRA_INDEX_URL is set and wins over pip's files");
        }
    }
}

/// The two files as they are, each locked.
struct Files {
    pypirc: Dotfile,
    pypirc_text: String,
    pip_conf: Dotfile,
    pip_conf_text: String,
}

impl Files {
    fn open(paths: &Paths) -> Result<Self, Failure> {
        let (pypirc, pip_conf) = (Dotfile::open(&paths.pypirc)?, Dotfile::open(&paths.pip_conf)?);
        let (pypirc_text, pip_conf_text) = (text_of(&pypirc)?, text_of(&pip_conf)?);
        Ok(Self {
            pypirc,
            pypirc_text,
            pip_conf,
            pip_conf_text,
        })
    }
}

fn text_of(file: &Dotfile) -> Result<String, Failure> {
    let text = std::str::from_utf8(file.content()).map_err(|error| {
        let line = file.content()[..error.valid_up_to()]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        Failure::new(format!("line {line} of `{}` is not UTF-8", file.path().display()))
            .hint("save the file as UTF-8; nothing was changed")
    })?;
    Ok(text.to_owned())
}

fn broken(file: &Dotfile) -> impl Fn(IniError) -> Failure {
    let path = file.path().display().to_string();
    move |error| {
        Failure::new(format!("can't edit `{path}`"))
            .caused_by(&error)
            .hint("mend or remove that line and run the command again; nothing was changed")
    }
}

/// What `.pypirc` says of the repository so far.
struct Known {
    url: Option<IndexUrl>,
    username: Option<String>,
    has_password: bool,
}

impl Known {
    fn read(files: &Files, name: &str) -> Result<Self, Failure> {
        let pypirc = Pypirc::parse(&files.pypirc_text).map_err(broken(&files.pypirc))?;
        let repository = pypirc.repository(name);
        Ok(Self {
            url: repository.and_then(|repository| parse_url(repository.url.as_deref()?).ok()),
            username: repository.and_then(|repository| repository.username.clone()),
            has_password: repository.is_some_and(|repository| repository.password.is_some()),
        })
    }
}

fn repository_name(arguments: &ConfigureArgs, environment: &Environment) -> Result<String, Failure> {
    let name = arguments
        .name
        .as_deref()
        .or_else(|| environment.var("PKGCTL_REPOSITORY"))
        .unwrap_or(DEFAULT_NAME);
    let is_word = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let is_reserved = matches!(name, "distutils" | "server-login" | "DEFAULT");
    if name.is_empty() || is_reserved || !name.chars().all(is_word) {
        return Err(Failure::usage(format!(
            "`{}` can't be the name of a repository",
            name.escape_debug()
        ))
        .hint("use letters, digits, `-`, `_` and `.`"));
    }
    Ok(name.to_owned())
}

/// The address: said, known, asked for, or the default; in this order.
fn address(arguments: &ConfigureArgs, environment: &Environment, known: &Known) -> Result<IndexUrl, Failure> {
    let said = arguments
        .url
        .as_deref()
        .or_else(|| environment.var("PKGCTL_REPOSITORY_URL"));
    if let Some(said) = said {
        return parse_url(said);
    }
    let default = known
        .url
        .as_ref()
        .map_or(DEFAULT_URL, |url| url.as_str().trim_end_matches('/'));
    if arguments.remove || !prompt::is_interactive() {
        return parse_url(default);
    }
    let question = Question {
        wanted: "the address of the index",
        prompt: "Address of the index",
        instead: "use --url or set PKGCTL_REPOSITORY_URL",
    };
    parse_url(&prompt::prompt_line(question, Some(default))?)
}

fn parse_url(text: &str) -> Result<IndexUrl, Failure> {
    text.parse().map_err(|error: IndexUrlError| {
        let hint = match error {
            IndexUrlError::Credentials => "leave them out; name the user with --username".to_owned(),
            _ => format!("write it like {DEFAULT_URL}"),
        };
        Failure::usage(error.to_string()).hint(hint)
    })
}

struct Login {
    username: Option<String>,
    password: Option<Secret>,
    forgets_password: bool,
}

impl Login {
    /// A stored password belongs to the user it was stored with.
    fn password_edit(&self, known: &Known) -> PasswordEdit<'_> {
        let is_other_user =
            self.username.is_some() && known.username.is_some() && self.username != known.username;
        match &self.password {
            Some(password) => PasswordEdit::Set(password),
            None if self.forgets_password || is_other_user => PasswordEdit::Remove,
            None => PasswordEdit::Keep,
        }
    }
}

/// User and password: said, or asked for where there is a terminal.
fn login(arguments: &ConfigureArgs, environment: &Environment, known: &Known) -> Result<Login, Failure> {
    let said = arguments
        .username
        .as_deref()
        .or_else(|| environment.var("PKGCTL_USERNAME"));
    let asks = prompt::is_interactive();
    let username = match said {
        Some(said) => said.to_owned(),
        None if asks && !arguments.password_stdin => {
            let question = Question {
                wanted: "the user",
                prompt: if known.username.is_some() {
                    "User"
                } else {
                    "User (Enter for none)"
                },
                instead: "use --username or set PKGCTL_USERNAME",
            };
            prompt::prompt_line(question, known.username.as_deref())?
        }
        None => String::new(),
    };
    let username = (!username.is_empty()).then_some(username);
    if let Some(name) = &username {
        let checked: Result<Username, _> = name.parse();
        checked.map_err(|error| {
            let failure = Failure::usage(format!("`{}` can't be the name of a user", name.escape_debug()));
            failure.caused_by(&error).hint("name the user with --username")
        })?;
    }
    let has_user = username.is_some() || known.username.is_some();
    let password = password(arguments, environment, asks && has_user, known.has_password)?;
    if password.is_some() && !has_user {
        return Err(Failure::usage("there is a password but no user").hint("name the user with --username"));
    }
    Ok(Login {
        username,
        password,
        forgets_password: arguments.no_password,
    })
}

fn password(
    arguments: &ConfigureArgs,
    environment: &Environment,
    asks: bool,
    is_known: bool,
) -> Result<Option<Secret>, Failure> {
    let password = if arguments.no_password {
        return Ok(None);
    } else if arguments.password_stdin {
        prompt::secret_from_stdin()?
    } else if let Some(password) = environment.var("PKGCTL_PASSWORD") {
        return storable(Secret::new(password)).map(Some);
    } else if asks {
        prompt::prompt_secret(Question {
            wanted: "the password",
            prompt: if is_known {
                "Password (Enter to keep it)"
            } else {
                "Password (Enter for none)"
            },
            instead: "use --password-stdin or set PKGCTL_PASSWORD",
        })?
    } else {
        return Ok(None);
    };
    let password = Secret::new(password.as_str());
    if password.is_empty() {
        return Ok(None);
    }
    storable(password).map(Some)
}

/// A value of an INI file has one line, and its readers trim it.
fn storable(password: Secret) -> Result<Secret, Failure> {
    let text = password.expose();
    let fits = text.trim_matches(|c: char| c.is_whitespace() || c.is_control()) == text
        && !text.chars().any(char::is_control);
    if !fits {
        return Err(Failure::usage(
            "this password can't be stored: it begins or ends with white space, or has several lines",
        )
        .hint("use --no-password, and give it with PKGCTL_PASSWORD when you publish"));
    }
    Ok(password)
}

/// The new contents of the two files.
struct Written {
    pypirc: String,
    pip_conf: String,
}

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

fn show(files: &Files, written: &Written) -> Result<(), Failure> {
    let pairs = [
        (&files.pypirc, &files.pypirc_text, &written.pypirc),
        (&files.pip_conf, &files.pip_conf_text, &written.pip_conf),
    ];
    let mut shown = String::new();
    for (file, before, after) in pairs {
        let path = file.path().display().to_string();
        let (old, new) = (mask_secrets(before, None), mask_secrets(after, Some(before)));
        let old_path = if file.exists() { path.as_str() } else { "/dev/null" };
        let diff = TextDiff::from_lines(&old, &new);
        shown.push_str(&diff.unified_diff().header(old_path, &path).to_string());
    }
    if shown.is_empty() {
        note("nothing would change");
    }
    data(&shown).map_err(|error| {
        let failure = Failure::new("can't write the difference to stdout").caused_by(&error);
        failure.hint("check what stdout leads to")
    })
}

fn write(files: Files, written: &Written) -> Result<(), Failure> {
    let pairs = [
        (files.pypirc, &written.pypirc),
        (files.pip_conf, &written.pip_conf),
    ];
    let (mut staged, mut emptied, mut told) = (Vec::new(), Vec::new(), Vec::new());
    for (file, content) in pairs {
        let path = file.path().display().to_string();
        if file.content() == content.as_bytes() {
            told.push(format!("`{path}` is as it should be"));
        } else if content.is_empty() {
            told.push(format!("removed `{path}`, in which nothing was left"));
            emptied.push(file);
        } else {
            told.push(format!("wrote `{path}`"));
            staged.push(file.stage(content.as_bytes())?);
        }
    }
    dotfile::commit_all(staged)?;
    for file in emptied {
        file.remove()?;
    }
    told.iter().for_each(note);
    Ok(())
}
