//! The password file that Apache, nginx, pypiserver and `pkgctl serve` read: text in, text out.
//!
//! One `user:password` per line, where the password is hashed ([`super::scheme`]). Blank lines and lines starting
//! with `#` say nothing, further fields after a second `:` are ignored, CRLF ends a line as well as LF. When a user
//! stands in several lines the last one counts. A byte-order mark is no part of a name, whichever line it begins: files
//! that have one are put behind each other, and lines are removed in front of it.
//!
//! `edit.rs` changes single lines of it, `listing.rs` tells who is in it.

mod edit;
mod listing;

pub use self::edit::{Change, line_of, remove_user, set_password};
pub use self::listing::{Listed, Listing, list, looks_like_password_file};

use std::collections::{HashMap, HashSet};

use super::credentials::{Username, UsernameError};
use super::scheme::{HashProblem, Limits, PasswordHash, Scheme};

/// What Notepad and its like put in front of a text.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A wrong password is held against so many stored ones at most, of so many kinds.
const MAX_DECOYS: usize = 6;

/// A check that takes less than this can't be told from none over a network.
const UNNOTICED_MICROS: u64 = 20;

/// The users of a password file.
#[derive(Debug, Clone, Default)]
pub struct PasswordFile {
    users: HashMap<Box<str>, PasswordHash>,
    /// One stored password of each amount of work that there is in the file, the slowest first.
    decoys: Vec<PasswordHash>,
    warnings: Vec<LineWarning>,
}

impl PasswordFile {
    /// Reads the text of a whole file. Lines whose password can't be used (weak, unknown or too costly schemes) are
    /// left out with a warning; their users can't log in.
    ///
    /// # Errors
    /// A line is neither blank nor a comment nor `user:password`, or its password is cut or damaged. Such a file is
    /// broken or half written, and using the rest of it could lock people out unnoticed.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, MalformedLine> {
        let mut file = Self::default();
        let mut lines_of_users = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let entry = Entry::parse(line).map_err(|problem| MalformedLine {
                line: line_number,
                problem,
            })?;
            let Some(entry) = entry else { continue };
            if let Some(earlier) = lines_of_users.insert(entry.user.clone(), line_number) {
                file.warn(earlier, LineProblem::Superseded { by_line: line_number });
            }
            file.take(line_number, &entry, limits)?;
        }
        file.decoys = decoys_among(file.users.values());
        Ok(file)
    }

    /// The stored password of a user.
    #[must_use]
    pub fn password_of(&self, user: &Username) -> Option<&PasswordHash> {
        self.users.get(user.as_str())
    }

    /// How many users can log in.
    #[must_use]
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// Whether this is the user's password.
    ///
    /// A wrong one takes as long for one user as for another and for a name that isn't in the file, however
    /// differently their passwords are stored: it is held against one stored password of each kind that there is,
    /// the user's own among them.
    #[must_use]
    pub fn verify(&self, user: &Username, password: &[u8]) -> bool {
        let own = self.password_of(user);
        if own.is_some_and(|own| own.verify(password)) {
            return true;
        }
        let own_work = own.map(PasswordHash::work);
        for decoy in &self.decoys {
            if Some(decoy.work()) != own_work {
                // Told to be of use, or the compiler might leave it out.
                std::hint::black_box(decoy.verify(password));
            }
        }
        false
    }

    /// What the owner of the file should know, in the order it was found.
    #[must_use]
    pub fn warnings(&self) -> &[LineWarning] {
        &self.warnings
    }

    /// Users who can log in with a password that is easily guessed from a stolen file ([`Scheme::is_outdated`]), in
    /// the order of their names.
    #[must_use]
    pub fn outdated_users(&self) -> Vec<&str> {
        self.users_of(Scheme::is_outdated)
    }

    /// Users who can log in with a password that is hardly protected at all ([`Scheme::is_weak`]), in the order of
    /// their names. There are none unless the limits take such schemes.
    #[must_use]
    pub fn weak_users(&self) -> Vec<&str> {
        self.users_of(Scheme::is_weak)
    }

    fn users_of(&self, is_meant: fn(Scheme) -> bool) -> Vec<&str> {
        let meant = self.users.iter().filter(|(_, hash)| is_meant(hash.scheme()));
        let mut names: Vec<&str> = meant.map(|(user, _)| &**user).collect();
        names.sort_unstable();
        names
    }

    fn take(&mut self, line: usize, entry: &Entry<'_>, limits: &Limits) -> Result<(), MalformedLine> {
        match PasswordHash::parse(entry.password, limits) {
            Ok(hash) => {
                self.users.insert(entry.user.as_str().into(), hash);
            }
            Err(problem @ HashProblem::Malformed(_)) => {
                return Err(MalformedLine {
                    line,
                    problem: LineError::Password(problem),
                });
            }
            Err(problem) => {
                // An earlier line of the same user must not come back to life.
                self.users.remove(entry.user.as_str());
                self.warn(line, LineProblem::NotUsable(problem));
            }
        }
        Ok(())
    }

    fn warn(&mut self, line: usize, problem: LineProblem) {
        self.warnings.push(LineWarning { line, problem });
    }
}

fn decoys_among<'a>(stored: impl Iterator<Item = &'a PasswordHash>) -> Vec<PasswordHash> {
    let mut kinds = HashSet::new();
    let mut decoys: Vec<PasswordHash> = stored.filter(|hash| kinds.insert(hash.work())).cloned().collect();
    decoys.retain(|hash| hash.work().estimated_micros() > UNNOTICED_MICROS);
    decoys.sort_by_key(|hash| std::cmp::Reverse(hash.work().estimated_micros()));
    decoys.truncate(MAX_DECOYS);
    decoys
}

/// A line that makes the whole file unusable. It holds the number and the reason, never the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct MalformedLine {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: LineError,
}

/// What is wrong with a malformed line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not `user:password`.
    #[error("there is no `:` between a user and a password")]
    NoColon,
    /// Nothing after the colon.
    #[error("the password is empty")]
    EmptyPassword,
    /// Nobody can have that name.
    #[error(transparent)]
    Username(UsernameError),
    /// The password is damaged.
    #[error(transparent)]
    Password(HashProblem),
    /// The line is no text.
    #[error("it is not UTF-8")]
    NotUtf8,
}

/// Something about a line that its owner should know; the file is used nevertheless.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct LineWarning {
    /// Counted from 1.
    pub line: usize,
    /// What it is.
    pub problem: LineProblem,
}

/// What a [`LineWarning`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineProblem {
    /// The user can't log in.
    #[error("{0}; its user can't log in")]
    NotUsable(HashProblem),
    /// The same user stands in a later line.
    #[error("the same user stands again in line {by_line}, which counts")]
    Superseded {
        /// The later line.
        by_line: usize,
    },
}

struct Entry<'a> {
    user: Username,
    password: &'a str,
}

impl<'a> Entry<'a> {
    /// `None` for a line that says nothing.
    fn parse(line: &'a str) -> Result<Option<Self>, LineError> {
        let line = line.trim_start_matches(BYTE_ORDER_MARK).trim_end();
        if line.is_empty() || line.trim_start().starts_with('#') {
            return Ok(None);
        }
        let mut fields = line.split(':');
        let (Some(user), Some(password)) = (fields.next(), fields.next()) else {
            return Err(LineError::NoColon);
        };
        if password.is_empty() {
            return Err(LineError::EmptyPassword);
        }
        let user = user.parse().map_err(LineError::Username)?;
        Ok(Some(Self { user, password }))
    }
}

#[cfg(test)]
mod tests;
