//! The password file that Apache, nginx, pypiserver and `pkgctl serve` read: text in, text out.
//!
//! One `user:password` per line, where the password is hashed ([`super::scheme`]). Blank lines and lines starting
//! with `#` say nothing, further fields after a second `:` are ignored, CRLF ends a line as well as LF. When a user
//! stands in several lines the last one counts.

use std::collections::HashMap;

use super::credentials::{Username, UsernameError};
use super::scheme::{HashProblem, Limits, PasswordHash};

/// The users of a password file.
#[derive(Debug, Clone, Default)]
pub struct PasswordFile {
    users: HashMap<Box<str>, PasswordHash>,
    strongest: Option<PasswordHash>,
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
        // Notepad and its like begin a file with a byte-order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
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
        file.strongest = file
            .users
            .values()
            .max_by_key(|hash| hash.estimated_micros())
            .cloned();
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

    /// The password that takes longest to check; what a name that isn't in the file is checked against, so that the
    /// answer does not come sooner.
    #[must_use]
    pub fn strongest(&self) -> Option<&PasswordHash> {
        self.strongest.as_ref()
    }

    /// What the owner of the file should know, in the order it was found.
    #[must_use]
    pub fn warnings(&self) -> &[LineWarning] {
        &self.warnings
    }

    /// Users who can log in with a password that is easily guessed from a stolen file, in the order of their names.
    #[must_use]
    pub fn outdated_users(&self) -> Vec<&str> {
        let outdated = self.users.iter().filter(|(_, hash)| hash.scheme().is_outdated());
        let mut names: Vec<&str> = outdated.map(|(user, _)| &**user).collect();
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

/// Whether a user is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user has a line now.
    Added,
    /// The user's line has another password now.
    Replaced,
}

/// Sets the stored password of a user. Every line of the user gets it, since other programs let the first one count;
/// without one a line is appended. All other bytes stay as they are, be they UTF-8 or not.
#[must_use]
pub fn set_password(content: &[u8], user: &Username, password: &str) -> (Vec<u8>, Change) {
    let mut edited = Vec::with_capacity(content.len() + user.as_str().len() + password.len() + 3);
    let mut change = Change::Added;
    for line in content.split_inclusive(|&byte| byte == b'\n') {
        match password_span(line, user) {
            Some((start, end)) => {
                edited.extend_from_slice(&line[..start]);
                edited.extend_from_slice(password.as_bytes());
                edited.extend_from_slice(&line[end..]);
                change = Change::Replaced;
            }
            None => edited.extend_from_slice(line),
        }
    }
    if change == Change::Added {
        let line_end: &[u8] = if content.windows(2).any(|pair| pair == b"\r\n") {
            b"\r\n"
        } else {
            b"\n"
        };
        if !edited.is_empty() && !edited.ends_with(b"\n") {
            edited.extend_from_slice(line_end);
        }
        edited.extend_from_slice(format!("{user}:{password}").as_bytes());
        edited.extend_from_slice(line_end);
    }
    (edited, change)
}

/// Removes every line of a user; `None` when there is none. All other bytes stay as they are.
#[must_use]
pub fn remove_user(content: &[u8], user: &Username) -> Option<Vec<u8>> {
    let lines = content.split_inclusive(|&byte| byte == b'\n');
    let kept: Vec<u8> = lines
        .filter(|line| password_span(line, user).is_none())
        .flatten()
        .copied()
        .collect();
    (kept.len() < content.len()).then_some(kept)
}

/// Whether a content may be a password file: it has no line that can't be in one, or at least one user and is text.
#[must_use]
pub fn looks_like_password_file(content: &[u8]) -> bool {
    let text = String::from_utf8_lossy(content);
    let (mut users, mut malformed) = (0_usize, 0_usize);
    for line in text.trim_start_matches('\u{feff}').lines() {
        match Entry::parse(line) {
            Err(_) => malformed += 1,
            Ok(Some(entry)) if is_hashed(entry.password) => users += 1,
            Ok(_) => {}
        }
    }
    malformed == 0 || (users > 0 && std::str::from_utf8(content).is_ok())
}

/// Plain text is no proof: `key: value` is in files of all kinds.
fn is_hashed(password: &str) -> bool {
    !matches!(
        PasswordHash::parse(password, &Limits::default()),
        Err(HashProblem::PlainText | HashProblem::Unsupported)
    )
}

/// Where the password stands in a line of `user`.
fn password_span(line: &[u8], user: &Username) -> Option<(usize, usize)> {
    let rest = line.strip_prefix(user.as_str().as_bytes())?.strip_prefix(b":")?;
    let start = line.len() - rest.len();
    let length = rest.iter().position(|byte| matches!(byte, b':' | b'\r' | b'\n'));
    Some((start, start + length.unwrap_or(rest.len())))
}

struct Entry<'a> {
    user: Username,
    password: &'a str,
}

impl<'a> Entry<'a> {
    /// `None` for a line that says nothing.
    fn parse(line: &'a str) -> Result<Option<Self>, LineError> {
        let line = line.trim_end();
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
mod tests {
    use super::super::scheme::Scheme;
    use super::*;
    use proptest::prelude::*;

    const SHA: &str = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
    const APR1: &str = "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/";
    const BCRYPT: &str = "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

    fn parse(text: &str) -> Result<PasswordFile, MalformedLine> {
        PasswordFile::parse(text, &Limits::default())
    }

    fn name(text: &str) -> Username {
        text.parse().unwrap()
    }

    fn scheme_of(file: &PasswordFile, user: &str) -> Option<Scheme> {
        file.password_of(&name(user)).map(PasswordHash::scheme)
    }

    #[test]
    fn comments_blank_lines_crlf_and_further_fields_are_fine() {
        let text = format!("\u{feff}# ours\r\n\r\n  # more\nalice:{BCRYPT}:Alice:x\r\n\t\nbob b:{SHA}");
        let file = parse(&text).unwrap();
        assert_eq!(file.user_count(), 2);
        assert_eq!(scheme_of(&file, "alice"), Some(Scheme::Bcrypt));
        assert_eq!(scheme_of(&file, "bob b"), Some(Scheme::Sha1));
        assert_eq!(file.strongest().map(PasswordHash::scheme), Some(Scheme::Bcrypt));
        assert_eq!((file.warnings(), file.outdated_users()), (&[][..], vec!["bob b"]));
    }

    #[test]
    fn the_last_line_of_a_user_counts_even_when_it_is_useless() {
        let file = parse(&format!("alice:{APR1}\nalice:{BCRYPT}\n")).unwrap();
        assert_eq!(scheme_of(&file, "alice"), Some(Scheme::Bcrypt));
        assert!(
            file.warnings()
                .iter()
                .any(|warning| warning.to_string().starts_with("line 1: the same user"))
        );
        let file = parse(&format!("alice:{BCRYPT}\nalice:plain\n")).unwrap();
        assert_eq!(scheme_of(&file, "alice"), None);
    }

    #[test]
    fn weak_and_unknown_passwords_are_left_out_with_the_number_of_the_line_alone() {
        let file = parse("a:hunter2\nb:rEK1ecacw.7.c\nc:$1$SALT$SECRET\n").unwrap();
        assert_eq!((file.user_count(), file.warnings().len()), (0, 3));
        let shown: Vec<String> = file.warnings().iter().map(ToString::to_string).collect();
        assert!(shown[0].starts_with("line 1: ") && shown[2].starts_with("line 3: "));
        assert!(!shown.concat().contains("hunter2") && !shown.concat().contains("SECRET"));
    }

    #[test]
    fn a_malformed_line_is_told_by_its_number() {
        let cases = [
            ("no colon", LineError::NoColon),
            ("alice:", LineError::EmptyPassword),
            ("alice::x", LineError::EmptyPassword),
            (":x", LineError::Username(UsernameError::Empty)),
            (" alice:x", LineError::Username(UsernameError::WhiteSpaceAtEnds)),
            ("a\u{1}b:x", LineError::Username(UsernameError::ControlCharacter)),
            (
                "alice:$2y$05$CCC",
                LineError::Password(HashProblem::Malformed(Scheme::Bcrypt)),
            ),
        ];
        for (line, problem) in cases {
            let text = format!("# first\nbob:{BCRYPT}\n{line}\n");
            assert_eq!(
                parse(&text).err(),
                Some(MalformedLine { line: 3, problem }),
                "{line}"
            );
        }
    }

    #[test]
    fn a_new_user_is_appended_in_the_style_of_the_file() {
        let added = |content: &str| {
            let (edited, change) = set_password(content.as_bytes(), &name("bob"), "NEW");
            assert_eq!(change, Change::Added);
            String::from_utf8(edited).unwrap()
        };
        assert_eq!(added(""), "bob:NEW\n");
        assert_eq!(added("a:x"), "a:x\nbob:NEW\n");
        assert_eq!(added("a:x\r\nb:y"), "a:x\r\nb:y\r\nbob:NEW\r\n");
        assert_eq!(
            added("bobby:x\n#bob:x\n bob:x\n"),
            "bobby:x\n#bob:x\n bob:x\nbob:NEW\n"
        );
    }

    #[test]
    fn a_changed_user_keeps_the_place_and_all_other_bytes() {
        let content = b"# caf\xe9\nalice:a\nbob:old:Bob B.\r\n\n??\nbob:older";
        let (edited, change) = set_password(content, &name("bob"), "NEW");
        assert_eq!(edited, b"# caf\xe9\nalice:a\nbob:NEW:Bob B.\r\n\n??\nbob:NEW");
        assert_eq!(change, Change::Replaced);
        assert_eq!(
            remove_user(content, &name("bob")).unwrap(),
            b"# caf\xe9\nalice:a\n\n??\n"
        );
        assert_eq!(remove_user(content, &name("carol")), None);
    }

    #[test]
    fn files_of_other_kinds_are_told_from_password_files() {
        let sound = format!("alice:{SHA}\n");
        for (content, expected) in [
            (&b""[..], true),
            (b"# nobody yet\n", true),
            (sound.as_bytes(), true),
            (b"alice:plain\n", true),
            (b"# caf\xe9\nalice:plain\n", true),
            (format!("torn\n{sound}").as_bytes(), true),
            (&[b"torn \xff\n", sound.as_bytes()].concat(), false),
            (b"torn\n", false),
            (b"PK\x03\x04\x14\0\0\0\x08:\0\n\xff\xfe", false),
            (b"[project]\nname = \"x\"\nurls = { a = \"https://h/\" }\n", false),
        ] {
            assert_eq!(looks_like_password_file(content), expected, "{content:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([a-c]{0,2}:?\\PC{0,20}[\r\n]{0,2}){0,6}") {
            let _ = parse(&text);
        }

        #[test]
        fn editing_changes_one_user_alone(
            lines in proptest::collection::vec("([a-d]:[a-z]{1,5}(:x)?|# [a-d]:x||junk)", 0..8),
            crlf: bool,
            ended: bool,
            user in "[a-d]",
        ) {
            let line_end = if crlf { "\r\n" } else { "\n" };
            let mut content = lines.join(line_end);
            if ended && !content.is_empty() {
                content.push_str(line_end);
            }
            let user = name(&user);
            let (edited, _) = set_password(content.as_bytes(), &user, "NEW");
            let others = |bytes: &[u8]| remove_user(bytes, &user).unwrap_or_else(|| bytes.to_vec());
            let trimmed = |bytes: &[u8]| others(bytes).trim_ascii_end().to_vec();
            prop_assert_eq!(trimmed(&edited), trimmed(content.as_bytes()));
            prop_assert_eq!(&set_password(&edited, &user, "NEW").0, &edited);
        }
    }
}
