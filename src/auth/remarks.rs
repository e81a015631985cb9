//! What the operator should know about a password file: lines of the log, without anything of its lines but numbers
//! and names. Names are no secret.

use std::path::Path;

use super::htpasswd::{LineProblem, PasswordFile};
use super::scheme::HashProblem;
use super::shell_word::quoted;

/// More names than this make no readable line.
const NAMED: usize = 10;

/// More lines than this are counted, not told one by one.
const LINES: usize = 20;

/// Says what is new since `before`; everything, when there was nothing before.
pub(super) fn log_remarks(path: &Path, users: &PasswordFile, before: Option<&PasswordFile>) {
    if before.is_none_or(|before| before.warnings() != users.warnings()) {
        log_lines(path, users);
    }
    let outdated = users.outdated_users();
    if before.is_none_or(|before| before.outdated_users() != outdated)
        && let Some(told) = Told::of(path, &outdated)
    {
        let Told { names, path, command } = told;
        tracing::warn!(
            "the passwords of {names} in `{path}` are easily guessed from a stolen file (apr1, md5-crypt or SHA-1); set \
             each of them again, as in `{command}`"
        );
    }
    let weak = users.weak_users();
    if before.is_none_or(|before| before.weak_users() != weak)
        && let Some(told) = Told::of(path, &weak)
    {
        let Told { names, path, command } = told;
        tracing::warn!(
            "the passwords of {names} in `{path}` are in plain text or DES crypt, which --allow-weak-passwords lets \
             in; set each of them again, as in `{command}`, then leave that flag out"
        );
    }
}

fn log_lines(path: &Path, users: &PasswordFile) {
    let warnings = users.warnings();
    for warning in warnings.iter().take(LINES) {
        tracing::warn!(path = %path.display(), line = warning.line, "passwords file, {warning}");
    }
    if warnings.len() > LINES {
        let more = warnings.len() - LINES;
        tracing::warn!(path = %path.display(), "passwords file, and {more} more such lines");
    }
    let is_weak = |problem: &LineProblem| matches!(problem, LineProblem::NotUsable(HashProblem::TooWeak(_)));
    if warnings.iter().any(|warning| is_weak(&warning.problem)) {
        let path = quoted(&path.to_string_lossy());
        tracing::warn!(
            "`pkgctl adduser -f {path} NAME` sets a password that is taken; --allow-weak-passwords takes plain text and \
             DES crypt as they are"
        );
    }
}

/// The words of a remark on several users.
struct Told {
    names: String,
    path: String,
    /// What mends the first of them.
    command: String,
}

impl Told {
    fn of(path: &Path, users: &[&str]) -> Option<Self> {
        let first = users.first()?;
        let more = match users.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let names = users.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let file = quoted(&path.to_string_lossy());
        Some(Self {
            names: names + &more,
            path: path.display().to_string(),
            command: format!("pkgctl adduser -f {file} {}", quoted(first)),
        })
    }
}
