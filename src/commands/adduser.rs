//! `pkgctl adduser`: sets a user's password in the password file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::auth::htpasswd::{self, Change};
use crate::auth::scheme::{self, Limits};
use crate::auth::{Secret, Username, shell_word};
use crate::config::dotfile::DotfileError;
use crate::config::{Dotfile, Environment};
use crate::failure::Failure;
use crate::terminal::prompt::{self, Question};
use crate::terminal::{note, warning};

/// Add a user to the passwords file, or change a password
///
/// Asks for the password twice and writes it, hashed, into the passwords file that `pkgctl serve`, pypiserver, Apache
/// and nginx read. All other lines of the file stay as they are.
///
/// There is no way to give the password as an argument: every user of the machine can read the arguments of a running
/// program, and the shell keeps them in its history. Use --password-stdin or PKGCTL_PASSWORD where nobody can type.
#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is read in a terminal")]
pub(super) struct Arguments {
    /// Name of the user
    user: String,

    /// Passwords file [env: PKGCTL_PASSWORDS] [default: ~/packages/.htaccess]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Read the password from the first line of stdin [or set PKGCTL_PASSWORD]
    #[arg(long)]
    password_stdin: bool,

    /// Remove the user instead
    #[arg(long, conflicts_with_all = ["password_stdin", "sha1", "cost"])]
    delete: bool,

    /// Work of one password check: each step doubles it, 12 takes about a quarter of a second
    #[arg(long, value_name = "4..14", default_value_t = 12, value_parser = clap::value_parser!(u8).range(4..=14))]
    cost: u8,

    /// Store an unsalted SHA-1 as `htpasswd -s` does; for readers that know nothing better
    #[arg(short, long, conflicts_with = "cost")]
    sha1: bool,

    /// Accepted from habit: the file is created when it is missing, and never wiped
    #[arg(short, hide_short_help = true)]
    create: bool,

    /// Refused: `htpasswd -b` takes the password as an argument
    #[arg(short = 'b', hide = true)]
    batch: bool,

    /// Refused: other users could read it
    #[arg(long = "password", short = 'p', hide = true, value_name = "PASSWORD", num_args = 0..=1)]
    password: Option<Option<String>>,

    /// Refused: what `htpasswd -b` calls the password
    #[arg(hide = true, num_args = 0..)]
    surplus: Vec<String>,
}

/// Runs the verb.
///
/// # Errors
/// The user's name or the password can't be stored, nobody could be asked, or the file can't be written.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    refuse_file_before_user(&arguments, environment)?;
    refuse_visible_password(&arguments)?;
    let user: Username = arguments.user.parse().map_err(|error| {
        Failure::usage(format!(
            "`{}` can't be the name of a user",
            arguments.user.escape_debug()
        ))
        .caused_by(&error)
        .hint("use up to 255 letters, digits, `-`, `_`, `.` and `@`")
    })?;
    let file = password_file(arguments.file.as_deref(), environment)?;
    if arguments.delete {
        return delete(&user, &file);
    }
    let password = read_password(&user, arguments.password_stdin, environment)?;
    let stored = hash(&password, &arguments)?;
    drop(password);
    let change = write(&file, &user, &stored)?;
    match change {
        Change::Added => note(format_args!("added `{user}` to `{}`", file.display())),
        Change::Replaced => note(format_args!(
            "changed the password of `{user}` in `{}`",
            file.display()
        )),
    }
    Ok(ExitCode::SUCCESS)
}

/// `htpasswd FILE USER`: what looks like a password among the arguments is the user then.
fn refuse_file_before_user(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let first = arguments.user.as_str();
    let Some(user) = arguments.surplus.first() else {
        return Ok(());
    };
    let is_file = first.contains(std::path::is_separator) || environment.expand(Path::new(first)).is_file();
    if !is_file && !arguments.create {
        return Ok(());
    }
    let command = format!(
        "pkgctl adduser -f {} {}",
        shell_word::quoted(first),
        shell_word::quoted(user)
    );
    let mut hint = format!("run `{command}`");
    if arguments.surplus.len() > 1 {
        hint.push_str(
            ", which asks for the password; choose another one than that of this command, which is in your shell's \
             history now",
        );
    }
    let failure = Failure::usage(format!(
        "`{}` looks like the passwords file, which goes behind `-f`",
        first.escape_debug()
    ));
    Err(failure.hint(hint))
}

fn refuse_visible_password(arguments: &Arguments) -> Result<(), Failure> {
    let shown = arguments.password.is_some() || !arguments.surplus.is_empty();
    if !shown && !arguments.batch {
        return Ok(());
    }
    let mut failure =
        Failure::usage("the password can't be an argument: every user of this machine can read it there");
    if shown {
        failure = failure.hint(
            "leave it out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD; \
             choose another password than this one, which is in your shell's history now",
        );
    } else {
        failure =
            failure.hint("leave `-b` out and type it when asked, or use --password-stdin or PKGCTL_PASSWORD");
    }
    Err(failure)
}

fn password_file(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, Failure> {
    if let Some(path) = named.or(environment.var_os("PKGCTL_PASSWORDS").map(Path::new)) {
        return Ok(environment.expand(path));
    }
    let home = environment.home().ok_or_else(|| {
        Failure::usage("can't tell where the passwords file is: there is no home folder")
            .hint("name it with --file")
    })?;
    Ok(home.join("packages").join(".htaccess"))
}

fn read_password(user: &Username, from_stdin: bool, environment: &Environment) -> Result<Secret, Failure> {
    let password = if from_stdin {
        Secret::new(prompt::secret_from_stdin()?.as_str())
    } else if let Some(password) = environment.var("PKGCTL_PASSWORD") {
        Secret::new(password)
    } else {
        let asked = prompt::prompt_new_secret(Question {
            wanted: "the password",
            prompt: &format!("New password for {user}"),
            instead: "use --password-stdin or set PKGCTL_PASSWORD",
        })?;
        Secret::new(asked.as_str())
    };
    if password.is_empty() {
        return Err(Failure::usage(format!("the password of `{user}` is empty")).hint("choose one"));
    }
    Ok(password)
}

fn hash(password: &Secret, arguments: &Arguments) -> Result<String, Failure> {
    if arguments.sha1 {
        warning(
            "an unsalted SHA-1 is guessed at billions of tries a second once the file is stolen; \
             without -s the password is stored with bcrypt",
        );
        return Ok(scheme::make_sha1(password));
    }
    Ok(scheme::make_bcrypt(password, arguments.cost)?)
}

fn write(path: &Path, user: &Username, stored: &str) -> Result<Change, Failure> {
    loop {
        let file = Dotfile::open(path)?;
        if file.is_readable_by_others() {
            warning(format_args!(
                "other users of this machine can read `{}`",
                path.display()
            ));
        }
        refuse_other_kind_of_file(path, file.content())?;
        let (content, change) = htpasswd::set_password(file.content(), user, stored);
        warn_about_other_lines(path, &content);
        match file.replace(&content) {
            // Two first users at once: the other one was faster.
            Err(DotfileError::Appeared { .. }) => {}
            outcome => return Ok(outcome.map(|()| change)?),
        }
    }
}

fn delete(user: &Username, path: &Path) -> Result<ExitCode, Failure> {
    let file = Dotfile::open(path)?;
    refuse_other_kind_of_file(path, file.content())?;
    let Some(content) = htpasswd::remove_user(file.content(), user) else {
        return Err(
            Failure::new(format!("there is no user `{user}` in `{}`", path.display()))
                .hint("check the name, or name another file with --file"),
        );
    };
    file.replace(&content)?;
    note(format_args!("removed `{user}` from `{}`", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// A wheel or a configuration file whose name was taken for that of the passwords file must not be touched.
fn refuse_other_kind_of_file(path: &Path, content: &[u8]) -> Result<(), Failure> {
    if htpasswd::looks_like_password_file(content) {
        return Ok(());
    }
    let failure = Failure::new(format!("`{}` is not a passwords file", path.display()));
    Err(failure.hint("name another file with -f; a new one is made for you. Nothing was changed"))
}

/// A file that the server would refuse is edited all the same; its owner should know now.
fn warn_about_other_lines(path: &Path, content: &[u8]) {
    let path = path.display();
    match std::str::from_utf8(content) {
        Err(_) => warning(format_args!(
            "`{path}` is not UTF-8; `pkgctl serve` will refuse it"
        )),
        Ok(text) => {
            if let Err(malformed) = htpasswd::PasswordFile::parse(text, &Limits::default()) {
                warning(format_args!(
                    "`{path}`, {malformed}; `pkgctl serve` will refuse the file"
                ));
            }
        }
    }
}
