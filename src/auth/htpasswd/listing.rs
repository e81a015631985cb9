//! Who is in a password file, whatever the state of it.

use std::collections::HashMap;

use super::edit::split_marks;
use super::{Entry, LineError, MalformedLine};
use crate::auth::credentials::Username;
use crate::auth::scheme::{HashProblem, Limits, PasswordHash, Scheme};

/// The users of a file, and the lines that name none.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// In the order of the lines that count.
    pub users: Vec<Listed>,
    /// In the order of the file.
    pub malformed: Vec<MalformedLine>,
}

impl Listing {
    /// The line of a user.
    #[must_use]
    pub fn find(&self, user: &Username) -> Option<&Listed> {
        self.users.iter().find(|listed| listed.user == *user)
    }
}

/// One user.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The name.
    pub user: Username,
    /// The number of the line that counts, from 1.
    pub line: usize,
    /// The stored password, be it of a weak scheme; or why there is none that can be checked.
    pub stored: Result<PasswordHash, HashProblem>,
}

/// Reads line by line, whatever the schemes. A broken line hides no other one.
#[must_use]
pub fn list(content: &[u8]) -> Listing {
    let limits = Limits {
        allow_weak: true,
        ..Limits::default()
    };
    let mut listing = Listing::default();
    let mut users: HashMap<Username, Listed> = HashMap::new();
    for (line, parsed) in entries(content) {
        match parsed {
            Ok(None) => {}
            Ok(Some((user, password))) => {
                let stored = PasswordHash::parse(password, &limits);
                let listed = Listed {
                    user: user.clone(),
                    line,
                    stored,
                };
                users.insert(user, listed);
            }
            Err(problem) => listing.malformed.push(MalformedLine { line, problem }),
        }
    }
    listing.users = users.into_values().collect();
    listing.users.sort_unstable_by_key(|listed| listed.line);
    listing
}

/// Whether a content may be a password file: it has no line that can't be in one, or at least one user and is text.
#[must_use]
pub fn looks_like_password_file(content: &[u8]) -> bool {
    let lines = || entries(content).map(|(_, parsed)| parsed);
    let is_text = lines().all(|parsed| parsed != Err(LineError::NotUtf8));
    let has_users = || lines().any(|parsed| matches!(parsed, Ok(Some((_, password))) if is_hashed(password)));
    // Old comments in other encodings are harmless; what looks like a user is not, in a file that is no text.
    lines().all(|parsed| parsed.is_ok()) || (is_text && has_users())
}

/// Plain text is no proof: `key: value` is in files of all kinds.
fn is_hashed(password: &str) -> bool {
    !matches!(
        PasswordHash::parse(password, &Limits::default()),
        Err(HashProblem::TooWeak(Scheme::PlainText) | HashProblem::Unsupported)
    )
}

type Parsed<'a> = Result<Option<(Username, &'a str)>, LineError>;

/// Every line with its number, from 1.
fn entries(content: &[u8]) -> impl Iterator<Item = (usize, Parsed<'_>)> {
    content
        .split(|&byte| byte == b'\n')
        .enumerate()
        .map(|(index, line)| {
            let is_comment = split_marks(line).1.trim_ascii_start().starts_with(b"#");
            let parsed = match std::str::from_utf8(line) {
                Ok(line) => Entry::parse(line).map(|entry| entry.map(|entry| (entry.user, entry.password))),
                Err(_) if is_comment => Ok(None),
                Err(_) => Err(LineError::NotUtf8),
            };
            (index + 1, parsed)
        })
}
