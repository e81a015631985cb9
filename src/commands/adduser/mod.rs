//! `pkgctl adduser`: sets a user's password in the password file, and tells who is in it.
//!
//! `arguments.rs` has the flags, `habits.rs` understands those of htpasswd, `password.rs` finds the password, `change.rs` edits
//! the file, `look.rs` only reads it.

mod arguments;
mod change;
mod habits;
mod look;
mod password;

use std::path::PathBuf;
use std::process::ExitCode;

pub(super) use self::arguments::Arguments;
use crate::auth::Username;
use crate::auth::htpasswd::line_of;
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal;

/// Runs the verb.
///
/// # Errors
/// The user's name or the password can't be stored, nobody could be asked, or the file can't be read or written.
pub(super) fn run(arguments: Arguments, environment: &Environment) -> Result<ExitCode, Failure> {
    habits::refuse_unsafe_ones(&arguments, environment)?;
    let file = || password_file(&arguments, environment);
    let Some(name) = &arguments.user else {
        // The only action that takes no name.
        return look::list(&file()?);
    };
    let user: Username = name.parse().map_err(|error| {
        Failure::usage(format!("`{}` can't be the name of a user", name.escape_debug()))
            .caused_by(&error)
            .hint("use up to 255 letters, digits, `-`, `_`, `.` and `@`")
    })?;
    let source = password::Source::of(&arguments, environment);
    if arguments.action.delete {
        change::delete(&user, &file()?)
    } else if arguments.action.verify {
        look::verify(&user, source, &file()?)
    } else if arguments.action.print {
        let password = source.new_password(&user)?;
        let stored = arguments.scheme.recipe().store(&password)?;
        arguments.scheme.warn_about_readers();
        print(&format!("{}\n", line_of(&user, &stored)))
    } else {
        set(&user, &source, &arguments, &file()?)
    }
}

fn set(
    user: &Username,
    source: &password::Source<'_>,
    arguments: &Arguments,
    file: &std::path::Path,
) -> Result<ExitCode, Failure> {
    change::refuse_unfit_file(file)?;
    let password = source.new_password(user)?;
    let stored = arguments.scheme.recipe().store(&password)?;
    arguments.scheme.warn_about_readers();
    change::set(user, &stored, file)?;
    if arguments.source.generate {
        return print(&format!("{}\n", password.expose()));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(text: &str) -> Result<ExitCode, Failure> {
    terminal::data(text).map_err(|error| {
        Failure::new("can't write to stdout")
            .caused_by(&error)
            .hint("run it again: what was to be shown is lost")
    })?;
    Ok(ExitCode::SUCCESS)
}

fn password_file(arguments: &Arguments, environment: &Environment) -> Result<PathBuf, Failure> {
    let named = arguments.file.as_deref();
    if let Some(path) = named.or(environment.var_os("PKGCTL_PASSWORDS").map(std::path::Path::new)) {
        return Ok(environment.expand(path));
    }
    let home = environment.home().ok_or_else(|| {
        Failure::usage("can't tell where the passwords file is: there is no home folder")
            .hint("name it with --file")
    })?;
    Ok(home.join("packages").join(".htaccess"))
}
