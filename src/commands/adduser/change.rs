//! Changes of the password file: one user's line, under a lock, whole or not at all.

use std::path::Path;
use std::process::ExitCode;

use crate::auth::Username;
use crate::auth::htpasswd::{self, Change};
use crate::auth::scheme::Limits;
use crate::config::Dotfile;
use crate::config::dotfile::DotfileError;
use crate::failure::Failure;
use crate::terminal::{note, warning};

/// Sets what is stored for the user, and says so.
pub(super) fn set(user: &Username, stored: &str, path: &Path) -> Result<(), Failure> {
    let change = loop {
        let file = Dotfile::open(path)?;
        if file.is_readable_by_others() {
            warning(format_args!(
                "other users of this machine can read `{}`",
                path.display()
            ));
        }
        refuse_other_kind_of_file(path, file.content())?;
        let is_new = !file.exists();
        let (content, change) = htpasswd::set_password(file.content(), user, stored);
        warn_about_other_lines(path, &content);
        match file.replace(&content) {
            // Two first users at once: the other one was faster.
            Err(DotfileError::Appeared { .. }) => continue,
            outcome => outcome?,
        }
        if is_new {
            warn_about_owner(path);
        }
        break change;
    };
    match change {
        Change::Added => note(format_args!("added `{user}` to `{}`", path.display())),
        Change::Replaced => note(format_args!(
            "changed the password of `{user}` in `{}`",
            path.display()
        )),
    }
    Ok(())
}

/// Removes the user, and says so.
pub(super) fn delete(user: &Username, path: &Path) -> Result<ExitCode, Failure> {
    let file = Dotfile::open(path)?;
    refuse_other_kind_of_file(path, file.content())?;
    let Some(content) = htpasswd::remove_user(file.content(), user) else {
        return Err(no_such_user(user, path));
    };
    file.replace(&content)?;
    note(format_args!("removed `{user}` from `{}`", path.display()));
    Ok(ExitCode::SUCCESS)
}

/// The file has no line of the user.
pub(super) fn no_such_user(user: &Username, path: &Path) -> Failure {
    Failure::new(format!("there is no user `{user}` in `{}`", path.display()))
        .hint("check the name with --list, or name another file with --file")
}

/// Nobody wants to type a password twice before hearing that the file can't be used.
pub(super) fn refuse_unfit_file(path: &Path) -> Result<(), Failure> {
    refuse_other_kind_of_file(path, Dotfile::open(path)?.content())
}

/// A wheel or a configuration file whose name was taken for that of the passwords file must not be touched.
pub(super) fn refuse_other_kind_of_file(path: &Path, content: &[u8]) -> Result<(), Failure> {
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

/// `sudo pkgctl adduser` makes a file that root alone can read, in a folder whose owner may be who serves it.
#[cfg(unix)]
fn warn_about_owner(path: &Path) {
    use std::os::unix::fs::MetadataExt as _;
    let owner = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.uid());
    let (Ok(0), Some(Ok(owner @ 1..))) = (owner(path), path.parent().map(owner)) else {
        return;
    };
    warning(format_args!(
        "`{}` is new and for root alone, its folder belongs to user {owner}; if that is who runs the server, let it read \
         the file: chown {owner} {}",
        path.display(),
        crate::auth::shell_word::quoted(&path.to_string_lossy())
    ));
}

#[cfg(not(unix))]
fn warn_about_owner(_path: &Path) {}
