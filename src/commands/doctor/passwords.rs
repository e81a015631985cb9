//! The passwords file of a server on this machine.

use std::path::Path;

use super::report::Section;
use crate::auth::htpasswd::PasswordFile;
use crate::auth::scheme::Limits;
use crate::auth::{self, shell_word};
use crate::config::Dotfile;
use crate::failure::Failure;
use crate::terminal::counted;

/// Whether users can log in with it, and how well it keeps its secrets.
pub(super) fn look(path: &Path) -> Section {
    let mut section = Section::new(format!("Passwords in {}", path.display()));
    match auth::examine(path, &Limits::default()) {
        Ok(users) => tell_users(&mut section, path, &users),
        Err(error) => section.failure(&Failure::from(error)),
    }
    if Dotfile::open(path).is_ok_and(|file| file.exists() && file.is_open_to_others()) {
        section.problem(
            "other users of this machine may read or write the file",
            format!("keep it to yourself: chmod 600 {}", word(path)),
        );
    }
    section
}

fn tell_users(section: &mut Section, path: &Path, users: &PasswordFile) {
    match users.user_count() {
        0 => section.problem(
            "nobody can log in with it",
            format!("add a user: {} NAME", adduser(path)),
        ),
        count => section.good(format!("{} can log in", counted(count as u64, "user"))),
    }
    for warning in users.warnings() {
        section.problem(
            warning.to_string(),
            format!(
                "mend or remove that line; {} NAME writes a sound one",
                adduser(path)
            ),
        );
    }
    for user in users.outdated_users() {
        section.problem(
            format!("the password of `{user}` is kept in a way from which it is soon guessed"),
            format!("set it anew: {} {}", adduser(path), shell_word::quoted(user)),
        );
    }
}

/// The command that writes a user's line.
fn adduser(path: &Path) -> String {
    format!("pkgctl adduser -f {}", word(path))
}

fn word(path: &Path) -> String {
    shell_word::quoted(&path.to_string_lossy())
}
