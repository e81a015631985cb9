//! `~/.netrc`: users and passwords by host, as pip, uv and curl read them.
//!
//! The grammar is that of Python's `netrc` module: words separated by white space, `"` quotes, `\` escapes,
//! comments from a `#` to the end of the line where a keyword is expected, `macdef` bodies up to an empty line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Environment;
use crate::auth::credentials::Secret;

/// Where the user's file is, be there one or not; `NETRC` names another one. `None` without a home folder.
#[must_use]
pub fn user_file(environment: &Environment) -> Option<PathBuf> {
    let named = environment.var_os("NETRC").map(Path::new);
    named
        .map(|path| environment.expand(path))
        .or_else(|| environment.home().map(|home| home.join(".netrc")))
}

/// The entries of a `.netrc` file.
#[derive(Debug, Clone, Default)]
pub struct Netrc {
    entries: Vec<Entry>,
}

/// The user and password for a host.
#[derive(Debug, Clone)]
pub struct Entry {
    /// `None` in the `default` entry.
    host: Option<String>,
    /// The user.
    pub login: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    pub(super) place: Place,
}

/// Where the words of an entry stand in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// From its `machine` or `default` to its last word.
    pub(super) whole: Range<usize>,
    /// The name of the host; of no length in the `default` entry.
    pub(super) host: Range<usize>,
    pub(super) login: Option<Range<usize>>,
    pub(super) password: Option<Range<usize>>,
}

impl Place {
    fn of(whole: Range<usize>, host: Range<usize>) -> Self {
        Self {
            whole,
            host,
            login: None,
            password: None,
        }
    }
}

/// The file does not follow its grammar. Its text is not repeated, since it holds passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not understood")]
pub struct NetrcError {
    /// The first line that makes no sense, from 1.
    pub line: usize,
}

impl Netrc {
    /// Reads the file's text.
    ///
    /// # Errors
    /// [`NetrcError`] where a keyword is unknown or lacks its word.
    pub fn parse(text: &str) -> Result<Self, NetrcError> {
        let mut words = Words {
            text,
            at: 0,
            last: 0..0,
        };
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(keyword) = words.keyword() {
            let error = NetrcError { line: words.line() };
            let start = words.last.start;
            match keyword.as_str() {
                "machine" => {
                    let host = words.word().ok_or(error)?;
                    let place = Place::of(start..words.last.end, words.last.clone());
                    entries.push(Entry::new(Some(host), place));
                }
                "default" => {
                    let end = words.last.end;
                    entries.push(Entry::new(None, Place::of(start..end, end..end)));
                }
                "macdef" => words.skip_macro(),
                "login" | "user" | "password" | "account" => {
                    let value = words.word().ok_or(error)?;
                    let entry = entries.last_mut().ok_or(error)?;
                    entry.place.whole.end = words.last.end;
                    match keyword.as_str() {
                        "password" => {
                            entry.password = Some(Secret::new(value));
                            entry.place.password = Some(words.last.clone());
                        }
                        "account" => {}
                        _ => {
                            entry.login = Some(value);
                            entry.place.login = Some(words.last.clone());
                        }
                    }
                }
                _ => return Err(error),
            }
        }
        Ok(Self { entries })
    }

    /// All entries in their order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry for a host, or the default one.
    #[must_use]
    pub fn entry(&self, host: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| entry.is_for(host))
            .or_else(|| self.entries.iter().find(|entry| entry.is_default()))
    }
}

impl Entry {
    fn new(host: Option<String>, place: Place) -> Self {
        Self {
            host,
            login: None,
            password: None,
            place,
        }
    }

    /// The host; `None` in the entry for all others.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Whether it is for this host by name.
    pub(super) fn is_for(&self, host: &str) -> bool {
        let name = self.host.as_deref();
        name.is_some_and(|name| name.eq_ignore_ascii_case(host))
    }

    /// Whether it is for all hosts that have no entry.
    pub(super) fn is_default(&self) -> bool {
        self.host.is_none()
    }
}

struct Words<'a> {
    text: &'a str,
    at: usize,
    /// Where the last word stands.
    last: Range<usize>,
}

impl Words<'_> {
    /// The next word that is not in a comment.
    fn keyword(&mut self) -> Option<String> {
        loop {
            let word = self.word()?;
            if !word.starts_with('#') {
                return Some(word);
            }
            // The word may have been the last one of its line.
            let before = self.text[..self.at].ends_with('\n');
            if !before {
                let rest = &self.text[self.at..];
                self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
            }
        }
    }

    /// The next word, quotes and escapes undone. Ends right behind it, so that a line's end is still seen.
    fn word(&mut self) -> Option<String> {
        let rest = &self.text[self.at..];
        let start = rest.len() - rest.trim_start().len();
        let mut letters = rest[start..].char_indices();
        let mut word = String::new();
        let mut quoted = false;
        let mut end = rest.len();
        let mut any = false;
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' if quoted || !any => quoted = !quoted,
                '\\' => word.extend(letters.next().map(|(_, escaped)| escaped)),
                letter if letter.is_whitespace() && !quoted => {
                    end = start + at;
                    break;
                }
                letter => word.push(letter),
            }
            any = true;
        }
        self.last = self.at + start..self.at + end;
        self.at += end;
        any.then_some(word)
    }

    fn skip_macro(&mut self) {
        let rest = &self.text[self.at..];
        let end = rest.find("\n\n").map_or(rest.len(), |end| end + 2);
        self.at += end;
    }

    fn line(&self) -> usize {
        self.text[..self.at].matches('\n').count() + 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(text: &str, host: &str) -> Option<(Option<String>, Option<String>)> {
        let netrc = Netrc::parse(text).unwrap();
        let entry = netrc.entry(host)?;
        let password = entry.password.as_ref().map(|secret| secret.expose().to_owned());
        Some((entry.login.clone(), password))
    }

    fn pair(login: &str, password: &str) -> Option<(Option<String>, Option<String>)> {
        Some((Some(login.to_owned()), Some(password.to_owned())))
    }

    #[test]
    fn entries_are_found_by_host_else_by_default() {
        let text = "# mine\nmachine localhost login alice password s3cret # not part of it\n\
                    macdef init\n cd /tmp\n machine fake login x\n\n\
                    machine Other.example\n\tlogin \"bob b\"\n\taccount ignored\n\tpassword \"a\\\"b\"\n\
                    default login anyone password #1\n";
        assert_eq!(entry(text, "localhost"), pair("alice", "s3cret"));
        assert_eq!(entry(text, "other.EXAMPLE"), pair("bob b", "a\"b"));
        assert_eq!(entry(text, "elsewhere"), pair("anyone", "#1"));
        assert_eq!(entry("machine a login b", "c"), None);
        assert_eq!(entry("", "c"), None);
    }

    #[test]
    fn nonsense_is_refused_by_line_without_its_text() {
        for (text, line) in [
            ("login x", 1),
            ("machine", 1),
            ("machine a\npasswort geheim", 2),
            ("machine a login b\n\npassword", 3),
        ] {
            assert_eq!(Netrc::parse(text).unwrap_err(), NetrcError { line }, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(machine |default |login |password |macdef |#|\"|\\\\|\n|é| |.){0,30}") {
            let _ = Netrc::parse(&text);
        }
    }
}
