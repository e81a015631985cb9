//! What only reads the password file: who is in it, and whether a password is right.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use super::change::{no_such_user, refuse_other_kind_of_file};
use super::password::Source;
use crate::auth::Username;
use crate::auth::htpasswd::{self, Listed, Listing};
use crate::auth::scheme::HashProblem;
use crate::auth::shell_word::quoted;
use crate::config::Dotfile;
use crate::failure::Failure;
use crate::terminal::{data, note, warning};

/// Tells each user and scheme on stdout: as a table at a terminal, otherwise as `user<TAB>scheme`.
pub(super) fn list(path: &Path) -> Result<ExitCode, Failure> {
    let listing = read(path)?;
    let shown = if std::io::stdout().is_terminal() {
        table(&listing.users)
    } else {
        tab_separated(&listing.users)
    };
    data(shown).map_err(|error| Failure::new("can't write to stdout").caused_by(&error))?;
    for malformed in &listing.malformed {
        warning(format_args!(
            "`{}`, {malformed}; `pkgctl serve` will refuse the file",
            path.display()
        ));
    }
    if listing.users.is_empty() {
        note(format_args!("there is no user in `{}`", path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells by the exit code whether this is the user's password: 0 when it is, 1 when it is not.
pub(super) fn verify(user: &Username, source: Source<'_>, path: &Path) -> Result<ExitCode, Failure> {
    let listing = read(path)?;
    let listed = listing.find(user).ok_or_else(|| no_such_user(user, path))?;
    let stored = listed.stored.as_ref().map_err(|problem| {
        Failure::new(format!("`{user}` can't log in with any password"))
            .caused_by(problem)
            .hint(format!(
                "set another one with `pkgctl adduser -f {} {}`",
                quoted(&path.to_string_lossy()),
                quoted(user.as_str())
            ))
    })?;
    let password = source.read(user)?;
    if !stored.verify(password.expose().as_bytes()) {
        note(format_args!("the password of `{user}` is another one"));
        return Ok(ExitCode::FAILURE);
    }
    note(format_args!("the password of `{user}` is right"));
    if stored.scheme().is_weak() {
        warning(format_args!(
            "it is stored in {}, which `pkgctl serve` takes only with --allow-weak-passwords",
            stored.scheme()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn read(path: &Path) -> Result<Listing, Failure> {
    let file = Dotfile::open(path)?;
    if !file.exists() {
        let failure = Failure::new(format!("there is no passwords file `{}`", path.display()));
        return Err(failure.hint("name it with --file, or add a first user"));
    }
    refuse_other_kind_of_file(path, file.content())?;
    Ok(htpasswd::list(file.content()))
}

fn tab_separated(users: &[Listed]) -> String {
    users.iter().fold(String::new(), |mut text, listed| {
        // Writing to a String can't fail. No name holds a tab.
        let _ = writeln!(text, "{}\t{}", listed.user, scheme(listed));
        text
    })
}

fn table(users: &[Listed]) -> String {
    let width = |listed: &Listed| listed.user.as_str().chars().count();
    let width = users.iter().map(width).max().unwrap_or_default().max(4);
    let mut text = String::new();
    if !users.is_empty() {
        let _ = writeln!(text, "{:width$}  SCHEME", "USER");
    }
    for listed in users {
        let line = format!(
            "{:width$}  {:12}  {}",
            listed.user.as_str(),
            scheme(listed),
            remark(listed)
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

/// One word or two; the stored text itself is nobody's business.
fn scheme(listed: &Listed) -> String {
    match &listed.stored {
        Ok(stored) => stored.scheme().to_string(),
        Err(
            HashProblem::Malformed(scheme) | HashProblem::TooCostly(scheme) | HashProblem::TooWeak(scheme),
        ) => scheme.to_string(),
        Err(HashProblem::Unsupported) => "unknown".to_owned(),
    }
}

fn remark(listed: &Listed) -> String {
    match &listed.stored {
        Ok(stored) if stored.scheme().is_weak() => "needs --allow-weak-passwords; set it again".to_owned(),
        Ok(stored) if stored.scheme().is_outdated() => {
            "easily guessed from a stolen file; set it again".to_owned()
        }
        Ok(_) => String::new(),
        Err(problem) => format!("can't log in: {problem}"),
    }
}
